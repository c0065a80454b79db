import type { IncomingMessage } from 'node:http';
import { usageError } from '../errors.js';
import { Cookie } from './cookie.js';
import { type Host, StoreHost } from './session-host.js';
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
    restartAge(this);
    return this;
  }

  resetMaxAge(): this {
    restartAge(this);
    return this;
  }

  /** Stores the session now instead of when the response begins. */
  save(callback: Callback): this;
  save(): Promise<void>;
  save(callback?: Callback): this | Promise<void> {
    return answer(this, this.#host.save(this, typeof callback === 'function'), callback);
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

  // From here on: Sojourn's own. None calls another by its name, which data may have taken.

  get sessionKey(): string {
    return this.id;
  }

  // Data of this name hide it like a method; without a setter, assigning would throw.
  set sessionKey(value: unknown) {
    assign(this, 'sessionKey', value);
  }

  /** How many values there are. */
  get size(): number {
    return dataOf(this).length;
  }

  set size(value: unknown) {
    assign(this, 'size', value);
  }

  get(key: string, fallback?: unknown): unknown {
    return hasData(this, key) ? Reflect.get(this, key) : fallback;
  }

  /** Throws a `TypeError` for the few names that are reserved. */
  set(key: string, value: unknown): this {
    setData(this, key, value);
    return this;
  }

  has(key: string): boolean {
    return hasData(this, key);
  }

  delete(key: string): boolean {
    return hasData(this, key) && Reflect.deleteProperty(this, key);
  }

  pop(key: string, fallback?: unknown): unknown {
    if (!hasData(this, key)) return fallback;
    const value: unknown = Reflect.get(this, key);
    Reflect.deleteProperty(this, key);
    return value;
  }

  setDefault(key: string, value: unknown): unknown {
    if (!hasData(this, key)) setData(this, key, value);
    return Reflect.get(this, key);
  }

  update(entries: Readonly<Record<string, unknown>>): this {
    for (const [key, value] of Object.entries(entries)) setData(this, key, value);
    return this;
  }

  keys(): IterableIterator<string> {
    return dataOf(this)
      .map(([key]) => key)
      .values();
  }

  values(): IterableIterator<unknown> {
    return dataOf(this)
      .map(([, value]) => value)
      .values();
  }

  entries(): IterableIterator<[string, unknown]> {
    return dataOf(this).values();
  }

  [Symbol.iterator](): IterableIterator<[string, unknown]> {
    return dataOf(this).values();
  }

  /** Removes all data; the ID and the record stay. */
  clear(): void {
    clearData(this);
  }

  /** A new key for the same data, at once; the old record ends before the response leaves. */
  cycleKey(): void {
    this.#host.cycleKey(this);
  }

  /** Logs out: the data go at once, the record before the response leaves. What is set afterwards is a new session. */
  flush(): void {
    clearData(this);
    this.#host.flush(this);
  }
}

/** The data among the properties, `cookie` not among them. */
export function dataOf(session: Session): [string, unknown][] {
  return Object.entries(session).filter(([name]) => isData(name));
}

export function clearData(session: Session): void {
  for (const [name] of dataOf(session)) Reflect.deleteProperty(session, name);
}

function hasData(session: Session, name: string): boolean {
  return isData(name) && Object.hasOwn(session, name);
}

function setData(session: Session, name: string, value: unknown): void {
  if (!isData(name)) throw usageError(`${name} is a name of the session's own: take another`);
  assign(session, name, value);
}

/** What `touch()` does, whatever the application has put in its place. */
export function restartAge(session: Session): void {
  const cookie = cookieOf(session);
  cookie.maxAge = cookie.originalMaxAge;
}

/** The session's cookie. Throws a `TypeError` if the application has put something else in its place. */
export function cookieOf({ cookie }: Session): Cookie {
  if (cookie instanceof Cookie) return cookie;
  throw usageError('req.session.cookie was replaced by what is no Cookie: set its properties instead');
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
