import { setImmediate } from 'node:timers';
import { StoreUnavailableError } from '../errors.js';
import { publish } from '../events.js';

/** A store made for express-session, as far as Sojourn calls it. */
export interface ExpressSessionStore {
  get(sid: string, callback: (error?: unknown, session?: unknown) => void): unknown;
  set(sid: string, session: object, callback: (error?: unknown) => void): unknown;
  destroy(sid: string, callback: (error?: unknown) => void): unknown;
  touch?(sid: string, session: object, callback: (error?: unknown) => void): unknown;
  on?(event: 'error', listener: (error: unknown) => void): unknown;
  off?(event: 'error', listener: (error: unknown) => void): unknown;
}

type Callback = (error?: unknown, reply?: unknown) => void;

/**
 * How long the writes of a key wait for one that was given up and isn't answered, in milliseconds. It may still take
 * effect: a logout that overtook it would be undone. Not for ever, since some stores lose a callback with a connection.
 */
const GIVEN_UP_AFTER = 30_000;

/**
 * The calls of an express-session store, made in acts. An act has so much time, and once that is over makes no further
 * call. Acts that write one key run one after another.
 */
export class StoreCalls {
  readonly #store: ExpressSessionStore;
  readonly #timeout: number;
  readonly #running = new Set<Act>();
  /** Of each key that is being written, when the next write may begin. */
  readonly #lines = new Map<string, Promise<void>>();
  /** An EventEmitter without a listener for 'error' ends the process. */
  readonly #onError = (cause: unknown) => {
    const error = new StoreUnavailableError('the express-session store emitted an error, see cause', { cause });
    if (this.#running.size === 0) publish('storeError', { error });
    for (const act of this.#running) act.fail(error);
  };

  constructor(store: ExpressSessionStore, timeout: number) {
    this.#store = store;
    this.#timeout = timeout;
    store.on?.('error', this.#onError);
  }

  /** An act that only reads: it waits for no other. */
  reading<Result>(task: (act: Act) => Promise<Result>): Promise<Result> {
    return this.#within((act) => task(act));
  }

  /** An act that writes this key, after those that came before it. */
  writing<Result>(key: string, task: (act: Act) => Promise<Result>): Promise<Result> {
    return this.#within((act) => {
      const before = this.#lines.get(key);
      const run = before === undefined ? task(act) : before.then(() => task(act));
      const next = run.then(nothing, nothing).then(() => act.answered);
      this.#lines.set(key, next);
      void next.then(() => {
        if (this.#lines.get(key) === next) this.#lines.delete(key);
      });
      return run;
    });
  }

  close(): void {
    this.#store.off?.('error', this.#onError);
  }

  async #within<Result>(task: (act: Act) => Promise<Result>): Promise<Result> {
    const act = new Act(this.#store);
    const overdue = new StoreUnavailableError(`the express-session store did not answer within ${this.#timeout} ms`);
    // After what has come in meanwhile: a process that was busy for so long may have the answer already.
    const timer = setTimeout(() => setImmediate(() => act.fail(overdue)), this.#timeout);
    this.#running.add(act);
    try {
      return await Promise.race([task(act), act.failed]);
    } finally {
      clearTimeout(timer);
      this.#running.delete(act);
    }
  }
}

/** One act: some calls, one after another, each of which rejects once the act has failed. */
export class Act {
  /** Rejects when the act has failed: its time is over, or the store emitted an error. */
  readonly failed: Promise<never>;
  /** Settles when the store has answered the last write, whether anybody still waits for that or not. */
  answered: Promise<void> = Promise.resolve();
  readonly #store: ExpressSessionStore;
  #error: StoreUnavailableError | undefined;
  #reject!: (error: StoreUnavailableError) => void;

  constructor(store: ExpressSessionStore) {
    this.#store = store;
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.failed.catch(nothing);
  }

  fail(error: StoreUnavailableError): void {
    this.#error ??= error;
    this.#reject(this.#error);
  }

  /** What the store has under the key: an object, or nothing. */
  async get(key: string): Promise<object | null> {
    // As in express-session, the error of a file that isn't there means: no session.
    const reply = await this.#call((done) => this.#store.get(key, (error, session) => (isMissing(error) ? done() : done(error, session))));
    return typeof reply === 'object' && reply !== null ? reply : null;
  }

  set(key: string, session: object): Promise<void> {
    return this.#write((done) => this.#store.set(key, session, done));
  }

  /** Asks a store that has `touch`. */
  touch(key: string, session: object): Promise<void> {
    return this.#write((done) => this.#store.touch?.(key, session, done));
  }

  destroy(key: string): Promise<void> {
    return this.#write((done) => this.#store.destroy(key, (error) => (isMissing(error) ? done() : done(error))));
  }

  async #write(call: (done: Callback) => unknown): Promise<void> {
    await this.#call(call, (reply) => {
      this.answered = settledWithin(reply, GIVEN_UP_AFTER);
    });
  }

  async #call(call: (done: Callback) => unknown, onReply: (reply: Promise<unknown>) => void = nothing): Promise<unknown> {
    if (this.#error) throw this.#error;
    const reply = replyTo(call);
    onReply(reply);
    return Promise.race([reply, this.failed]);
  }
}

/** The answer to one call. However often and by whatever way a store answers, the first time counts. */
function replyTo(call: (done: Callback) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(new StoreUnavailableError('the express-session store failed, see cause', { cause }));
    try {
      // Some stores return a promise, too. Its value has come by the callback; its failure may not have.
      Promise.resolve(call((error, reply) => (error ? fail(error) : resolve(reply)))).catch(fail);
    } catch (cause) {
      fail(cause);
    }
  });
}

function isMissing(error: unknown): boolean {
  return (error as Partial<NodeJS.ErrnoException> | null | undefined)?.code === 'ENOENT';
}

/** Resolves when the promise settles, or after so many milliseconds. */
function settledWithin(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds).unref();
    const settled = () => {
      clearTimeout(timer);
      resolve();
    };
    promise.then(settled, settled);
  });
}

function nothing(): void {}
