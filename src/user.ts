import { OptionError, usageError } from './errors.js';
import type { SessionData, SessionKeyOf, SessionValueOf } from './session-data.js';
import type { SessionLimit, Store } from './stores/store.js';

/** The data of a session, to be looked at: doing so doesn't count as an access. */
export interface SessionView<Data extends object = SessionData> {
  get<Key extends SessionKeyOf<Data>>(key: Key): SessionValueOf<Data, Key> | undefined;
  has(key: SessionKeyOf<Data>): boolean;
}

export interface UserOptions<Data extends object = SessionData> {
  /**
   * Whose session it is: `(session) => session.get('userId')`, a text or a number; undefined, null, false and '' are nobody. From then on the sessions of a user can be listed
   * and ended together: `sessions.of(userId)`. A change of user is a change of key as well.
   */
  user?(session: SessionView<Data>): unknown;
  /** What the lists call the device, a text: what the application noted at the login, `(session) => session.get('device')`. */
  device?(session: SessionView<Data>): unknown;
  /** How many sessions a user may have, and whether one more ends the oldest or is refused with a `SessionLimitError`. No limit unless told. */
  maxPerUser?: SessionLimit;
}

export interface UserSettings {
  readonly userOf: ((values: ReadonlyMap<string, unknown>) => string | null) | undefined;
  readonly deviceOf: (values: ReadonlyMap<string, unknown>) => string | null;
  readonly maxPerUser: SessionLimit | undefined;
}

/** Throws an `OptionError` for what can't be meant, and for a store that keeps no users. */
export function resolveUserOptions<Data extends object>(options: UserOptions<Data>, store: Store): UserSettings {
  const { user, device, maxPerUser } = options;
  for (const [name, option] of Object.entries({ user, device })) {
    if (option !== undefined && typeof option !== 'function')
      throw new OptionError(name, `must be a function: (session) => session.get('${name}')`);
  }
  if (user !== undefined && store.owned === undefined) {
    throw new OptionError('user', 'needs a store that keeps the sessions of a user together: a RedisStore or a MemoryStore');
  }
  if (user === undefined && maxPerUser !== undefined)
    throw new OptionError('maxPerUser', "needs the option user: (session) => session.get('userId')");
  return {
    userOf: user && ((values) => userIn(user(viewOf(values)))),
    deviceOf: (values) => textOrNull(device?.(viewOf(values))),
    maxPerUser: maxPerUser && checkedLimit(maxPerUser),
  };
}

/** The user's ID as a text; null for nobody. Throws a `TypeError` for what is no ID. */
export function userIn(id: unknown): string | null {
  if (id === undefined || id === null || id === '' || id === false) return null;
  if (typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id))) return String(id);
  throw usageError('The ID of a user is a text or a number. The option user gave something else: take a key of the session that holds one');
}

function viewOf<Data extends object>(values: ReadonlyMap<string, unknown>): SessionView<Data> {
  return { get: (key: string) => values.get(key) as never, has: (key: string) => values.has(key) };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function checkedLimit(limit: SessionLimit): SessionLimit {
  const { sessions, then } = Object(limit);
  if (!Number.isSafeInteger(sessions) || sessions < 1) throw new OptionError('maxPerUser.sessions', 'must be a whole number above 0');
  if (then !== 'evict-oldest' && then !== 'refuse') throw new OptionError('maxPerUser.then', "must be 'evict-oldest' or 'refuse'");
  return { sessions, then };
}
