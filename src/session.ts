import { inspect } from 'node:util';
import type { Codec } from './codec.js';
import { UpdateError, usageError } from './errors.js';
import {
  type DurationParts,
  EXPIRY_KEY,
  type ExpiryPolicy,
  expiresAtBrowserClose,
  expiryAge,
  expiryTime,
  readCustomExpiry,
  toCustomExpiry,
} from './expiry.js';
import { resolveStandaloneOptions, type StandaloneOptions } from './options.js';
import { decodeRecord, encodeRecord, STARTED_KEY } from './record.js';
import type { OrDefault, SessionData, SessionEntriesOf, SessionKeyOf, SessionValueOf } from './session-data.js';
import { isSessionKey } from './session-key.js';
import type { Store } from './stores/store.js';
import { UnitOfWork } from './unit-of-work.js';

export interface ExpiryQuery {
  /** When the session was last modified; now unless told. */
  modification?: Date;
  /** Instead of the session's own: seconds, a fixed time, or null for the global policy. Then the data aren't touched. */
  expiry?: number | Date | DurationParts | null;
}

let unitOfWork: (session: Session<never>) => UnitOfWork;

/**
 * One visitor's session: Django's `SessionBase` with the names of a JavaScript `Map`.
 *
 * Reading and changing are synchronous and change this object only. What was changed is stored once, when the response
 * begins, or earlier by `await save()`. Values are what the codec can keep: with the default one, what JSON can.
 */
export class Session<Data extends object = SessionData> {
  static readonly TEST_COOKIE_NAME = 'testcookie';
  static readonly TEST_COOKIE_VALUE = 'worked';

  readonly #work: UnitOfWork;
  readonly #policy: ExpiryPolicy;
  #accessed = false;

  /** A session outside of a request: `sessionKey` is that of a stored session, to be loaded by `await load()`. */
  constructor(options: StandaloneOptions);
  /** @internal */
  constructor(work: UnitOfWork, policy: ExpiryPolicy);
  constructor(source: StandaloneOptions | UnitOfWork, policy?: ExpiryPolicy) {
    if (source instanceof UnitOfWork) {
      this.#work = source;
      this.#policy = policy as ExpiryPolicy;
    } else {
      const settings = resolveStandaloneOptions(source);
      this.#work = new UnitOfWork(settings, isSessionKey(source.sessionKey) ? [source.sessionKey] : []);
      this.#policy = settings;
    }
    Object.preventExtensions(this);
  }

  static {
    unitOfWork = (session) => session.#work;
  }

  /** Removes expired records from a store that doesn't do so by itself; how many. Django: `clear_expired`. */
  static clearExpired(store: Store): Promise<number> {
    return store.clearExpired();
  }

  /** The data were read or changed. Django: `accessed`. */
  get accessed(): boolean {
    return this.#accessed;
  }

  /** The data were changed, in place or by a method. Django: `modified`. */
  get modified(): boolean {
    return this.#work.modified || this.#work.changed;
  }

  /** True: store the session even if nothing seems to have changed. False: forget the changes made so far. */
  set modified(modified: boolean) {
    this.#work.modified = modified;
    if (modified) this.#work.forced = true;
    else this.#work.forget();
  }

  /**
   * The key in the cookie, or null until there is one. Under the option `user` a new key gets its final form when it is stored. A secret: who
   * has it is signed in. Django: `session_key`.
   */
  get sessionKey(): string | null {
    return this.#work.key;
  }

  /** How the data are written for the store. Django: `serializer`. */
  get serializer(): Codec {
    return this.#work.settings.codec;
  }

  /** What signatures and encryption bind a record to, besides its key. Django: `key_salt`. */
  get keySalt(): string {
    return this.#work.settings.keySalt;
  }

  /** The value under a key, or the default (`undefined`). Changing the object it returns changes the session. */
  get<Key extends SessionKeyOf<Data>>(key: Key): SessionValueOf<Data, Key> | undefined;
  get<Key extends SessionKeyOf<Data>, Default>(key: Key, fallback: Default): OrDefault<Data, Key, Default>;
  get(key: string, fallback?: unknown): unknown {
    const { data } = this.#touch();
    return data.values.has(key) ? data.get(key) : fallback;
  }

