import { OptionError, StoreUnavailableError } from '../errors.js';
import { publish } from '../events.js';
import { createVersion } from '../session-key.js';
import { fromIoredis, type IoredisClient } from './ioredis.js';
import { fromNodeRedis, type NodeRedisClient } from './node-redis.js';
import { isNoScript, isWrongType, type RedisClient, tellOf } from './redis-client.js';
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
 * Sessions in Redis (6.2 or later), Valkey, a Cluster, or behind Sentinel, through the application's own client, which it
 * never closes: a `Redis` or `Cluster` of ioredis 5 or 6, or what `createClient`, `createCluster` or `createSentinel` of
 * node-redis 5 or 6 (`redis`) gave.
 *
 * A session is one string key: its deadline, its version, its payload (`redis-scripts.ts` has the format). Reading is
 * one GET; each write is one script on that one key. Redis expires the key, and a read checks the deadline again.
 *
 * Every call has a deadline of its own and rejects with `StoreUnavailableError` when it is over. The client may still
 * carry the command out later; since creating never replaces and updating compares versions, that does no harm.
 */
export class RedisStore implements Store {
  readonly timeout: number;
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #clock: () => number;
  #unanswered = 0;

  constructor(client: IoredisClient | NodeRedisClient, { prefix = 'sojourn:', timeout = 1000, clock = Date.now }: RedisStoreOptions = {}) {
    this.#client = recognize(client);
    if (typeof prefix !== 'string' || prefix === '') throw new OptionError('prefix', "must be a text that isn't empty");
    if (!Number.isFinite(timeout) || timeout <= 0) throw new OptionError('timeout', 'must be a number of milliseconds above 0');
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
    const reply = await this.#run(scripts.create, key, [version, `${seconds}`, this.#deadline(seconds) + version + payload]);
    return isOne(reply) ? version : null;
  }

  async update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    const next = createVersion();
    const seconds = Math.ceil(ttl);
    const value = this.#deadline(seconds) + next + payload;
    const reply = await this.#run(scripts.update, key, [version, next, `${seconds}`, value, this.#now()]);
    if (isOne(reply)) return { status: 'updated', version: next };
    const current = typeof reply === 'string' && reply !== '0' ? this.#open(key, reply) : null;
    return current ? { status: 'conflict', current } : { status: 'gone' };
  }

  async touch(key: string, ttl: number, version = ''): Promise<boolean> {
    const seconds = Math.ceil(ttl);
    return isOne(await this.#run(scripts.touch, key, [`${seconds}`, this.#deadline(seconds), this.#now(), version]));
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
  #now(): string {
    return `${Math.floor(this.#clock() / 1000)}`;
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
  #run(script: scripts.Script, key: string, args: string[]): Promise<unknown> {
    return this.#call(key, async (redisKey) => {
      try {
        return await this.#client.evalsha(script.sha, redisKey, args);
      } catch (error) {
        if (!isNoScript(error)) throw error;
        return this.#client.eval(script.lua, redisKey, args);
      }
    });
  }

  /** One command, within its time. Null if there is a value of another type under the key: that is no session. */
  async #call<Reply>(key: string, command: (redisKey: string) => Promise<Reply>): Promise<Reply | null> {
    this.#client.wake();
    if (this.#unanswered >= MAX_UNANSWERED) throw new StoreUnavailableError(`${MAX_UNANSWERED} calls are without an answer`);
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StoreUnavailableError(`Redis did not answer within ${this.timeout} ms`)), this.timeout);
    });
    try {
      return await Promise.race([this.#counted(command(this.#prefix + key)), overdue]);
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      if (!isWrongType(error)) throw new StoreUnavailableError(tellOf(error));
      publish('corrupt', { storeKey: key });
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Counts a command as long as the client keeps it, which may be long after its deadline here. */
  #counted<Reply>(reply: Promise<Reply>): Promise<Reply> {
    this.#unanswered += 1;
    return reply.finally(() => {
      this.#unanswered -= 1;
    });
  }
}

/** A client with `stringNumbers: true` makes a text of it. */
function isOne(reply: unknown): boolean {
  return Number(reply) === 1;
}

function recognize(client: unknown): RedisClient {
  const known = typeof client === 'object' && client !== null ? (fromIoredis(client) ?? fromNodeRedis(client)) : undefined;
  if (known) return known;
  throw new OptionError(
    'client',
    'must be a client of ioredis 5 or 6, new RedisStore(new Redis(url)), or of node-redis 5 or 6, new RedisStore(createClient({ url }))',
  );
}
