import type { Session } from 'sojourn';
import { type Clients, plain } from './client.js';
import { MISSING, mutate } from './model/ops.js';
import type { Op, Step } from './scenario.js';

/** What the ops of one request work on. */
export interface View {
  session: Session;
  clients: Clients;
  step: Step;
  /** The session key in a cookie value, or null. */
  keyIn(cookie: string | null): string | null;
  unknownKey: string;
  now(): number;
  advance(seconds: number): void;
  setFaults(kinds: string[]): void;
  forceKeys(keys: string[]): void;
  /** What another request does at the same time; whether there was a session to do it to. */
  deleteElsewhere(key: string | null): Promise<boolean>;
  modifyElsewhere(key: string | null, changes: Record<string, unknown>): Promise<boolean>;
  clearExpired(): Promise<unknown>;
  drop(): void;
}

/** The view of a scenario raises it on purpose. */
export class Abort extends Error {
  override name = 'Abort';
}

type Run = (view: View, ...args: never[]) => unknown;

function expiryOf({ now }: View, value: unknown): number | Date | { seconds: number } | null {
  if (typeof value !== 'object' || value === null) return value as number | null;
  const { date, delta } = value as { date?: number; delta?: number };
  return delta === undefined ? new Date(now() + Math.round((date ?? 0) * 1000)) : { seconds: delta };
}

/** Missing members stay missing: that differs from null. */
function queryOf(view: View, { modification, expiry }: { modification?: number; expiry?: unknown } = {}) {
  return {
    ...(modification === undefined ? undefined : { modification: new Date(view.now() + modification * 1000) }),
    ...(expiry === undefined ? undefined : { expiry: expiryOf(view, expiry) }),
  };
}

function keyOf({ session, clients, step, keyIn, unknownKey }: View, ref: string | null | undefined): string | null {
  if (ref === '$self') return session.sessionKey;
  if (ref === '$jar') return keyIn(clients.held(step.jar));
  if (ref === '$previous') return keyIn(clients.previous(step.jar));
  return ref === '$unknown' ? unknownKey : (ref ?? null);
}

function nothing(): null {
  return null;
}

const run: Record<string, Run> = {
  get: ({ session }, key: string, ...fallback: unknown[]) => (fallback.length > 0 ? session.get(key, fallback[0]) : session.get(key)),
  getitem({ session }, key: string) {
    const value = session.get(key);
    return value === undefined ? MISSING : value;
  },
  set: ({ session }, key: string, value: unknown) => void session.set(key, structuredClone(value)),
  delitem: ({ session }, key: string) => (session.delete(key) ? null : MISSING),
  contains: ({ session }, key: string) => session.has(key),
  has_key: ({ session }, key: string) => session.has(key),
  pop({ session }, key: string, ...fallback: unknown[]) {
    const value = fallback.length > 0 ? session.pop(key, fallback[0]) : session.pop(key);
    return value === undefined ? MISSING : value;
  },
  setdefault: ({ session }, key: string, value: unknown) => session.setDefault(key, structuredClone(value)),
  update: ({ session }, entries: Record<string, unknown>) => void session.update(structuredClone(entries)),
  keys: ({ session }) => [...session.keys()],
  values: ({ session }) => [...session.values()],
  items: ({ session }) => [...session.entries()],
  clear: ({ session }) => session.clear(),
  flush: ({ session }) => session.flush(),
  cycle_key: ({ session }) => session.cycleKey(),
  create: ({ session }) => session.create(),
  save: ({ session }) => session.save(),
  save_must_create: ({ session }) => session.save({ mustCreate: true }),
  load: ({ session }) => session.load().then(nothing),
  clear_expired: ({ clearExpired }) => clearExpired().then(nothing),
  delete: (view, ref: string | null) => view.session.destroy(keyOf(view, ref)).then(nothing),
  exists: (view, ref: string) => view.session.exists(keyOf(view, ref) as string),
  exists_self: ({ session }) => session.exists(session.sessionKey as string),
  is_empty: ({ session }) => session.isEmpty(),
  session_key: ({ session }) => session.sessionKey,
  set_expiry: (view, value: unknown) => view.session.setExpiry(expiryOf(view, value)),
  get_expiry_age: (view, query: object) => view.session.getExpiryAge(queryOf(view, query)),
  get_expiry_date: (view, query: object) => view.session.getExpiryDate(queryOf(view, query)),
  get_expire_at_browser_close: ({ session }) => session.getExpireAtBrowserClose(),
  get_session_cookie_age: ({ session }) => session.getSessionCookieAge(),
  set_test_cookie: ({ session }) => session.setTestCookie(),
  test_cookie_worked: ({ session }) => session.testCookieWorked(),
  delete_test_cookie: ({ session }) => (session.deleteTestCookie() ? null : MISSING),
  set_modified({ session }, modified: boolean) {
    session.modified = modified;
  },
  mutate_nested({ session }, key: string, ...path: unknown[]) {
    mutate(session.get(key), path);
  },
  encode_decode_roundtrip: ({ session }, data: Record<string, unknown>) => session.decode(session.encode(data)),
  decode_garbage: ({ session }, text = 'garbage') => session.decode(text),
  decode_tampered: ({ session }, data: Record<string, unknown>) => session.decode(tamper(session.encode(data))),
  advance: ({ advance }, seconds: number) => advance(seconds),
  delete_by_other_request: ({ session, deleteElsewhere }) => deleteElsewhere(session.sessionKey),
  modify_by_other_request: ({ session, modifyElsewhere }, changes: Record<string, unknown>) => modifyElsewhere(session.sessionKey, changes),
  fault: ({ setFaults }, ...kinds: string[]) => setFaults(kinds),
  force_keys: (view, ...refs: string[]) => view.forceKeys(refs.map((ref) => keyOf(view, ref)).filter((key) => key !== null)),
  raise() {
    throw new Abort('the view raises');
  },
  drop_session: ({ drop }) => drop(),
  touch_nothing: nothing,
};

/** Changes one character in the middle. */
function tamper(text: string): string {
  const middle = Math.floor(text.length / 2);
  return text.slice(0, middle) + (text[middle] === 'A' ? 'B' : 'A') + text.slice(middle + 1);
}

/** Throws for an op that nobody can run: the scenario then counts as failed. */
export function assertKnown(ops: readonly Op[]): void {
  for (const [name] of ops) if (!Object.hasOwn(run, name)) throw new Error(`an unknown op: ${name}`);
}

export async function runOp(view: View, [name, ...args]: Op): Promise<unknown> {
  return plain(await run[name]?.(view, ...(args as never[])), view.now());
}
