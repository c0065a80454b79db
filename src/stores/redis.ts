import { setImmediate } from 'node:timers';
import { NotDurableError, OptionError } from '../errors.js';
import { ownedName, ownerIn } from '../session-key.js';
import { InvalidationChannel } from './invalidation-channel.js';
import { fromIoredis, type IoredisClient } from './ioredis.js';
import { NearCache, type NearCacheOptions } from './near-cache.js';
import { fromNodeRedis, type NodeRedisClient } from './node-redis.js';
import { RedisCalls } from './redis-calls.js';
import type { Durability, DurableClient, RedisClient } from './redis-client.js';
import { endEverything } from './redis-everything.js';
import { OwnedRecords, userKey } from './redis-owned.js';
import { PlainRecords, type RedisPlace } from './redis-records.js';
import type { EnterResult, Entry, OwnedSessions, RetireResult, Store, StoredSession, UpdateResult } from './store.js';

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
  /**
   * For those who run with replicas: a logout or revocation is done only when so many replicas have it, and fails with a
   * `NotDurableError` if they don't within `timeout` milliseconds. Off unless told.
   */
  durability?: Durability;
}

/** What a timer of Node can wait, some 24 days; one that is to wait longer doesn't wait at all. */
const MAX_TIMEOUT = 2 ** 31 - 1;

let place: (store: RedisStore) => RedisPlace;

/**
 * Sessions in Redis (6.2 or later), Valkey, a Cluster, or behind Sentinel, through the application's own client, which it
 * never closes: a `Redis` or `Cluster` of ioredis 5 or 6, or what `createClient`, `createCluster` or `createSentinel` of
 * node-redis 5 or 6 (`redis`) gave.
 *
 * A session is one string key: its deadline, its version, its payload. Reading is one GET; each write is one script on that
 * one key. A session of a user (`session({ user })`) is read by one MGET, together with what says whether it was revoked.
 * Redis expires the keys, and a read checks the deadline again.
 *
 * Every call has a deadline of its own and rejects with `StoreUnavailableError` when it is over. The client may still
 * carry the command out later; since creating never replaces and updating compares versions, that does no harm.
 */
export class RedisStore implements Store {
  readonly timeout: number;
  /** The sessions of a user together. */
  readonly owned: OwnedSessions;
  readonly #place: RedisPlace;
  readonly #plain: PlainRecords;
  readonly #ofOwners: OwnedRecords;
  readonly #durability: RedisStoreOptions['durability'];
  #durable: DurableClient | undefined;
  #near: NearCache | undefined;
  #turn: Promise<void> | undefined;
  #channel: InvalidationChannel | undefined;

  static {
    place = (store) => store.#place;
  }

  constructor(client: IoredisClient | NodeRedisClient, options: RedisStoreOptions = {}) {
    const { prefix = 'sojourn:', timeout = 1000, clock = Date.now, nearCache = false, durability } = options;
    const known = recognize(client);
    if (typeof prefix !== 'string' || prefix === '') throw new OptionError('prefix', "must be a text that isn't empty");
    if (!isTimeout(timeout)) throw new OptionError('timeout', `must be a number of milliseconds above 0, and ${MAX_TIMEOUT} at most`);
    this.timeout = timeout;
    this.#durability = durability && checkedDurability(durability);
    this.#durable = this.#durability && known.connectDurable(this.#durability);
    const calls = new RedisCalls(known, timeout);
    // Behind somebody else's WAIT, a command on that connection may have to wait as long.
    const ending = this.#durable && new RedisCalls(this.#durable, timeout + (this.#durability?.timeout ?? 0));
    this.#place = { calls, ending: ending ?? calls, prefix, clock };
    this.#plain = new PlainRecords(this.#place);
    this.#ofOwners = new OwnedRecords(this.#place);
    this.owned = this.#ownedSessions();
    if (nearCache === false) return;
    this.#near = new NearCache(nearCache, clock);
    this.#channel = new InvalidationChannel(known, prefix, this.#near, timeout);
  }

