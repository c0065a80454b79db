import { OptionError } from '../errors.js';
import { publish } from '../events.js';
import { assertKnown } from '../known-options.js';
import { isMarker, type RetireResult, type Store, type StoredSession, type UpdateResult } from '../stores/store.js';
import { expiresOf, opaque, plain, type RecordForm } from './record-forms.js';
import { type Act, type ExpressSessionStore, StoreCalls } from './store-calls.js';

export interface FromExpressSessionStoreOptions {
  /** How long one act may take, in milliseconds, however many calls of the store it needs. 1000 unless told. */
  timeout?: number;
  /** The time in milliseconds, like `Date.now`, which it is unless told. The store itself goes by its own. */
  clock?: () => number;
  /**
   * Keeps sessions as express-session does, see `plain` in record-forms.ts. For the drop-in.
   * @internal
   */
  plain?: boolean;
}

/** An express-session store as a `Store`, and what it can't give. */
export interface AdaptedStore extends Store {
  readonly timeout: number;
  /** No compare-and-swap between processes: of two that write one session at the same moment, the last one wins. */
  readonly atomic: false;
}

const OPTIONS: Record<keyof Omit<FromExpressSessionStoreOptions, 'plain'>, true> = { timeout: true, clock: true };

/**
 * Makes any express-session store (PostgreSQL, MongoDB, DynamoDB, ...) a `Store`, as safe as such a store allows.
 *
 * Such a store has `get` and `set`, and no way to say "only if nobody else wrote meanwhile". So:
 *
 * - **In one process** (through one adapter) everything holds that a `Store` promises: acts that write one session run one
 *   after another, and each reads before it writes.
 * - **Between processes** a write reads first, too. What another process had finished by then, a logout above all, is
 *   respected; what it does between this read and this write, one round trip, is not: the last write wins, and a logout
 *   in that moment is undone. `atomic: false` says so.
 * - A write that was given up at its deadline can still be carried out by the store later. Other writes of the same
 *   session in this process wait for it.
 * - A session ends when the store ends it. `clearExpired()` is the store's business and answers 0.
 */
export function fromExpressSessionStore(store: ExpressSessionStore, options: FromExpressSessionStoreOptions = {}): AdaptedStore {
  assertStore(store);
  const { plain: asPlain = false, ...told } = options;
  assertKnown(told, OPTIONS, '');
  const { timeout = 1000, clock = Date.now } = told;
  if (!Number.isFinite(timeout) || timeout <= 0) throw new OptionError('timeout', 'must be a number of milliseconds above 0');
  if (typeof clock !== 'function') throw new OptionError('clock', 'must be a function like Date.now');
  return new Adapter(store, asPlain ? plain : opaque, timeout, clock);
}

class Adapter implements AdaptedStore {
  readonly atomic = false;
  readonly timeout: number;
  readonly #calls: StoreCalls;
  readonly #form: RecordForm;
  readonly #clock: () => number;
  readonly #touches: boolean;

  constructor(store: ExpressSessionStore, form: RecordForm, timeout: number, clock: () => number) {
    this.timeout = timeout;
    this.#calls = new StoreCalls(store, timeout);
    this.#form = form;
    this.#clock = clock;
    this.#touches = typeof store.touch === 'function';
  }

  read(key: string): Promise<StoredSession | null> {
    return this.#calls.reading(async (act) => (await this.#find(act, key))?.record ?? null);
  }

  create(key: string, payload: string, ttl: number): Promise<string | null> {
    const { session, version } = this.#form.make(payload, ttl, this.#clock());
    return this.#calls.writing(key, async (act) => {
      if (this.#form.asksFirst && (await this.#look(act, key)) !== null) return null;
      await act.set(key, session);
      return version;
    });
  }

  update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    const next = this.#form.make(payload, ttl, this.#clock());
    return this.#replacing(key, version, async (act) => {
      await act.set(key, next.session);
      return { status: 'updated', version: next.version };
    });
  }

  touch(key: string, ttl: number, version?: string): Promise<boolean> {
    return this.#calls.writing(key, async (act) => {
      const found = await this.#find(act, key);
      if (found === null || isMarker(found.record) || found.record.version !== (version ?? found.record.version)) return false;
      const renewed = this.#form.renewed(found.session, ttl, this.#clock());
      if (!this.#touches) {
        await act.set(key, renewed);
        return true;
      }
      try {
        await act.touch(key, renewed);
        return true;
      } catch (error) {
        // Some stores fail to touch what is gone: that is the answer "no", and no fault.
        if ((await this.#look(act, key)) === null) return false;
        throw error;
      }
    });
  }

  retire(key: string, version: string, ttl: number): Promise<RetireResult> {
    const marker = this.#form.marker(ttl, this.#clock());
    return this.#replacing(key, version, async (act) => {
      if (marker === null) await act.destroy(key);
      else await act.set(key, marker);
      return { status: 'retired' };
    });
  }

  delete(key: string): Promise<boolean> {
    return this.#calls.writing(key, async (act) => {
      // What can't be read is there all the same, and a logout ends it.
      const existed = await this.#look(act, key).then(isThere, () => true);
      await act.destroy(key);
      return existed;
    });
  }

  exists(key: string): Promise<boolean> {
    return this.#calls.reading(async (act) => {
      const found = await this.#find(act, key);
      return found !== null && !isMarker(found.record);
    });
  }

  async clearExpired(): Promise<number> {
    return 0;
  }

  /** The store belongs to the application; only the listener for its errors goes. */
  async close(): Promise<void> {
    this.#calls.close();
  }

  /** Does something to a record, if it still has this version. */
  #replacing<Result>(key: string, version: string, task: (act: Act) => Promise<Result>) {
    return this.#calls.writing(key, async (act): Promise<Result | Exclude<UpdateResult, { status: 'updated' }>> => {
      const found = await this.#find(act, key);
      if (found === null) return { status: 'gone' };
      if (found.record.version !== version) return { status: 'conflict', current: found.record };
      return task(act);
    });
  }

  /** The record under the key, and the object it lies in. */
  async #find(act: Act, key: string): Promise<{ session: object; record: StoredSession } | null> {
    const session = await this.#look(act, key);
    if (session === null) return null;
    const record = this.#form.open(session);
    if (record === null) publish('corrupt', { storeKey: key });
    return record && { session, record };
  }

  /** What the store has under the key. */
  async #look(act: Act, key: string): Promise<object | null> {
    const session = await act.get(key);
    if (session === null) return null;
    // A store with `touch` renews a time of its own, and what the cookie says may be old. One without has only the cookie.
    const expires = this.#touches ? undefined : expiresOf(session);
    return expires !== undefined && this.#clock() >= expires.getTime() ? null : session;
  }
}

function isThere(session: object | null): boolean {
  return session !== null;
}

function assertStore(store: unknown): asserts store is ExpressSessionStore {
  const methods = ['get', 'set', 'destroy'] as const;
  const missing = methods.filter((method) => typeof (store as Partial<ExpressSessionStore> | null | undefined)?.[method] !== 'function');
  if (missing.length === 0) return;
  const hint = typeof (store as Partial<Store> | null | undefined)?.read === 'function' ? ' A Sojourn store needs no adapter.' : '';
  throw new OptionError('store', `must be an express-session store; this one has no ${missing.join(', ')}.${hint}`);
}
