import { MemoryStore, type Store } from 'sojourn';

/** A promise that a test settles by hand: how a request is suspended. */
export interface Deferred<Value = void> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

export function deferred<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

type Method = Exclude<keyof Store, 'timeout'>;

/**
 * A real memory store whose calls a test can see, suspend and let fail. `calls` lists them; `before(method, act)` runs
 * something before each call of a method, which may wait for a promise or throw.
 */
export class WatchedStore extends MemoryStore {
  readonly calls: Method[] = [];
  readonly #before = new Map<Method, () => unknown>();

  /** Creating a session of a user is creating one. */
  constructor(...args: ConstructorParameters<typeof MemoryStore>) {
    super(...args);
    const { enter } = this.owned;
    this.owned.enter = (...entry) => this.#pass('create', () => enter(...entry));
  }

  before(method: Method, act: () => unknown): this {
    this.#before.set(method, act);
    return this;
  }

  clearFaults(): this {
    this.#before.clear();
    return this;
  }

  async #pass<Reply>(method: Method, call: () => Promise<Reply>): Promise<Reply> {
    this.calls.push(method);
    await this.#before.get(method)?.();
    return call();
  }

  override read(...args: Parameters<Store['read']>) {
    return this.#pass('read', () => super.read(...args));
  }
  override create(...args: Parameters<Store['create']>) {
    return this.#pass('create', () => super.create(...args));
  }
  override update(...args: Parameters<Store['update']>) {
    return this.#pass('update', () => super.update(...args));
  }
  override touch(...args: Parameters<Store['touch']>) {
    return this.#pass('touch', () => super.touch(...args));
  }
  override retire(...args: Parameters<Store['retire']>) {
    return this.#pass('retire', () => super.retire(...args));
  }
  override delete(...args: Parameters<Store['delete']>) {
    return this.#pass('delete', () => super.delete(...args));
  }
  override exists(...args: Parameters<Store['exists']>) {
    return this.#pass('exists', () => super.exists(...args));
  }
}

/** Suspends a method of a store: the first call of it, and all others, wait until the test says how they go on. */
export function suspend(store: WatchedStore, method: Parameters<WatchedStore['before']>[0]) {
  const reached = deferred();
  const gate = deferred();
  store.before(method, () => {
    reached.resolve();
    return gate.promise;
  });
  return { reached: reached.promise, release: () => gate.resolve(), fail: (error: unknown) => gate.reject(error) };
}
