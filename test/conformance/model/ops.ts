import { type Clients, plain } from '../client.js';
import { type Op, type Step, UNKNOWN_KEY } from '../scenario.js';
import type { Expiry, ModelSession } from './session.js';
import { NamedError } from './state.js';

export interface ModelView {
  session: ModelSession;
  clients: Clients;
  step: Step;
  /** Moves the clock, in seconds. */
  advance(seconds: number): void;
  drop(): void;
}

type Run = (view: ModelView, ...args: never[]) => unknown;

/** What a missing key gives: Python raises, JavaScript has `undefined` and `false` for it. */
export const MISSING = { $missing: true };

function missing({ session }: ModelView): unknown {
  if (session.on.differs('missing is a value')) return MISSING;
  throw new NamedError('KeyError');
}

function atTime({ session }: ModelView, offset: number | undefined): number | undefined {
  return offset === undefined ? undefined : session.on.store.now + offset * 1000;
}

function expiryOf({ session }: ModelView, value: unknown): Expiry {
  if (typeof value !== 'object' || value === null) return value as Expiry;
  const { date, delta } = value as { date?: number; delta?: number };
  return new Date(session.on.store.now + Math.round((date ?? delta ?? 0) * 1000));
}

function keyOf({ session, clients, step }: ModelView, ref: string | null | undefined): string | null {
  if (ref === '$self') return session.key;
  if (ref === '$jar') return clients.held(step.jar);
  if (ref === '$previous') return clients.previous(step.jar);
  return ref === '$unknown' ? UNKNOWN_KEY : (ref ?? null);
}

interface Query {
  modification?: number;
  expiry?: unknown;
}

const run: Record<string, Run> = {
  get: ({ session }, key: unknown, fallback: unknown = null) => (session.data.has(key) ? session.data.get(key) : fallback),
  getitem: (view, key: unknown) => (view.session.data.has(key) ? view.session.data.get(key) : missing(view)),
  set: ({ session }, key: unknown, value: unknown) => session.set(key, structuredClone(value)),
  delitem: (view, key: unknown) => (view.session.remove(key) ? null : missing(view)),
  contains: ({ session }, key: unknown) => session.data.has(key),
  has_key: ({ session }, key: unknown) => session.data.has(key),
  pop(view, key: unknown, ...fallback: unknown[]) {
    const value = view.session.data.get(key);
    if (view.session.remove(key)) return value;
    return fallback.length > 0 ? fallback[0] : missing(view);
  },
  setdefault({ session }, key: unknown, value: unknown) {
    if (!session.data.has(key)) session.set(key, structuredClone(value));
    return session.data.get(key);
  },
  update({ session }, entries: object) {
    const { data } = session;
    for (const [key, value] of Object.entries(entries)) {
      data.set(key, structuredClone(value));
      session.changes.touched.add(key);
    }
    session.modified = true;
  },
  keys: ({ session }) => [...session.data.keys()],
  values: ({ session }) => [...session.data.values()],
  items: ({ session }) => [...session.data],
  clear: ({ session }) => session.clear(),
  flush: ({ session }) => session.flush(),
  cycle_key: ({ session }) => session.cycleKey(),
  create: ({ session }) => session.create(),
  save: ({ session }) => session.save(),
  save_must_create: ({ session }) => session.save(true),
  load({ session }) {
    if (session.on.differs('load returns the session')) {
      // Sojourn has loaded already; what could not be read is asked for again.
      if (session.failure) session.loadFirst();
      if (session.failure) throw session.failure;
      return null;
    }
    if (session.key !== null) return session.load();
    session.on.store.ask('reads', 'get');
    return {};
  },
  clear_expired: () => null,
  delete: (view, ref: string | null) => view.session.deleteRecord(keyOf(view, ref)),
  exists: (view, ref: string) => view.session.exists(keyOf(view, ref)),
  exists_self: ({ session }) => session.exists(session.key),
  is_empty: ({ session }) => session.empty,
  session_key: ({ session }) => session.key,
  set_expiry: (view, value: unknown) => view.session.setExpiry(expiryOf(view, value) as number | Date | null),
  get_expiry_age: (view, { modification, expiry }: Query = {}) => view.session.age(atTime(view, modification), expiryOf(view, expiry)),
  get_expiry_date: (view, { modification, expiry }: Query = {}) => view.session.date(atTime(view, modification), expiryOf(view, expiry)),
  get_expire_at_browser_close: ({ session }) => session.endsWithBrowser(),
  get_session_cookie_age: ({ session }) => session.on.settings.cookie_age,
  set_test_cookie: ({ session }) => session.set('testcookie', 'worked'),
  test_cookie_worked: ({ session }) => session.data.get('testcookie') === 'worked',
  delete_test_cookie: (view) => (view.session.remove('testcookie') ? null : missing(view)),
  set_modified({ session }, modified: boolean) {
    session.modified = modified;
  },
  mutate_nested({ session }, key: unknown, ...rest: unknown[]) {
    mutate(session.data.get(key), rest);
  },
  encode_decode_roundtrip: (_view, data: unknown) => data,
  decode_garbage: () => ({}),
  decode_tampered: () => ({}),
  advance: (view, seconds: number) => view.advance(seconds),
  delete_by_other_request: ({ session }) => session.key !== null && session.on.store.drop(session.key),
  modify_by_other_request: ({ session }, changes: Record<string, unknown>) =>
    session.key !== null && session.on.store.modify(session.key, changes),
  fault({ session }, ...kinds: string[]) {
    for (const kind of kinds) session.on.store.faults.add(kind);
  },
  force_keys(view, ...refs: string[]) {
    for (const ref of refs) {
      const key = keyOf(view, ref);
      if (key !== null) view.session.on.forced.push(key);
    }
  },
  raise() {
    throw new NamedError('Abort');
  },
  drop_session: (view) => view.drop(),
  touch_nothing: () => null,
};

/** Sets what lies at a path inside of a value: keys or indices, then the new value. */
export function mutate(target: unknown, path: unknown[]): void {
  const steps = path.slice(0, -2);
  const [name, value] = path.slice(-2);
  let inner = target;
  for (const step of steps) inner = (inner as Record<string, unknown>)[step as string];
  if (typeof inner !== 'object' || inner === null) throw new TypeError('nothing there to be changed');
  (inner as Record<string, unknown>)[name as string] = structuredClone(value);
}

export function runModelOp(view: ModelView, [name, ...args]: Op): unknown {
  return plain(run[name]?.(view, ...(args as never[])), view.session.on.store.now);
}
