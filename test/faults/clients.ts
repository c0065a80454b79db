import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis5';
import * as redis6 from 'redis';
import * as redis5 from 'redis5';

/**
 * The Redis clients of the experiments, of ioredis 6 unless the name says otherwise; `node-redis` is its version 6.
 * `defaults` is what `new Redis(url)` gives; `hardened` is what docs/redis.md recommends, word for word, which is why the
 * settings stand here and nowhere else.
 */
export type Profile = 'defaults' | 'hardened' | 'ioredis 5' | 'ioredis 5 hardened' | NodeRedisProfile;
type NodeRedisProfile = 'node-redis' | 'node-redis hardened' | 'node-redis 5' | 'node-redis 5 hardened';

export type Place =
  | { readonly kind: 'single'; readonly port: number }
  | { readonly kind: 'sentinel'; readonly sentinels: readonly number[]; readonly name: string }
  | { readonly kind: 'cluster'; readonly ports: readonly number[] };

const host = '127.0.0.1';

export const HARDENED = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 1,
  commandTimeout: 500,
  socketTimeout: 1000,
  connectTimeout: 1000,
  retryStrategy: (times: number) => Math.min(times * 50, 500),
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
};

export const HARDENED_SENTINEL = {
  ...HARDENED,
  failoverDetector: true,
  sentinelCommandTimeout: 500,
  sentinelRetryStrategy: (times: number) => Math.min(times * 50, 500),
  sentinelReconnectStrategy: () => 1000,
};

export const HARDENED_CLUSTER = {
  scaleReads: 'master' as const,
  enableOfflineQueue: false,
  clusterRetryStrategy: (times: number) => Math.min(times * 50, 500),
  maxRedirections: 5,
  slotsRefreshTimeout: 1000,
  redisOptions: { autoResendUnfulfilledCommands: false, commandTimeout: 500, socketTimeout: 1000, connectTimeout: 1000 },
};

export const HARDENED_NODE_REDIS = {
  disableOfflineQueue: true,
  commandsQueueMaxLength: 10_000,
  pingInterval: 500,
  socket: {
    connectTimeout: 1000,
    socketTimeout: 1500,
    reconnectStrategy: (retries: number) => Math.min(retries * 50, 500),
  },
};

type Client = ioredis6.Redis | ioredis6.Cluster | ReturnType<typeof createNodeRedis>;

export function connect(place: Place, profile: Profile): Client {
  if (isNodeRedis(profile)) return createNodeRedis(place, profile);
  const client = createIoredis(place, profile);
  // Without a listener ioredis prints each failed attempt to connect.
  client.on('error', () => {});
  return client;
}

function isNodeRedis(profile: Profile): profile is NodeRedisProfile {
  return profile.startsWith('node-redis');
}

function createIoredis(place: Place, profile: Profile): ioredis6.Redis | ioredis6.Cluster {
  const hardened = profile.endsWith('hardened');
  // What the store and the experiments use is the same in both versions.
  const { Redis, Cluster } = profile.startsWith('ioredis 5') ? (ioredis5 as unknown as typeof ioredis6) : ioredis6;
  switch (place.kind) {
    case 'single':
      return new Redis({ host, port: place.port, ...(hardened ? HARDENED : {}) });
    case 'sentinel': {
      const sentinels = place.sentinels.map((port) => ({ host, port }));
      return new Redis({ sentinels, name: place.name, ...(hardened ? HARDENED_SENTINEL : {}) });
    }
    case 'cluster': {
      const nodes = place.ports.map((port) => ({ host, port }));
      return new Cluster(nodes, hardened ? HARDENED_CLUSTER : {});
    }
  }
}

function createNodeRedis(place: Place, profile: NodeRedisProfile) {
  if (place.kind !== 'single') throw new Error('the experiments with node-redis have one Redis');
  const { createClient } = profile.startsWith('node-redis 5') ? (redis5 as unknown as typeof redis6) : redis6;
  const client = createClient({ url: `redis://${host}:${place.port}`, ...(profile.endsWith('hardened') ? HARDENED_NODE_REDIS : {}) });
  // Without a listener the process ends with the first connection that fails.
  client.on('error', () => {});
  // It tries until it is connected, and rejects only when it is closed before.
  client.connect().catch(() => {});
  return client;
}

/** The two that are always tried; at length, also the older ioredis, and both versions of node-redis. */
export function profiles(quick: boolean): readonly Profile[] {
  const ioredis: readonly Profile[] = ['defaults', 'hardened'];
  if (quick) return ioredis;
  return [...ioredis, 'ioredis 5', 'ioredis 5 hardened', 'node-redis', 'node-redis hardened', 'node-redis 5', 'node-redis 5 hardened'];
}

/**
 * Milliseconds within which a client must be back when its one Redis is. Requests don't let a node-redis try at once: by
 * default it pauses for up to 2.2 s between two attempts.
 */
export function healsWithin(profile: Profile): number {
  return profile === 'node-redis' || profile === 'node-redis 5' ? 2500 : 1000;
}