  /** Django: `session[key] = value`. */
  set<Key extends SessionKeyOf<Data>>(key: Key, value: SessionValueOf<Data, Key>): this {
    assertKey(key);
    this.#change().data.set(key, value);
    return this;
  }

  /** Whether there was something to delete; a missing key changes nothing. Django: `del session[key]`. */
  delete(key: SessionKeyOf<Data>): boolean {
    const deleted = this.#touch().data.delete(key);
    this.#work.modified ||= deleted;
    return deleted;
  }

  has(key: SessionKeyOf<Data>): boolean {
    return this.#touch().data.values.has(key);
  }

  /** Takes a value out, or gives the default; a missing key changes nothing. Django: `pop`. */
  pop<Key extends SessionKeyOf<Data>>(key: Key): SessionValueOf<Data, Key> | undefined;
  pop<Key extends SessionKeyOf<Data>, Default>(key: Key, fallback: Default): OrDefault<Data, Key, Default>;
  pop(key: string, fallback?: unknown): unknown {
    const { data } = this.#touch();
    const value = data.values.has(key) ? data.get(key) : fallback;
    this.delete(key as SessionKeyOf<Data>);
    return value;
  }

  /** The value under a key, which is set to the given one if it was missing. Django: `setdefault`. */
  setDefault<Key extends SessionKeyOf<Data>, Value extends SessionValueOf<Data, Key>>(key: Key, value: Value): OrDefault<Data, Key, Value>;
  setDefault(key: string, value: unknown): unknown {
    if (!this.has(key as SessionKeyOf<Data>)) this.set(key as SessionKeyOf<Data>, value as SessionValueOf<Data, SessionKeyOf<Data>>);
    return this.#work.data.get(key);
  }

  /** Sets all entries of an object. Counts as a modification even if it has none. Django: `update`. */
  update(entries: SessionEntriesOf<Data>): this;
  /**
   * Makes a change that depends on what is stored now, and stores it: `await session.update((s) => s.set('n', s.get('n', 0) + 1))`.
   * When another request has written meanwhile, `change` is called again on what that wrote, until nothing comes between,
   * so it must be synchronous and change nothing but data. Rejects like `save()`; the change then hasn't happened.
   */
  update(change: (session: this) => void): Promise<void>;
  update(input: SessionEntriesOf<Data> | ((session: this) => void)): this | Promise<void> {
    if (typeof input === 'function') return this.#updateStored(input as (session: this) => void);
    const entries = Object.entries(input);
    for (const [key] of entries) assertKey(key);
    const { data } = this.#touch();
    this.modified = true;
    for (const [key, value] of entries) data.set(key, value);
    return this;
  }

  keys(): IterableIterator<SessionKeyOf<Data>> {
    return this.#touch().data.values.keys() as IterableIterator<SessionKeyOf<Data>>;
  }

  values(): IterableIterator<SessionValueOf<Data, SessionKeyOf<Data>>> {
    return secondOfEach(this.entries());
  }

  entries(): IterableIterator<[SessionKeyOf<Data>, SessionValueOf<Data, SessionKeyOf<Data>>]> {
    const { data } = this.#touch();
    return lendEach(data) as IterableIterator<[SessionKeyOf<Data>, SessionValueOf<Data, SessionKeyOf<Data>>]>;
  }

  [Symbol.iterator](): IterableIterator<[SessionKeyOf<Data>, SessionValueOf<Data, SessionKeyOf<Data>>]> {
    return this.entries();
  }

  /** How many entries there are. */
  get size(): number {
    return this.#touch().data.values.size;
  }

  /** Removes all data; the key and the record stay. Django: `clear`. */
  clear(): void {
    this.#change().data.clear();
  }

  /** No key and no data. Doesn't count as an access. Django: `is_empty`. */
  isEmpty(): boolean {
    return this.#work.empty;
  }

  /** Logs out: data, record and key go. The record is deleted before the response leaves. Django: `flush`. */
  flush(): void {
    this.#work.flush();
    this.#accessed = true;
    this.#work.modified = true;
  }

