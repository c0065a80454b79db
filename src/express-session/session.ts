import type { IncomingMessage } from 'node:http';
import type { Cookie } from './cookie.js';
import type { Callback, Store, StoredData } from './store.js';

/** What the middleware puts on a request. */
export type SessionRequest = IncomingMessage & {
  session: Session | null | undefined;
  sessionID: string | undefined;
  sessionStore: Store;
};

/** The data of a session for TypeScript, to be augmented: `declare module 'sojourn/express-session' { interface SessionData { user: string } }`. */
export interface SessionData {
  cookie: Cookie;
}

/** What a session lets others do: the request it belongs to, or without one its store. */
export interface Host {
  save(session: Session): Promise<void>;
  reload(session: Session): Promise<void>;
  destroy(session: Session): Promise<void>;
  regenerate(session: Session): Promise<void>;
  cycleKey(session: Session): void;
  flush(session: Session): void;
}

/** Names of express-session's own, and of every object: under them nothing is kept. */
const RESERVED = new Set(['cookie', 'id', 'req', 'touch', 'resetMaxAge', 'save', 'reload', 'destroy', 'regenerate']);

/** Whether a stored value can be a property of the session; else express-session leaves it out, and so does this. */
export function isData(name: string): boolean {
  return !RESERVED.has(name) && !(name in Object.prototype);
}

/**
 * `req.session` as express-session has it: data are properties, `cookie` says when it ends, and `save`, `reload`,
 * `destroy` and `regenerate` take a callback or return a promise.
 *
 * It has Sojourn's methods as well (`get`, `set`, `cycleKey`, ...), so that code can move over line by line. A property
 * of the same name is data, as under express-session, and hides the method. express-session: `Session`.
 */
export class Session {
  declare cookie: Cookie;
  declare readonly req: SessionRequest;
  declare readonly id: string;
  readonly #host: Host;

  constructor(req: SessionRequest, data: Partial<StoredData> | null = {}, host: Host = new StoreHost(req)) {
    Object.defineProperty(this, 'req', { value: req });
    setId(this, req.sessionID as string);
    this.#host = host;
    for (const [name, value] of Object.entries(data ?? {})) if (name === 'cookie' || isData(name)) assign(this, name, value);
  }

