import { StoreUnavailableError, UpdateError } from '../errors.js';
import { publish } from '../events.js';
import { ask } from '../record.js';
import { storeKeyOf } from '../session-key.js';
import { isMarker, type Store } from '../stores/store.js';
import { type Changes, DELETED, layOver } from '../tracked-map.js';

const DEFAULT_STORE_TIMEOUT = 1000;

type Data = ReadonlyMap<string, unknown>;

/** What is known of a session object that came from the store, or was written to it. */
interface Seen {
  readonly storeKey: string;
  /** The version of the record as this object last met it. */
  readonly version: string;
  /** The text of that record. */
  readonly stored: string;
  /** The text of the object at that time: differs from `stored` if a write was merged. */
  readonly own: string;
}

export interface KeptSessionsSettings {
  readonly store: Store;
  /** Seconds that a session without `cookie.expires` is kept. */
  readonly ttl: number;
  /** Milliseconds, like Date.now. */
  readonly clock: () => number;
}

/**
 * Sessions of express-session in a `Store`: their JSON, under the hash of their id.
 *
 * express-session hands `set` a whole session and no version. But it is the same object that `createSession` made of
 * what `get` gave, so the version is remembered with the object, and with it what the object was: a write is then a
 * compare-and-swap of what has changed.
 */
export class KeptSessions {
  readonly #settings: KeptSessionsSettings;
  readonly #seen = new WeakMap<object, Seen>();

  constructor(settings: KeptSessionsSettings) {
    this.#settings = settings;
  }

  /** The session of this id, or null. */
  async read(sid: string): Promise<object | null> {
    const storeKey = storeKeyOf(sid);
    const record = await ask({ storeKey }, () => this.#settings.store.read(storeKey));
    if (record === null || isMarker(record)) return null;
    const session = parse(storeKey, record.payload);
    if (session === null) return null;
    this.#seen.set(session, { storeKey, version: record.version, stored: record.payload, own: record.payload });
    return session;
  }

  /** The session object was made of what `read` gave. */
  becomes(read: object, session: object): void {
    const seen = this.#seen.get(read);
    if (seen) this.#seen.set(session, seen);
  }

  /** Rejects with an `UpdateError` if the session was deleted since it was read. */
  async write(sid: string, session: object): Promise<void> {
    const storeKey = storeKeyOf(sid);
    const ttl = this.#ttlOf(session);
    if (ttl <= 0) {
      await this.#delete(storeKey);
      return;
    }
    const own = JSON.stringify(session);
    const seen = this.#seen.get(session);
    // A new session, or an object that somebody made by hand: there is nothing to compare it with.
    const { version, stored } = seen?.storeKey === storeKey ? await this.#change(seen, own, ttl) : await this.#put(storeKey, own, ttl);
    this.#seen.set(session, { storeKey, version, stored, own });
  }

  /** A new time to live, unless the session is gone or was written meanwhile. */
  async touch(sid: string, session: object): Promise<void> {
    const storeKey = storeKeyOf(sid);
    const ttl = this.#ttlOf(session);
    const seen = this.#seen.get(session);
    if (ttl <= 0) await this.#delete(storeKey);
    else await this.#touch(storeKey, ttl, seen?.storeKey === storeKey ? seen.version : undefined);
  }

  async destroy(sid: string): Promise<void> {
    await this.#delete(storeKeyOf(sid));
  }

  /** Writes what has changed in a session that was read: over what is there now, if another request wrote meanwhile. */
  async #change(seen: Seen, own: string, ttl: number): Promise<Pick<Seen, 'version' | 'stored'>> {
    const { storeKey } = seen;
    const changes = changesBetween(dataIn(seen.own), dataIn(own));
    if (changes.keys.size === 0) {
      // `resave` writes what nobody changed: that must neither undo another request's write nor a logout.
      await this.#touch(storeKey, ttl, seen.version);
      return seen;
    }
    const inTime = this.#stopwatch();
    let { version } = seen;
    let stored = textOf(layOver(dataIn(seen.stored), changes));
    for (;;) {
      const result = await ask({ storeKey }, () => this.#settings.store.update(storeKey, stored, version, ttl));
      if (result.status === 'updated') return { version: result.version, stored };
      const current = result.status === 'gone' || isMarker(result.current) ? null : parse(storeKey, result.current.payload);
      if (result.status === 'gone' || current === null) throw interrupted(storeKey);
      publish('conflict', { storeKey });
      inTime();
      version = result.current.version;
      stored = textOf(layOver(new Map(Object.entries(current)), changes));
    }
  }

  /** Puts a session there, in the place of whatever there is. */
  async #put(storeKey: string, stored: string, ttl: number): Promise<Pick<Seen, 'version' | 'stored'>> {
    const { store } = this.#settings;
    const inTime = this.#stopwatch();
    for (;;) {
      const created = await ask({ storeKey }, () => store.create(storeKey, stored, ttl));
      if (created !== null) return { version: created, stored };
      const there = await ask({ storeKey }, () => store.read(storeKey));
      if (there !== null && isMarker(there)) throw interrupted(storeKey);
      if (there !== null) {
        const result = await ask({ storeKey }, () => store.update(storeKey, stored, there.version, ttl));
        if (result.status === 'updated') return { version: result.version, stored };
      }
      inTime();
    }
  }

  async #touch(storeKey: string, ttl: number, version: string | undefined): Promise<void> {
    await ask({ storeKey }, () => this.#settings.store.touch(storeKey, ttl, version));
  }

  async #delete(storeKey: string): Promise<void> {
    await ask({ storeKey }, () => this.#settings.store.delete(storeKey));
  }

  /** Seconds that a session has left by its cookie. */
  #ttlOf(session: object): number {
    const { expires } = (session as { cookie?: { expires?: Date | string | null } | null }).cookie ?? {};
    const end = expires ? new Date(expires).getTime() : Number.NaN;
    return Number.isNaN(end) ? this.#settings.ttl : (end - this.#settings.clock()) / 1000;
  }

  /** Bounds the time for conflicts: as long as one store call may take. */
  #stopwatch(): () => void {
    const { store, clock } = this.#settings;
    const limit = store.timeout ?? DEFAULT_STORE_TIMEOUT;
    const began = clock();
    return () => {
      if (clock() - began > limit) throw new StoreUnavailableError(`other requests changed the session for ${limit} ms on end`);
    };
  }
}

/** The session in a payload; null if no express-session wrote it. */
function parse(storeKey: string, payload: string): object | null {
  try {
    const session: unknown = JSON.parse(payload);
    if (typeof session === 'object' && session !== null && 'cookie' in session && session.cookie) return session;
  } catch {
    // No JSON: what the error says of it may quote it.
  }
  publish('corrupt', { storeKey });
  return null;
}

function dataIn(text: string): Data {
  return new Map(Object.entries(JSON.parse(text)));
}

function textOf(data: Data): string {
  return JSON.stringify(Object.fromEntries(data));
}

/** Which keys of a session have changed. That its cookie ends later is no change. */
function changesBetween(before: Data, now: Data): Changes {
  const keys = new Map<string, unknown>();
  for (const key of before.keys()) if (!now.has(key)) keys.set(key, DELETED);
  for (const [key, value] of now) if (!before.has(key) || compared(key, value) !== compared(key, before.get(key))) keys.set(key, value);
  return { cleared: false, keys };
}

function compared(key: string, value: unknown): string {
  return JSON.stringify(key === 'cookie' ? { ...(value as object), expires: undefined } : value);
}

function interrupted(storeKey: string): UpdateError {
  publish('interrupted', { storeKey });
  return new UpdateError();
}
