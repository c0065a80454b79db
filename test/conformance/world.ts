import type { NextFunction, Request, Response } from 'express';
import express from 'express5';
import { Session, session } from 'sojourn';
import { SessionCookie } from '../../src/cookie.js';
import { Aliases, Clients, valuesOf } from './client.js';
import type { Host } from './host.js';
import { runOp, type View } from './ops.js';
import { cookieOptions, optionsFrom, refusalOf, SECRET } from './options.js';
import { Records } from './records.js';
import {
  type Answer,
  type Answers,
  errorName,
  type Flags,
  firstFaults,
  type Op,
  type OpAnswer,
  type Scenario,
  type SetCookie,
  type Settings,
  type Step,
  UNKNOWN_KEY,
} from './scenario.js';
import { readSetCookie } from './set-cookie.js';
import { settingsFor } from './settings.js';
import { WatchedStore } from './store.js';

/** Of the right shape, and of no session. */
const UNKNOWN = 'unknown'.repeat(7).slice(0, 43);

type Handler = (req: Request, res: Response) => Promise<void>;

/** Plays a scenario through Sojourn: the real middleware in an Express app, real HTTP, a real store. */
export async function playSojourn(host: Host, scenario: Scenario): Promise<Answers> {
  const { settings } = settingsFor(scenario.settings);
  const refused = refusalOf(scenario.settings);
  const world = new World(host, settings);
  try {
    const requests: Answer[] = [];
    for (const step of scenario.requests) requests.push(await world.answer(step));
    return { refused, requests };
  } finally {
    await world.close();
  }
}

class World {
  #now = 1_700_000_000_000;
  readonly #clock = () => this.#now;
  readonly #store = new WatchedStore(this.#clock);
  readonly #records: Records;
  readonly #cookie: SessionCookie;
  readonly #clients: Clients;
  readonly #aliases = new Aliases([[UNKNOWN, UNKNOWN_KEY]]);
  readonly #path: string;
  #handle: Handler = async () => {};

