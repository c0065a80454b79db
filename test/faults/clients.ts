import { Cluster, Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';

/**
 * The Redis clients of the experiments. `defaults` is what `new Redis(url)` gives; `hardened` is what docs/redis.md
 * recommends, word for word, which is why the settings stand here and nowhere else.
 */
export type Profile = 'defaults' | 'hardened' | 'ioredis 5';

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

export function connect(place: Place, profile: Profile): Redis | Cluster {
  const client = create(place, profile);
  // Without a listener ioredis prints each failed attempt to connect.
  client.on('error', () => {});
  return client;
}

function create(place: Place, profile: Profile): Redis | Cluster {
  const hardened = profile === 'hardened';
  switch (place.kind) {
    case 'single':
      // The store asks for the few methods it uses, and those are the same in both versions.
      if (profile === 'ioredis 5') return new Redis5({ host, port: place.port }) as unknown as Redis;
      return new Redis({ host, port: place.port, ...(hardened ? HARDENED : {}) });
    case 'sentinel': {
      const sentinels = place.sentinels.map((port) => ({ host, port }));
      return new Redis({ sentinels, name: place.name, ...(hardened ? HARDENED_SENTINEL : {}) });
    }
    case 'cluster':
      return new Cluster(
        place.ports.map((port) => ({ host, port })),
        hardened ? HARDENED_CLUSTER : {},
      );
  }
}