  /**
   * A new key for the same data, at once; the old record ends before the response leaves. Call it at every login and
   * change of privilege: whoever knew the old key has nothing. Django: `cycle_key`.
   */
  cycleKey(): void {
    this.#touch().cycleKey();
    this.#work.modified = true;
  }

  /**
   * Loads a lazy or standalone session; does nothing if it is loaded. An unknown key is never adopted: it becomes null.
   * Rejects with `StoreUnavailableError`. Django: `load`.
   */
  async load(): Promise<this> {
    await this.#work.load();
    return this;
  }

  /** Stores the session under a new key, leaving the old record alone. Rejects with `CreateError`. Django: `create`. */
  async create(): Promise<void> {
    await this.#touch().create();
    this.#work.modified = true;
    this.#work.savedByHand = true;
  }

  /**
   * Stores the session now instead of when the response begins. Rejects with `UpdateError` if it was deleted
   * meanwhile, with `CreateError` if `mustCreate` and there is a record, with `StoreUnavailableError` if the store
   * fails; the changes are then still to be saved. Django: `save`.
   */
  save(options: { mustCreate?: boolean } = {}): Promise<void> {
    refuseCallback(options, 'save() returns a promise, and is rarely needed: the response saves the session');
    return this.#save(options.mustCreate ?? false);
  }