  constructor(
    private readonly host: Host,
    private readonly settings: Settings,
  ) {
    this.#records = new Records(this.#store, settings, this.#clock);
    this.#cookie = new SessionCookie(cookieOptions(settings), { secrets: [SECRET] });
    this.#clients = new Clients(this.#cookie.pair(UNKNOWN).slice(settings.cookie_name.length + 1));
    this.#path = `${settings.cookie_path.replace(/\/$/, '')}/view`;
    const app = express();
    app.set('trust proxy', true);
    app.use(session({ ...optionsFrom(settings), store: this.#store, clock: this.#clock }));
    app.use((req, res) => this.#handle(req, res));
    app.use((error: Error & { status?: number }, _req: Request, res: Response, next: NextFunction) => {
      if (res.headersSent) next(error);
      else res.status(error.status ?? 500).end();
    });
    host.app = app;
  }

  async answer(step: Step): Promise<Answer> {
    this.#now += Math.round(step.advance_seconds * 1000);
    this.#store.traffic = { reads: false, writes: false, deletes: false };
    this.#store.faults = new Set(firstFaults(step.ops));
    const header = this.#clients.header(step, this.settings);

    let held: Session | undefined;
    let start: Flags | undefined;
    let before_response: Flags | undefined;
    const ops: OpAnswer[] = [];
    this.#handle = async (req, res) => {
      held = req.session;
      start = this.#flags(held);
      let raised: unknown;
      const view = this.#viewOf(req, step);
      for (const op of step.ops) {
        const { answer, error } = await this.#runOp(view, op);
        ops.push(answer);
        if (op[0] === 'raise') raised = error;
      }
      before_response = this.#flags(held);
      if (raised) throw raised;
      if (step.response_vary !== undefined) res.set('Vary', step.response_vary);
      res.status(step.status).end();
    };
    const response = await this.host.get(this.#path, this.#headers(header));
    if (!held || !start || !before_response) throw new Error(`the view was not reached: status ${response.status}`);
    const after_response = this.#flags(held);
    this.#store.faults = new Set();
    this.#store.forced = [];

    const set_cookie = this.#takeCookie(response.headers['set-cookie'] ?? [], step.jar);
    const store = await this.#records.contents((key) => this.#nameOf(key));
    const jar = this.#nameIn(this.#clients.held(step.jar));
    return {
      cookie_sent: this.#nameIn(valuesOf(header, this.settings.cookie_name).at(-1) ?? null),
      start,
      ops,
      before_response,
      after_response,
      key_at_start: start.key,
      key_at_end: after_response.key,
      key_changed: start.key !== after_response.key,
      status: response.status,
      vary: response.headers.vary ?? null,
      set_cookie,
      jar,
      jar_session: jar === null ? null : (store[jar] ?? null),
      store,
      store_count: Object.keys(store).length,
      traffic: { ...this.#store.traffic },
    };
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #headers(cookie: string | null): Record<string, string> {
    return {
      ...(cookie === null ? undefined : { Cookie: Buffer.from(cookie).toString('latin1') }),
      'X-Forwarded-Proto': this.settings.cookie_secure ? 'https' : 'http',
    };
  }

  async #runOp(view: View, op: Op): Promise<{ answer: OpAnswer; error?: unknown }> {
    try {
      const result = await runOp(view, op);
      const named = op[0] === 'session_key' ? this.#nameOf(result as string | null) : result;
      return { answer: { result: named, ...this.#flags(view.session) } };
    } catch (error) {
      return { answer: { error: errorOf(error), ...this.#flags(view.session) }, error };
    }
  }

  #viewOf(req: Request, step: Step): View {
    return {
      session: req.session,
      clients: this.#clients,
      step,
      keyIn: (cookie) => this.#keyIn(cookie),
      unknownKey: UNKNOWN,
      now: this.#clock,
      advance: (by) => {
        this.#now += Math.round(by * 1000);
      },
      setFaults: (kinds) => {
        for (const kind of kinds) this.#store.faults.add(kind);
      },
      forceKeys: (keys) => {
        this.#store.forced.push(...keys);
      },
      deleteElsewhere: (key) => this.#records.delete(key),
      modifyElsewhere: (key, changes) => this.#records.modify(key, changes),
      clearExpired: () => Session.clearExpired(this.#store),
      drop: () => {
        Reflect.deleteProperty(req, 'session');
      },
    };
  }

  #flags(session: Session): Flags {
    const { accessed, modified, sessionKey } = session;
    return { accessed, modified, empty: session.isEmpty(), key: this.#nameOf(sessionKey) };
  }

  #nameOf<Key extends string | null>(key: Key): Key {
    if (key !== null) this.#records.know(key);
    return this.#aliases.of(key);
  }

  #keyIn(value: string | null): string | null {
    return value === null ? null : (this.#cookie.read(`${this.settings.cookie_name}=${value}`)[0] ?? null);
  }

  /** The name of the key in a cookie value; what holds none stays literal. */
  #nameIn(value: string | null): string | null {
    const key = this.#keyIn(value);
    return key === null ? value : this.#nameOf(key);
  }

  #takeCookie(lines: string[], jar: string | undefined): SetCookie | null {
    const mine = lines.filter((line) => line.startsWith(`${this.settings.cookie_name}=`));
    if (mine.length > 1) throw new Error(`one response sets the session cookie ${mine.length} times`);
    const [line] = mine;
    if (line === undefined) return null;
    const cookie = readSetCookie(line);
    this.#clients.keep(jar, cookie.value);
    return { ...cookie, value: this.#nameIn(cookie.value) as string };
  }
}

/** Sojourn's errors under the names Django gives them. */
function errorOf(error: unknown): string {
  const { code, name } = error as { code?: string; name: string };
  if (code === 'ERR_STORE_UNAVAILABLE') return 'StoreDown';
  return errorName(name);
}
