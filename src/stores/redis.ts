import type { Cluster, Redis } from 'ioredis';
import { OptionError, StoreUnavailableError } from '../errors.js';
import { publish } from '../events.js';
import { createVersion } from '../session-key.js';
import * as scripts from './redis-scripts.js';
import type { RetireResult, Store, StoredSession, UpdateResult } from './store.js';

export interface RedisStoreOptions {
  /** What every Redis key begins with; not empty. `sojourn:` unless told. */
  prefix?: string;
  /** How long one call may take, in milliseconds, whatever the client's own settings are. 1000 unless told. */
  timeout?: number;
  /** The time in milliseconds, like `Date.now`, which it is unless told. */
  clock?: () => number;
}

/**
 * Sessions in Redis (6.2 or later), Valkey, a Cluster, or behind Sentinel, through the application's own ioredis
 * client (5 or 6), which it never closes.
 *
 * A session is one string key: its deadline, its version, its payload (`redis-scripts.ts` has the format). Reading is
 * one GET; each write is one script on that one key. Redis expires the key, and a read checks the deadline again.
 *
 * Every call has a deadline of its own and rejects with `StoreUnavailableError` when it is over. The client may still
 * carry the command out later; since creating never replaces and updating compares versions, that does no harm.
 */
export class RedisStore implements Store {
  readonly timeout: number;
  readonly #client: Redis | Cluster;
  readonly #prefix: string;
  readonly #clock: () => number;

  constructor(client: Redis | Cluster, { prefix = 'sojourn:', timeout = 1000, clock = Date.now }: RedisStoreOptions = {}) {
    assertClient(client);
    if (typeof prefix !== 'string' || prefix === '') throw new OptionError('prefix', "must be a text that isn't empty");
    if (!Number.isFinite(timeout) || timeout <= 0) throw new OptionError('timeout', 'must be a number of milliseconds above 0');
    this.#client = client;
    this.#prefix = prefix;
    this.timeout = timeout;
    this.#clock = clock;
  }

  async read(key: string): Promise<StoredSession | null> {
    const value = await this.#call(() => this.#client.get(this.#prefix + key).catch(missingIfForeign));
    return value === null ? null : this.#open(key, value);
  }

  async create(key: string, payload: string, ttl: number): Promise<string | null> {
    const version = createVersion();
    const seconds = Math.ceil(ttl);
    const reply = await this.#run(scripts.create, key, [version, seconds, this.#deadline(seconds) + version + payload]);
    return reply === 1 ? version : null;
  }

  async update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    const next = createVersion();
    const seconds = Math.ceil(ttl);
    const reply = await this.#run(scripts.update, key, [version, next, seconds, this.#deadline(seconds) + next + payload]);
    if (reply === 1) return { status: 'updated', version: next };
    const current = typeof reply === 'string' ? this.#open(key, reply) : null;
    return current ? { status: 'conflict', current } : { status: 'gone' };
  }

  async touch(key: string, ttl: number): Promise<boolean> {
    const seconds = Math.ceil(ttl);
    return (await this.#run(scripts.touch, key, [seconds, this.#deadline(seconds)])) === 1;
  }

  async retire(key: string, version: string, ttl: number): Promise<RetireResult> {
    const result = await this.update(key, '', version, ttl);
    return result.status === 'updated' ? { status: 'retired' } : result;
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#call(() => this.#client.del(this.#prefix + key))) === 1;
  }

  async exists(key: string): Promise<boolean> {
    // A marker is a head and nothing else.
    return (await this.#call(() => this.#client.strlen(this.#prefix + key))) > scripts.HEAD_LENGTH;
  }

  /** Redis expires keys by itself. */
  async clearExpired(): Promise<number> {
    return 0;
  }

  /** Nothing to give back: the client belongs to the application. */
  async close(): Promise<void> {}

  #deadline(seconds: number): string {
    return scripts.encodeDeadline(this.#clock() / 1000 + seconds);
  }

  /** The record in a Redis value; null if no Sojourn wrote it, or its deadline has passed although the key is there. */
  #open(key: string, value: string): StoredSession | null {
    const deadline = scripts.decodeDeadline(value);
    if (Number.isNaN(deadline)) {
      publish('corrupt', { storeKey: key });
      return null;
    }
    if (this.#clock() / 1000 >= deadline) return null;
    return { version: value.slice(scripts.DEADLINE_LENGTH, scripts.HEAD_LENGTH), payload: value.slice(scripts.HEAD_LENGTH) };
  }

  /** Runs a script by its hash, and by its text if Redis doesn't know it (any more). */
  #run(script: scripts.Script, key: string, args: (string | number)[]): Promise<unknown> {
    const redisKey = this.#prefix + key;
    return this.#call(async () => {
      try {
        return await this.#client.evalsha(script.sha, 1, redisKey, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return this.#client.eval(script.lua, 1, redisKey, ...args);
      }
    });
  }

  async #call<Reply>(command: () => Promise<Reply>): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StoreUnavailableError(`Redis did not answer within ${this.timeout} ms`)), this.timeout);
    });
    try {
      return await Promise.race([command(), overdue]);
    } catch (error) {
      throw error instanceof StoreUnavailableError ? error : new StoreUnavailableError(`Redis answered ${nameOf(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * What is safe to say of a Redis error: its first word (`READONLY`, `OOM`, `ECONNREFUSED`). The error itself holds the
 * command with its arguments, so it doesn't travel on as a cause.
 */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an error';
  const { code } = error as NodeJS.ErrnoException;
  return /^[A-Z][A-Z_]+\b/.exec(typeof code === 'string' ? code : error.message)?.[0] ?? error.name;
}

/** A Redis key of another type is no session. */
function missingIfForeign(error: Error): null {
  if (error.message.startsWith('WRONGTYPE')) return null;
  throw error;
}

function assertClient(client: unknown): asserts client is Redis | Cluster {
  const candidate = client as Partial<Cluster> | null | undefined;
  if (typeof candidate?.evalsha !== 'function' || typeof candidate.strlen !== 'function') {
    throw new OptionError('client', 'must be an ioredis client: new RedisStore(new Redis(url))');
  }
  if (candidate.isCluster && candidate.options?.scaleReads !== undefined && candidate.options.scaleReads !== 'master') {
    throw new OptionError(
      'client',
      "reads must go to the primary: a replica may not know of a login or logout yet. Set scaleReads: 'master'",
    );
  }
}
