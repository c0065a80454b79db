/**
 * What Sojourn asks of a store.
 *
 * A store keeps one record per session: a text, the version of its last write, and a time to live. It knows
 * nothing of cookies, expiry rules or the session's data. All keys it is given are hashes (`storeKeyOf`).
 *
 * - Missing is a value, never an error: `null`, `false` or `'gone'`. An expired record is a missing one. Throwing
 *   (or rejecting) is for faults of the system only, and says nothing about the session.
 * - Create and update are different acts and there is no upsert: that is what keeps a late write from bringing a
 *   deleted session back.
 * - Each act is one atomic step, whatever other processes do at the same time. A call that was given up and takes
 *   effect later can do no harm, because every write names the version it replaces.
 * - A retired record is a *marker*: a record whose payload is empty. `read` returns it, `update` and `retire` meet
 *   it as a conflict, `exists` and `touch` answer false.
 * - `ttl` is in seconds, above 0; a store that keeps whole seconds rounds up, so that it never becomes 0.
 */
export interface Store {
  /** The live record, or the marker of a retired one, or null. Never older than the last acknowledged write. */
  read(key: string): Promise<StoredSession | null>;
  /** Stores a record where there is none. The new version, or null if the key is taken (by a marker, too). */
  create(key: string, payload: string, ttl: number): Promise<string | null>;
  /** Replaces the record if it still has this version. */
  update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult>;
  /**
   * Gives a live record a new time to live and changes nothing else, its version included. With a version only if the
   * record still has it: who wrote meanwhile has set a time to live that fits what was written.
   */
  touch(key: string, ttl: number, version?: string): Promise<boolean>;
  /** Replaces the record by a marker that lives for `ttl`, if it still has this version. */
  retire(key: string, version: string, ttl: number): Promise<RetireResult>;
  /** Deletes whatever is there. Whether there was something. */
  delete(key: string): Promise<boolean>;
  /** Whether there is a live record. */
  exists(key: string): Promise<boolean>;
  /** Removes expired records; how many. A store that expires by itself answers 0. */
  clearExpired(): Promise<number>;
  /** Gives back what the store itself holds (timers, connections it opened); never what it was handed. */
  close(): Promise<void>;
  /**
   * Waits until what was ended under this key stays so after a failover, for stores that were told to. Rejects with a
   * `NotDurableError`.
   */
  confirm?(key: string): Promise<void>;
  /** What `session({ user })` needs: the sessions of one user together. */
  readonly owned?: OwnedSessions;
  /** How long one call may take, in milliseconds; a commit retries conflicts for as long. */
  readonly timeout?: number;
}

export interface StoredSession {
  /** What the codec wrote; empty in a marker. */
  payload: string;
  /** Unique to the write that made this record, and made by the writer: who meets its own has won. */
  version: string;
  /** Of the record of an owner. */
  times?: Times;
}

/**
 * Records whose key is `{owner}:name` belong to an owner: a user. They are read and written as all others, and end together.
 *
 * Each owner has an *epoch*, a time. A record whose session was signed in before it is gone, whatever the store still has
 * of it, and can't be created any more. So ending all needs no list of what there is, and wins against whatever is under
 * way. The list of an owner's sessions, which the store keeps besides, is a hint.
 */
export interface OwnedSessions {
  /** The time of a sign-in that begins now, in milliseconds: later than the end of all sessions that this process has asked for before. */
  signIn(): number;
  /** `create`, for the record of an owner. */
  enter(key: string, payload: string, ttl: number, entry: Entry): Promise<EnterResult>;
  /** Notes that the session was seen now. Neither its time to live nor its version changes. */
  see(key: string): Promise<void>;
  /** The owner's live records. */
  list(owner: string): Promise<ListedSession[]>;
  /**
   * Ends all records of an owner, in one atomic step, but for the one under the key `except`, if it is alive. How many are known to
   * have ended, and the new epoch, in milliseconds.
   */
  endAll(owner: string, except?: string): Promise<{ ended: number; epoch: number }>;
  /** Ends all records, whoever's. How many are known to have ended. May take a while. */
  endEverything(): Promise<number>;
}

/** How a session comes to an owner's. */
export interface Entry extends Omit<Times, 'seenAt'> {
  /** A login; else a session that goes on under another key, and must have been signed in since the epoch. */
  readonly begins: boolean;
  readonly limit: SessionLimit | undefined;
  /** The key of the record that this one is to replace, if so: it doesn't count. */
  readonly replaces: string | undefined;
}

/** How many sessions a user may have, and what becomes of one more. */
export interface SessionLimit {
  readonly sessions: number;
  /** `'evict-oldest'` ends the one that was signed in first; `'refuse'` the newcomer. */
  readonly then: 'evict-oldest' | 'refuse';
}

/** All in milliseconds since 1970. */
export interface Times {
  /** When the request that signed in began (`signIn`); at least the epoch. */
  signedInAt: number;
  /** When the session began, in whole seconds. */
  createdAt: number;
  /** When it was last seen by a write, by a touch or by `see`, in whole seconds. */
  seenAt: number;
}

/** `revoked`: all sessions of the owner ended after this one signed in. `full`: the limit refuses it. */
export type EnterResult = { status: 'created'; version: string; evicted: number } | { status: 'taken' | 'revoked' | 'full' };

export interface ListedSession extends StoredSession {
  key: string;
  times: Times;
  expiresAt: number;
}

/** `conflict`: another write came first; `current` is what is there now. */
export type UpdateResult = { status: 'updated'; version: string } | { status: 'gone' } | Conflict;
export type RetireResult = { status: 'retired' } | { status: 'gone' } | Conflict;
export type Conflict = { status: 'conflict'; current: StoredSession };

/** Whether the record is what `retire` left: its session goes on under another key. */
export function isMarker(record: StoredSession): boolean {
  return record.payload === '';
}