  async #save(mustCreate: boolean): Promise<void> {
    this.#refuseRetired();
    this.#accessed = true;
    const creates = mustCreate || this.#work.key === null;
    await this.#work.save(mustCreate);
    if (creates) this.#work.modified = true;
    this.#work.savedByHand = true;
  }

  /** Deletes a stored record, this session's own unless told; the data here stay. Django: `delete`. */
  destroy(sessionKey?: string | null): Promise<boolean> {
    refuseCallback(sessionKey, 'destroy() returns a promise; to log out, call flush()');
    if (sessionKey === undefined || sessionKey === null) return this.#work.deleteOwnRecord();
    return isSessionKey(sessionKey) ? this.#work.deleteRecord(sessionKey) : Promise.resolve(false);
  }

  /** Whether there is a stored session under this key. Django: `exists`. */
  async exists(sessionKey: string): Promise<boolean> {
    return isSessionKey(sessionKey) && this.#work.recordExists(sessionKey);
  }

  /** Data as the store would keep them for this session. Django: `encode`. */
  encode(data: Readonly<Record<string, unknown>>): string {
    return encodeRecord(this.#work.settings, this.#work.place, new Map(Object.entries(data)));
  }

  /** The data in a text that `encode` of this session wrote; `{}` and an event for anything else. Django: `decode`. */
  decode(text: string): Record<string, unknown> {
    const record = decodeRecord(this.#work.settings, this.#work.place, text);
    return record === null ? {} : Object.fromEntries(record.data);
  }

  /**
   * Gives this session an expiry of its own. Django: `set_expiry`.
   *
   * A number: seconds without a change. 0: when the browser closes. A `Date`, or a duration like `{ hours: 2 }`: at
   * that time, whatever happens. null: the global policy again. Throws a `TypeError` or `RangeError` for anything else.
   */
  setExpiry(expiry: number | Date | DurationParts | null): void {
    if (expiry === null) {
      this.delete(EXPIRY_KEY as SessionKeyOf<Data>);
      return;
    }
    const custom = toCustomExpiry(expiry, this.#work.settings.clock());
    this.#change().data.set(EXPIRY_KEY, custom);
  }

  /** Seconds until the session expires. Django: `get_expiry_age`. */
  getExpiryAge(query: ExpiryQuery = {}): number {
    return expiryAge(this.#expiryOf(query), this.getSessionCookieAge(), this.#modificationOf(query));
  }

  /** When the session expires. Django: `get_expiry_date`. */
  getExpiryDate(query: ExpiryQuery = {}): Date {
    return new Date(expiryTime(this.#expiryOf(query), this.getSessionCookieAge(), this.#modificationOf(query)));
  }

  /** Whether the cookie ends when the browser closes. Django: `get_expire_at_browser_close`. */
  getExpireAtBrowserClose(): boolean {
    return expiresAtBrowserClose(this.#expiryOf({}), this.#policy.expireAtBrowserClose);
  }

  /** The policy's age in seconds, the option `maxAge`. Django: `get_session_cookie_age`. */
  getSessionCookieAge(): number {
    return this.#policy.maxAge;
  }

  /** Notes that a cookie was sent, to see with the next request whether it came back. Django: `set_test_cookie`. */
  setTestCookie(): void {
    this.#change().data.set(Session.TEST_COOKIE_NAME, Session.TEST_COOKIE_VALUE);
  }

  /** Whether the cookie came back. Django: `test_cookie_worked`. */
  testCookieWorked(): boolean {
    return this.#touch().data.values.get(Session.TEST_COOKIE_NAME) === Session.TEST_COOKIE_VALUE;
  }

  /** Django: `delete_test_cookie`. */
  deleteTestCookie(): boolean {
    return this.delete(Session.TEST_COOKIE_NAME as SessionKeyOf<Data>);
  }

  /** For console.log and debuggers: the state, and never the key. */
  [inspect.custom](): string {
    const { loaded, stored } = this.#work;
    const flags = Object.entries({ loaded, stored, accessed: this.#accessed, modified: this.modified });
    return `Session { ${flags.map(([name, value]) => `${name}: ${value}`).join(', ')} }`;
  }

  /** The key was cycled elsewhere: a session of its own would replace the cookie that the login there has set. */
  #refuseRetired(): void {
    if (this.#work.retired) throw new UpdateError();
  }

  async #updateStored(change: (session: this) => unknown): Promise<void> {
    this.#refuseRetired();
    this.#change();
    await this.#work.update(() => {
      // The promise of an async function would be settled after the session was stored.
      if (change(this) instanceof Promise) throw usageError('session.update(change): change must be synchronous');
    });
    this.#work.savedByHand = true;
  }

  #touch(): UnitOfWork {
    // First: what is answered when the data can't be read depends on the cookie all the same.
    this.#accessed = true;
    void this.#work.data;
    return this.#work;
  }

  #change(): UnitOfWork {
    const work = this.#touch();
    this.#work.modified = true;
    return work;
  }

  #expiryOf({ expiry }: ExpiryQuery): number | string | undefined {
    if (expiry === undefined) return readCustomExpiry(this.#touch().data.values.get(EXPIRY_KEY));
    return expiry === null ? undefined : toCustomExpiry(expiry, this.#work.settings.clock());
  }

  #modificationOf({ modification }: ExpiryQuery): number {
    return modification?.getTime() ?? this.#work.settings.clock();
  }
}

/** The store's side of a session, for the files that commit it. @internal */
export function workOf(session: Session<never>): UnitOfWork {
  return unitOfWork(session);
}

function* secondOfEach<Second>(pairs: Iterable<[unknown, Second]>): IterableIterator<Second> {
  for (const [, second] of pairs) yield second;
}

/** Who comes from express-session passes a callback, which nobody would call. */
function refuseCallback(argument: unknown, hint: string): void {
  if (typeof argument === 'function') throw usageError(hint);
}

/** All strings are keys, but for the one under which the record keeps when the session began. */
function assertKey(key: unknown): void {
  if (typeof key !== 'string') throw usageError('Session keys are strings');
  if (key === STARTED_KEY) throw usageError(`The session key ${STARTED_KEY} is Sojourn's own: take another name`);
}

function* lendEach(data: UnitOfWork['data']): IterableIterator<[string, unknown]> {
  for (const key of data.values.keys()) yield [key, data.get(key)];
}

// The first mistake of everyone who comes from express-session is `req.session.userId = 5`. An assignment to an unknown
// name walks up the prototype chain; at its end waits an object that names the method. Look-ups of unknown names end
// there as well, and find nothing.
Object.setPrototypeOf(
  Session.prototype,
  new Proxy(Object.create(null), {
    set(_target, name) {
      throw usageError(
        `A session is no plain object: instead of session.${String(name)} = value, use session.set('${String(name)}', value). ` +
          'Its own properties (size, accessed, sessionKey, ...) are read-only, except for session.modified.',
      );
    },
  }),
);