  /** Starts the age anew; the middleware does so with every response. */
  touch(): this {
    return this.resetMaxAge();
  }

  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge;
    return this;
  }

  /** Stores the session now instead of when the response begins. */
  save(callback: Callback): this;
  save(): Promise<void>;
  save(callback?: Callback): this | Promise<void> {
    return answer(this, this.#host.save(this), callback);
  }

  /** Reads the session from the store again; changes that aren't saved are gone. Fails if it was deleted. */
  reload(callback: Callback): this;
  reload(): Promise<void>;
  reload(callback?: Callback): this | Promise<void> {
    return answer(this, this.#host.reload(this), callback);
  }

  /** Ends the session: its record is deleted and `req.session` is gone. */
  destroy(callback: Callback): this;
  destroy(): Promise<void>;
  destroy(callback?: Callback): this | Promise<void> {
    return answer(this, this.#host.destroy(this), callback);
  }

  /** Ends the session and begins another: `req.session` is a new object. At every login. */
  regenerate(callback: Callback): this;
  regenerate(): Promise<void>;
  regenerate(callback?: Callback): this | Promise<void> {
    return answer(this, this.#host.regenerate(this), callback);
  }

  // From here on: Sojourn's own.

  get sessionKey(): string {
    return this.id;
  }

  // Data of this name hide it like a method; without a setter, assigning would throw.
  set sessionKey(value: unknown) {
    assign(this, 'sessionKey', value);
  }

  get(key: string, fallback?: unknown): unknown {
    return this.has(key) ? Reflect.get(this, key) : fallback;
  }

  /** Throws a `TypeError` for the few names that are reserved. */
  set(key: string, value: unknown): this {
    if (!isData(key)) throw new TypeError(`${key} is a name of the session's own: take another`);
    assign(this, key, value);
    return this;
  }

  has(key: string): boolean {
    return isData(key) && Object.hasOwn(this, key);
  }

  delete(key: string): boolean {
    return this.has(key) && Reflect.deleteProperty(this, key);
  }

  pop(key: string, fallback?: unknown): unknown {
    const value = this.get(key, fallback);
    this.delete(key);
    return value;
  }

  setDefault(key: string, value: unknown): unknown {
    if (!this.has(key)) this.set(key, value);
    return this.get(key);
  }

  update(entries: Readonly<Record<string, unknown>>): this {
    for (const [key, value] of Object.entries(entries)) this.set(key, value);
    return this;
  }

  keys(): IterableIterator<string> {
    return Object.keys(this).filter(isData).values();
  }

  values(): IterableIterator<unknown> {
    return [...this.keys()].map((key) => Reflect.get(this, key)).values();
  }

  entries(): IterableIterator<[string, unknown]> {
    return [...this.keys()].map((key): [string, unknown] => [key, Reflect.get(this, key)]).values();
  }

  clear(): void {
    for (const key of this.keys()) Reflect.deleteProperty(this, key);
  }

  /** A new key for the same data, at once; the old record ends before the response leaves. */
  cycleKey(): void {
    this.#host.cycleKey(this);
  }

  /** Logs out: the data go at once, the record before the response leaves. What is set afterwards is a new session. */
  flush(): void {
    this.clear();
    this.#host.flush(this);
  }
}

/** Under which ID the session goes on. Not enumerable: only the data and `cookie` are. */
export function setId(session: Session, id: string): void {
  Object.defineProperty(session, 'id', { value: id, configurable: true });
}

/** Sets a property whatever the prototype has under its name. */
export function assign(session: Session, name: string, value: unknown): void {
  Object.defineProperty(session, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Calls back outside of the promise, so that what the callback throws is an uncaught exception and no rejection. */
function answer(session: Session, done: Promise<void>, callback: Callback | undefined): typeof session & Promise<void> {
  if (typeof callback === 'function') {
    done.then(
      () => process.nextTick(callback, null),
      (error: unknown) => process.nextTick(callback, error),
    );
    return session as typeof session & Promise<void>;
  }
  // `session.save()` that nobody waits for is usual with express-session. What fails comes up again as the response is
  // committed; it is not to end the process here.
  done.catch(() => {});
  return done as typeof session & Promise<void>;
}

/** A session without a request, by `store.load(sid)`: all it has is the store. */
class StoreHost implements Host {
  readonly #req: SessionRequest;

  constructor(req: SessionRequest) {
    this.#req = req;
  }

  save(session: Session): Promise<void> {
    return this.#ask((store, done) => store.set(session.id, session as unknown as StoredData, done));
  }

  reload(): Promise<void> {
    return this.#ask((store, done) =>
      store.get(this.#req.sessionID as string, (error, data) => {
        if (!error && data) store.createSession(this.#req, data);
        done(error ?? (data ? null : notFound()));
      }),
    );
  }

  destroy(): Promise<void> {
    Reflect.deleteProperty(this.#req, 'session');
    return this.#ask((store, done) => store.destroy(this.#req.sessionID as string, done));
  }

  regenerate(): Promise<void> {
    return this.#ask((store, done) => store.regenerate(this.#req, done));
  }

  cycleKey(): never {
    throw new TypeError('A session without a request has no response that could carry a new key');
  }

  flush(): void {
    void this.destroy();
  }

  #ask(call: (store: Store, done: Callback) => void): Promise<void> {
    return new Promise((resolve, reject) => call(this.#req.sessionStore, (error) => (error ? reject(error) : resolve())));
  }
}

/** What `reload()` of a deleted session fails with; the message is express-session's. */
export function notFound(): Error {
  return new Error('failed to load session');
}
