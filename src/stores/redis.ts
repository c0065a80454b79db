import type { Cluster, Redis } from 'ioredis';
import { OptionError, StoreUnavailableError } from '../errors.js';
import { publish } from '../events.js';
import { createVersion } from '../session-key.js';
import * as scripts from './redis-scripts.js';
import { isMarker, type RetireResult, type Store, type StoredSession, type UpdateResult } from './store.js';

export interface RedisStoreOptions {
  /** What every Redis key begins with; not empty. `sojourn:` unless told. */
  prefix?: string;
  /** How long one call may take, in milliseconds, whatever the client's own settings are. 1000 unless told. */
  timeout?: number;
  /** The time in milliseconds, like `Date.now`, which it is unless told. */
  clock?: () => number;
}

/**
 * With so many commands in the client, further calls are refused at once. A client that queues for ever would otherwise
 * fill the memory during an outage (some 3 KB for each), and Redis would first have to work off all of it afterwards.
 */
const MAX_UNANSWERED = 10_000;

/**
 * How long after one attempt to connect a request may ask for the next, in milliseconds. After an outage ioredis 6 may
 * wait for five seconds, doubling its pause with each attempt that fails: too long for a request that is there now.
 */
const WAKE_INTERVAL = 500;

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
  #unanswered = 0;
  #wokenAt = Number.NEGATIVE_INFINITY;

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
    const value = await this.#call(key, (redisKey) => this.#client.get(redisKey));
    return value === null ? null : this.#open(key, value);
  }

  async create(key: string, payload: string, ttl: number): Promise<string | null> {
    const version = createVersion();
    const seconds = Math.ceil(ttl);
    const reply = await this.#run(scripts.create, key, [version, seconds, this.#deadline(seconds) + version + payload]);
    return isOne(reply) ? version : null;
  }

  async update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    const next = createVersion();
    const seconds = Math.ceil(ttl);
    const reply = await this.#run(scripts.update, key, [version, next, seconds, this.#deadline(seconds) + next + payload, this.#now()]);
    if (isOne(reply)) return { status: 'updated', version: next };
    const current = typeof reply === 'string' && reply !== '0' ? this.#open(key, reply) : null;
    return current ? { status: 'conflict', current } : { status: 'gone' };
  }

  async touch(key: string, ttl: number, version = ''): Promise<boolean> {
    const seconds = Math.ceil(ttl);
    return isOne(await this.#run(scripts.touch, key, [seconds, this.#deadline(seconds), this.#now(), version]));
  }

  async retire(key: string, version: string, ttl: number): Promise<RetireResult> {
    const result = await this.update(key, '', version, ttl);
    return result.status === 'updated' ? { status: 'retired' } : result;
  }

  async delete(key: string): Promise<boolean> {
    return isOne(await this.#call(key, (redisKey) => this.#client.del(redisKey)));
  }

  async exists(key: string): Promise<boolean> {
    // The head and one character: a marker has no such, and nobody needs the rest.
    const start = await this.#call(key, (redisKey) => this.#client.getrange(redisKey, 0, scripts.HEAD_LENGTH));
    const record = start === null || start === '' ? null : this.#open(key, start);
    return record !== null && !isMarker(record);
  }

  /** Redis expires keys by itself. */
  async clearExpired(): Promise<number> {
    return 0;
  }

  /** Nothing to give back: the client belongs to the application. */
  async close(): Promise<void> {}

  /** Whole seconds, rounded down: a deadline, which is whole too, has passed exactly if it isn't above. */
  #now(): number {
    return Math.floor(this.#clock() / 1000);
  }

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
    return this.#call(key, async (redisKey) => {
      try {
        return await this.#client.evalsha(script.sha, 1, redisKey, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return this.#client.eval(script.lua, 1, redisKey, ...args);
      }
    });
  }

  /** One command, within its time. Null if there is a value of another type under the key: that is no session. */
  async #call<Reply>(key: string, command: (redisKey: string) => Promise<Reply>): Promise<Reply | null> {
    this.#wake();
    if (this.#unanswered >= MAX_UNANSWERED) throw new StoreUnavailableError(`${MAX_UNANSWERED} calls are without an answer`);
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StoreUnavailableError(`Redis did not answer within ${this.timeout} ms`)), this.timeout);
    });
    try {
      return await Promise.race([this.#counted(command(this.#prefix + key)), overdue]);
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      if (!isWrongType(error)) throw new StoreUnavailableError(`Redis answered ${nameOf(error)}`);
      publish('corrupt', { storeKey: key });
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Lets a client that waits before its next attempt to connect make it now. The timer it waits on has no public name:
   * a client that doesn't have it keeps its pause, as does a Cluster, whose pauses are short.
   */
  #wake(): void {
    const client = this.#client as unknown as Waiting;
    if (client.status !== 'reconnecting' || client.isCluster || !client.reconnectTimeout) return;
    if (performance.now() - this.#wokenAt < WAKE_INTERVAL) return;
    this.#wokenAt = performance.now();
    // Else it would fire later, and connect a client that the application has closed meanwhile.
    clearTimeout(client.reconnectTimeout);
    client.reconnectTimeout = null;
    // What comes of it is told by the commands, and by the client's own events.
    client.connect().then(nothing, nothing);
  }

  /** Counts a command as long as the client keeps it, which may be long after its deadline here. */
  #counted<Reply>(reply: Promise<Reply>): Promise<Reply> {
    this.#unanswered += 1;
    return reply.finally(() => {
      this.#unanswered -= 1;
    });
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

/** Redis 6 puts the name of the script before it. */
function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.includes('WRONGTYPE');
}

/** A client with `stringNumbers: true` makes a text of it. */
function isOne(reply: unknown): boolean {
  return Number(reply) === 1;
}

function assertClient(client: unknown): asserts client is Redis | Cluster {
  const candidate = client as Partial<Cluster> | null | undefined;
  if (typeof candidate?.evalsha !== 'function' || typeof candidate.getrange !== 'function') {
    throw new OptionError('client', 'must be an ioredis client: new RedisStore(new Redis(url))');
  }
  if (candidate.isCluster && candidate.options?.scaleReads !== undefined && candidate.options.scaleReads !== 'master') {
    throw new OptionError(
      'client',
      "reads must go to the primary: a replica may not know of a login or logout yet. Set scaleReads: 'master'",
    );
  }
}

function nothing(): void {}

interface Waiting {
  readonly status: string;
  readonly isCluster: boolean;
  reconnectTimeout?: NodeJS.Timeout | null;
  connect(): Promise<void>;
}
