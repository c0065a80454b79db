import { EventEmitter } from 'node:events';
import { inherits } from 'node:util';
import { LRUCache } from 'lru-cache';
import { usageError } from '../errors.js';
import { Cookie, type CookieData, revive } from './cookie.js';
import { Session, type SessionRequest } from './session.js';

export type Callback<Value = void> = (error?: unknown, value?: Value) => void;

/** A session as stores keep it. */
export interface StoredData {
  cookie: CookieData;
  [name: string]: unknown;
}

/**
 * What stores written for express-session extend. A store implements `get`, `set` and `destroy`, and better `touch`,
 * too. It may emit `disconnect` and `connect`: in between requests have no session. express-session: `Store`.
 */
export interface Store extends EventEmitter {
  get(sid: string, callback: Callback<StoredData | null>): void;
  set(sid: string, data: StoredData, callback?: Callback): void;
  destroy(sid: string, callback?: Callback): void;
  touch?(sid: string, data: StoredData, callback?: Callback): void;
  /** Gives a request a new session. The middleware that uses the store puts its own way of doing so here. */
  generate(req: SessionRequest): void;
  /** Ends the session of a request and gives it a new one. */
  regenerate(req: SessionRequest, callback: Callback): void;
  /** A session by its ID, outside of a request. */
  load(sid: string, callback: Callback<Session>): void;
  /** Makes a session of stored data and puts it on the request. */
  createSession(req: SessionRequest, data: StoredData): Session;
}

/** No class: stores of the older kind call `Store.call(this)`, which a class refuses. */
export const Store = function Store(this: Store): void {
  Reflect.apply(EventEmitter, this, []);
} as unknown as { new (): Omit<Store, 'get' | 'set' | 'destroy' | 'touch'>; readonly prototype: Store };
inherits(Store, EventEmitter);

Object.assign(Store.prototype, {
  generate(): never {
    throw usageError('A store can generate sessions once a middleware uses it: session({ store })');
  },
  regenerate(this: Store, req: SessionRequest, callback: Callback): void {
    this.destroy(req.sessionID as string, (error) => {
      this.generate(req);
      callback(error);
    });
  },
  load(this: Store, sid: string, callback: Callback<Session>): void {
    this.get(sid, (error, data) => {
      if (error) callback(error);
      else if (data) callback(null, this.createSession({ sessionID: sid, sessionStore: this } as SessionRequest, data));
      else callback();
    });
  },
  createSession(req: SessionRequest, data: StoredData): Session {
    req.session = new Session(req, { ...data, cookie: revive(data.cookie, () => new Cookie()) });
    return req.session;
  },
});

const MAX_SESSIONS = 10_000;

/**
 * Sessions in this process, for development and tests. Unlike express-session's it is bounded: of more than 10 000
 * sessions the least recently used goes. express-session: `MemoryStore`.
 */
export class MemoryStore extends Store {
  readonly #texts = new LRUCache<string, string>({ max: MAX_SESSIONS });

  get(sid: string, callback: Callback<StoredData | null>): void {
    setImmediate(callback, null, this.#read(sid));
  }

  set(sid: string, data: StoredData, callback?: Callback): void {
    this.#texts.set(sid, JSON.stringify(data));
    if (callback) setImmediate(callback, null);
  }

  destroy(sid: string, callback?: Callback): void {
    this.#texts.delete(sid);
    if (callback) setImmediate(callback, null);
  }

  touch(sid: string, { cookie }: StoredData, callback?: Callback): void {
    const data = this.#read(sid);
    if (data) this.#texts.set(sid, JSON.stringify({ ...data, cookie }));
    if (callback) setImmediate(callback, null);
  }

  /** All live sessions by their IDs. */
  all(callback: Callback<Record<string, StoredData>>): void {
    const sessions: Record<string, StoredData> = Object.create(null);
    for (const sid of [...this.#texts.keys()]) {
      const data = this.#read(sid);
      if (data) sessions[sid] = data;
    }
    setImmediate(callback, null, sessions);
  }

  length(callback: Callback<number>): void {
    this.all((error, sessions) => callback(error, Object.keys(sessions ?? {}).length));
  }

  clear(callback?: Callback): void {
    this.#texts.clear();
    if (callback) setImmediate(callback, null);
  }

  #read(sid: string): StoredData | null {
    const text = this.#texts.get(sid);
    if (text === undefined) return null;
    const data = JSON.parse(text) as StoredData;
    const { expires } = data.cookie ?? {};
    if (!expires || new Date(expires).valueOf() > Date.now()) return data;
    this.#texts.delete(sid);
    return null;
  }
}
