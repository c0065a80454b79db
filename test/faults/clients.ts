import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis5';

/**
 * The Redis clients of the experiments, of ioredis 6 unless the name says otherwise. `defaults` is what `new Redis(url)` gives; `hardened` is what docs/redis.md
 * recommends, word for word, which is why the settings stand here and nowhere else.
 */
export type Profile = 'defaults' | 'hardened' | 'ioredis 5' | 'ioredis 5 hardened';

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

type Client = ioredis6.Redis | ioredis6.Cluster;

export function connect(place: Place, profile: Profile): Client {
  const client = create(place, profile);
  // Without a listener ioredis prints each failed attempt to connect.
  client.on('error', () => {});
  return client;
}

function create(place: Place, profile: Profile): Client {
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

/** The two that are always tried; at length, both with the older ioredis as well. */
export function profiles(quick: boolean): readonly Profile[] {
  return quick ? ['defaults', 'hardened'] : ['defaults', 'hardened', 'ioredis 5', 'ioredis 5 hardened'];
}
