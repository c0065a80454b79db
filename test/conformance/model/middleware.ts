import { Aliases, Clients, plain, seconds, valuesOf } from '../client.js';
import type { RuleName } from '../rules.js';
import {
  type Answer,
  type Answers,
  errorName,
  type Flags,
  firstFaults,
  type OpAnswer,
  type Scenario,
  type Settings,
  type Step,
  type StoredEntry,
  UNKNOWN_KEY,
} from '../scenario.js';
import { settingsFor } from '../settings.js';
import { type ModelView, runModelOp } from './ops.js';
import { respond } from './response.js';
import { ModelSession } from './session.js';
import type { Differs, Setting } from './state.js';
import { ModelStore } from './store.js';

const LAST_STATUS = 500;

/** Plays a scenario through the model of Django, which the given rules change. */
export function playModel(scenario: Scenario, rules: ReadonlySet<RuleName>): Answers {
  const differs: Differs = (rule) => rules.has(rule);
  const { refused, settings } = differs('refused at start')
    ? settingsFor(scenario.settings)
    : { refused: null, settings: scenario.settings };
  const server = new ModelServer(settings, differs);
  return { refused, requests: scenario.requests.map((step) => server.answer(step)) };
}

/** Django's `SessionMiddleware` and the clients that talk to it. */
class ModelServer {
  readonly #store = new ModelStore();
  readonly #clients = new Clients(UNKNOWN_KEY);
  readonly #aliases = new Aliases([[UNKNOWN_KEY, UNKNOWN_KEY]]);
  readonly #generated = new Set([UNKNOWN_KEY]);
  readonly #on: Setting;

  constructor(
    private readonly settings: Settings,
    private readonly differs: Differs,
  ) {
    this.#on = { settings, store: this.#store, differs, newKey: this.#newKey, isKey: (text) => this.#generated.has(text), forced: [] };
  }

  readonly #newKey = (): string => {
    const key = `generated-key-number-${this.#generated.size}`;
    this.#generated.add(key);
    return key;
  };

  answer(step: Step): Answer {
    const store = this.#store;
    this.#advance(step.advance_seconds);
    store.traffic = { reads: false, writes: false, deletes: false };
    store.faults = new Set(firstFaults(step.ops));
    const presented = valuesOf(this.#clients.header(step, this.settings), this.settings.cookie_name);
    const session = new ModelSession(this.#on, this.#candidates(presented));
    if (this.differs('loaded first')) session.loadFirst();

    const start = this.#flags(session);
    let dropped = false;
    const view: ModelView = {
      session,
      clients: this.#clients,
      step,
      advance: (by) => this.#advance(by),
      drop: () => {
        dropped = true;
      },
    };
    const ops = step.ops.map((op) => this.#runOp(view, op));
    const raised = ops.some((op) => 'error' in op && op.error === 'Abort');
    const before_response = this.#flags(session);
    const status = raised ? LAST_STATUS : step.status;
    const reply = dropped ? { status, vary: false, cookie: null } : respond(session, presented.length > 0, status);
    const after_response = this.#flags(session);

    if (reply.cookie) this.#clients.keep(step.jar, reply.cookie.value);
    const jar = this.#clients.held(step.jar);
    store.faults = new Set();
    this.#on.forced.length = 0;
    const set_cookie = reply.cookie && { ...reply.cookie, value: reply.cookie.value === '' ? '' : this.#aliases.of(reply.cookie.value) };
    const entries = [...store.live()].map(([key, { data, deadline }], index): [string, StoredEntry] => {
      const ttl = seconds(deadline - store.now);
      // Sojourn's store knows no session keys: what nobody has seen the key of can't be read.
      if (this.differs('at commit') && !this.#aliases.has(key)) return [`orphan ${index + 1}`, { data: null, ttl }];
      return [this.#nameOf(key), { data: plain(data, store.now), ttl }];
    });
    const contents = Object.fromEntries(entries);
    const sent = presented.at(-1);
    return {
      cookie_sent: sent === undefined ? null : this.#nameOf(sent),
      start,
      ops,
      before_response,
      after_response,
      key_at_start: start.key,
      key_at_end: after_response.key,
      key_changed: start.key !== after_response.key,
      status: reply.status,
      vary: mergeVary(raised || reply.isNew ? null : (step.response_vary ?? null), reply.vary),
      set_cookie,
      jar: jar === null ? null : this.#nameOf(jar),
      jar_session: jar === null ? null : (contents[this.#nameOf(jar)] ?? null),
      store: contents,
      store_count: entries.length,
      traffic: { ...store.traffic },
    };
  }

  /** The keys that may be the session's. */
  #candidates(presented: string[]): string[] {
    const { differs } = this;
    const good = differs('signed cookie')
      ? presented.filter((value) => this.#generated.has(value))
      : presented.filter((value) => value.length >= 8);
    if (!differs('several cookies')) return good.slice(-1);
    const different = [...new Set(good)];
    return different.length > 2 ? [] : different;
  }

  #runOp(view: ModelView, op: Parameters<typeof runModelOp>[1]): OpAnswer {
    let outcome: { result: unknown } | { error: string };
    try {
      const result = runModelOp(view, op);
      outcome = { result: op[0] === 'session_key' && typeof result === 'string' ? this.#nameOf(result) : result };
    } catch (error) {
      outcome = { error: errorName((error as Error).name) };
    }
    return { ...outcome, ...this.#flags(view.session) };
  }

  #advance(by: number): void {
    this.#store.now += Math.round(by * 1000);
  }

  #flags({ accessed, modified, empty, key }: ModelSession): Flags {
    return { accessed, modified, empty, key: key === null ? null : this.#nameOf(key) };
  }

  /** What was presented and never generated stays literal. */
  #nameOf(key: string): string {
    return this.#generated.has(key) ? this.#aliases.of(key) : key;
  }
}

function mergeVary(present: string | null, vary: boolean): string | null {
  if (!vary) return present;
  if (present === null || present === '') return 'Cookie';
  const fields = present.split(',').map((field) => field.trim().toLowerCase());
  if (fields.includes('*')) return '*';
  return fields.includes('cookie') ? present : `${present}, Cookie`;
}