  read(key: string): Promise<StoredSession | null> {
    if (this.#near !== undefined) return this.#readNear(this.#near, key);
    if (ownerIn(key) !== null) return this.#ofOwners.read(key, (value, user) => this.#ofOwners.open(key, value, user));
    return this.#plain.read(key, (value) => this.#plain.open(key, value));
  }

  #readNear(near: NearCache, key: string): Promise<StoredSession | null> {
    const isOwned = ownerIn(key) !== null;
    const keys = isOwned ? [key, userKey(key)] : [key];
    const open = ([value, user]: readonly (string | null | undefined)[]) =>
      isOwned ? this.#ofOwners.open(key, value, user) : this.#plain.open(key, value);
    // Its own deadline may have passed. Somebody may have moved that meanwhile, so that Redis is asked.
    const kept = open(keys.map((name) => near.get(name)));
    if (kept !== null) return this.#endOfTurn().then(() => kept);
    const fetches = keys.map((name) => near.begin(name));
    const keep = (values: readonly (string | null)[]) => {
      const record = open(values);
      for (const [index, fetch] of fetches.entries()) if (fetch) near.end(fetch, record && (values[index] ?? null));
      return record;
    };
    const reading = isOwned
      ? this.#ofOwners.read(key, (value, user) => keep([value, user]))
      : this.#plain.read(key, (value) => keep([value]));
    reading.catch(() => {
      for (const fetch of fetches) if (fetch) near.end(fetch, null);
    });
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

  create(key: string, payload: string, ttl: number): Promise<string | null> {
    return this.#writing(key, this.#plain.create(key, payload, ttl));
  }

  update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    return this.#writing(key, this.#recordsOf(key).update(key, payload, version, ttl));
  }

  touch(key: string, ttl: number, version = ''): Promise<boolean> {
    return this.#writing(key, this.#recordsOf(key).touch(key, ttl, version));
  }

  async retire(key: string, version: string, ttl: number): Promise<RetireResult> {
    const result = await this.update(key, '', version, ttl);
    return result.status === 'updated' ? { status: 'retired' } : result;
  }

  delete(key: string): Promise<boolean> {
    return this.#writing(key, this.#recordsOf(key).delete(key));
  }

  exists(key: string): Promise<boolean> {
    return this.#recordsOf(key).exists(key);
  }

  /** Redis expires keys by itself. */
  async clearExpired(): Promise<number> {
    return 0;
  }

  /** Waits for replicas, if the option `durability` says so. Rejects with `NotDurableError` and `StoreUnavailableError`. */
  async confirm(key: string): Promise<void> {
    const durable = this.#durable;
    if (durable === undefined || this.#durability === undefined) return;
    const { replicas, timeout } = this.#durability;
    // Redis takes that time before it answers, and again if another one is waited for; the usual deadline comes on top.
    const calls = new RedisCalls(durable, this.timeout + 2 * timeout);
    const confirmed = await calls.call(key, () => durable.wait(this.#place.prefix + key), Number);
    if (!(confirmed >= replicas)) throw new NotDurableError(confirmed, replicas, timeout);
  }

  /**
   * Ends the connections of its own. Without a near cache the store goes on; without the one for `durability` no session can be ended any
   * more. The client belongs to the application.
   */
  async close(): Promise<void> {
    this.#channel?.close();
    this.#near = undefined;
    this.#durable?.destroy();
  }

  #ownedSessions(): OwnedSessions {
    const records = this.#ofOwners;
    return {
      signIn: () => records.signIn(),
      enter: (key: string, payload: string, ttl: number, entry: Entry): Promise<EnterResult> =>
        this.#writing(key, records.enter(key, payload, ttl, entry)),
      see: (key) => this.#writing(key, records.see(key)).then(nothing),
      list: (owner) => records.list(owner),
      endAll: (owner, except) => this.#writing(ownedName(owner, 'user'), records.endAll(owner, except)),
      endEverything: () =>
        endEverything(
          this.#place,
          (owner) => records.endAll(owner, undefined),
          (key) => this.confirm(key),
        ),
    };
  }

  #recordsOf(key: string): PlainRecords | OwnedRecords {
    return ownerIn(key) === null ? this.#plain : this.#ofOwners;
  }

  #writing<Result>(key: string, reply: Promise<Result>): Promise<Result> {
    return this.#near === undefined ? reply : this.#near.whileWriting(key, reply);
  }
}

/** Where a store keeps its records, for what goes through all of them. @internal */
export function placeOf(store: RedisStore): RedisPlace {
  return place(store);
}

function recognize(client: unknown): RedisClient {
  const known = typeof client === 'object' && client !== null ? (fromIoredis(client) ?? fromNodeRedis(client)) : undefined;
  if (known) return known;
  throw new OptionError(
    'client',
    'must be a client of ioredis 5 or 6, new RedisStore(new Redis(url)), or of node-redis 5 or 6, new RedisStore(createClient({ url }))',
  );
}

function checkedDurability(durability: Durability): Durability {
  const { replicas, timeout } = Object(durability);
  if (!Number.isSafeInteger(replicas) || replicas < 1) {
    throw new OptionError('durability.replicas', 'must be a whole number above 0: how many replicas are to have what ended');
  }
  if (!Number.isSafeInteger(timeout) || !isTimeout(timeout)) {
    throw new OptionError('durability.timeout', 'must be a whole number of milliseconds above 0: how long to wait for them');
  }
  return { replicas, timeout };
}

function isTimeout(milliseconds: unknown): boolean {
  return typeof milliseconds === 'number' && milliseconds > 0 && milliseconds <= MAX_TIMEOUT;
}

function nothing(): void {}
