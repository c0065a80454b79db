import { setImmediate } from 'node:timers';
import { OptionError, StoreUnavailableError } from '../errors.js';
import { publish } from '../events.js';
import { createVersion } from '../session-key.js';
import { InvalidationChannel } from './invalidation-channel.js';
import { fromIoredis, type IoredisClient } from './ioredis.js';
import { NearCache, type NearCacheOptions } from './near-cache.js';
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
  /**
   * Answers reads of sessions read lately from this process, for as long as Redis tells what changes. What another process
   * writes, its logouts included, is then seen a moment later. `true` takes the defaults; off unless told. For one Redis
   * or one behind Sentinel; `docs/redis.md` says what it gives and what it gives up.
   */
  nearCache?: boolean | NearCacheOptions;
}

/**
 * With so many commands in the client, further calls are refused at once. A client that queues for ever would otherwise
 * fill the memory during an outage (some 3 KB for each), and Redis would first have to work off all of it afterwards.
 */
const MAX_UNANSWERED = 10_000;

/** What a timer of Node can wait, some 24 days; one that is to wait longer doesn't wait at all. */
const MAX_TIMEOUT = 2 ** 31 - 1;

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
  #near: NearCache | undefined;
  #turn: Promise<void> | undefined;
  #channel: InvalidationChannel | undefined;
  #unanswered = 0;

  constructor(client: IoredisClient | NodeRedisClient, options: RedisStoreOptions = {}) {
    const { prefix = 'sojourn:', timeout = 1000, clock = Date.now, nearCache = false } = options;
    this.#client = recognize(client);
    if (typeof prefix !== 'string' || prefix === '') throw new OptionError('prefix', "must be a text that isn't empty");
    if (!Number.isFinite(timeout) || timeout <= 0 || timeout > MAX_TIMEOUT) {
      throw new OptionError('timeout', `must be a number of milliseconds above 0, and ${MAX_TIMEOUT} at most`);
    }
    this.#prefix = prefix;
    this.timeout = timeout;
    this.#clock = clock;
    if (nearCache === false) return;
    this.#near = new NearCache(nearCache, clock);
    this.#channel = new InvalidationChannel(this.#client, prefix, this.#near, timeout);
  }

  read(key: string): Promise<StoredSession | null> {
    if (this.#near !== undefined) return this.#readNear(this.#near, key);
    return this.#get(key, (value) => this.#open(key, value));
  }

  #readNear(near: NearCache, key: string): Promise<StoredSession | null> {
    // Its own deadline may have passed. Somebody may have moved that meanwhile, so that Redis is asked.
    const kept = this.#open(key, near.get(key));
    if (kept !== null) return this.#endOfTurn().then(() => kept);
    const fetch = near.begin(key);
    if (fetch === undefined) return this.#get(key, (value) => this.#open(key, value));
    const reading = this.#get(key, (value) => {
      const record = this.#open(key, value);
      near.end(fetch, record && value);
      return record;
    });
    reading.catch(() => near.end(fetch, null));
    return reading;
  }

  /**
   * Hits are answered together at the end of a turn of the event loop, as what comes from Redis is: the responses then
   * leave together, too, and wake whoever reads them once instead of each time.
   */
  #endOfTurn(): Promise<void> {
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#turn = undefined;
        resolve();
      });
    });
    return this.#turn;
  }

  #get(key: string, result: (value: string | null) => StoredSession | null): Promise<StoredSession | null> {
    return this.#call<string | null, StoredSession | null>(key, (redisKey) => this.#client.get(redisKey), result);
  }

  create(key: string, payload: string, ttl: number): Promise<string | null> {
    const version = createVersion();
    const seconds = Math.ceil(ttl);
    const args = [version, `${seconds}`, this.#deadline(seconds) + version + payload];
    return this.#run(scripts.create, key, args, (reply) => (isOne(reply) ? version : null));
  }

  update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    const next = createVersion();
    const seconds = Math.ceil(ttl);
    const args = [version, next, `${seconds}`, this.#deadline(seconds) + next + payload, this.#now()];
    return this.#run(scripts.update, key, args, (reply) => {
      if (isOne(reply)) return { status: 'updated', version: next };
      const current = this.#open(key, typeof reply === 'string' && reply !== '0' ? reply : null);
      return current ? { status: 'conflict', current } : { status: 'gone' };
    });
  }

  touch(key: string, ttl: number, version = ''): Promise<boolean> {
    const seconds = Math.ceil(ttl);
    return this.#run(scripts.touch, key, [`${seconds}`, this.#deadline(seconds), this.#now(), version], isOne);
  }

  async retire(key: string, version: string, ttl: number): Promise<RetireResult> {
    const result = await this.update(key, '', version, ttl);
    return result.status === 'updated' ? { status: 'retired' } : result;
  }

  delete(key: string): Promise<boolean> {
    return this.#writing(
      key,
      this.#call(key, (redisKey) => this.#client.del(redisKey), isOne),
    );
  }

  exists(key: string): Promise<boolean> {
    // The head and one character: a marker has no such, and nobody needs the rest.
    const start = (redisKey: string) => this.#client.getrange(redisKey, 0, scripts.HEAD_LENGTH);
    return this.#call(key, start, (value) => {
      const record = this.#open(key, value === '' ? null : value);
      return record !== null && !isMarker(record);
    });
  }

  /** Redis expires keys by itself. */
  async clearExpired(): Promise<number> {
    return 0;
  }

  /** Ends the connection of the near cache, without which the store goes on. The client belongs to the application. */
  async close(): Promise<void> {
    this.#channel?.close();
    this.#near = undefined;
  }

  /** Whole seconds, rounded down: a deadline, which is whole too, has passed exactly if it isn't above. */
  #now(): string {
    return `${Math.floor(this.#clock() / 1000)}`;
  }

  #deadline(seconds: number): string {
    return scripts.encodeDeadline(this.#clock() / 1000 + seconds);
  }

  /** The record in a Redis value, if there is one; null if no Sojourn wrote it, or its deadline has passed although the key is there. */
  #open(key: string, value: string | null | undefined): StoredSession | null {
    if (value === null || value === undefined) return null;
    const deadline = scripts.decodeDeadline(value);
    if (Number.isNaN(deadline)) {
      publish('corrupt', { storeKey: key });
      return null;
    }
    if (this.#clock() / 1000 >= deadline) return null;
    return { version: value.slice(scripts.DEADLINE_LENGTH, scripts.HEAD_LENGTH), payload: value.slice(scripts.HEAD_LENGTH) };
  }

  /** Runs a script by its hash, and by its text if Redis doesn't know it (any more). */
  #run<Result>(script: scripts.Script, key: string, args: string[], result: (reply: unknown) => Result): Promise<Result> {
    const client = this.#client;
    return this.#writing(
      key,
      this.#call(
        key,
        (redisKey) => client.evalsha(script.sha, redisKey, args),
        result,
        (redisKey) => client.eval(script.lua, redisKey, args),
      ),
    );
  }

  #writing<Result>(key: string, reply: Promise<Result>): Promise<Result> {
    return this.#near === undefined ? reply : this.#near.whileWriting(key, reply);
  }

  /**
   * One command, within its time, and what is made of its reply: null if there is a value of another type under the key,
   * which is no session. One promise for all of it, since every request waits for one of these.
   */
  #call<Reply, Result>(
    key: string,
    command: Command<Reply>,
    result: (reply: Reply | null) => Result,
    withoutScript?: Command<Reply>,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#client.wake();
      if (this.#unanswered >= MAX_UNANSWERED) throw new StoreUnavailableError(`${MAX_UNANSWERED} calls are without an answer`);
      const timer = setTimeout(giveUp, this.timeout, reject, this.timeout);
      // What the client keeps counts until it answers, which may be long after the deadline here.
      this.#unanswered += 1;
      const settle = () => {
        this.#unanswered -= 1;
        clearTimeout(timer);
      };
      const succeed = (reply: Reply | null) => {
        settle();
        try {
          resolve(result(reply));
        } catch (error) {
          // An application's clock, say. Nobody else would hear of it.
          reject(error);
        }
      };
      const fail = (error: unknown) => {
        if (isWrongType(error)) {
          publish('corrupt', { storeKey: key });
          succeed(null);
          return;
        }
        settle();
        reject(new StoreUnavailableError(tellOf(error)));
      };
      const failOrSendScript = (error: unknown) => {
        if (withoutScript && isNoScript(error)) ask(withoutScript, this.#prefix + key).then(succeed, fail);
        else fail(error);
      };
      ask(command, this.#prefix + key).then(succeed, failOrSendScript);
    });
  }
}

type Command<Reply> = (redisKey: string) => Promise<Reply>;

/** A client may throw instead of rejecting. */
function ask<Reply>(command: Command<Reply>, redisKey: string): Promise<Reply> {
  try {
    return command(redisKey);
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * After what has come in meanwhile was looked at: in a process that was busy for longer than the deadline, the reply is
 * there already, and a timer would come before it.
 */
function giveUp(reject: (error: StoreUnavailableError) => void, timeout: number): void {
  setImmediate(() => reject(new StoreUnavailableError(`Redis did not answer within ${timeout} ms`)));
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
