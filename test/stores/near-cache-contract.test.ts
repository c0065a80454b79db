import type { Redis } from 'ioredis';
import { connect, connect5, connectResp3, type NodeRedis, nodeRedis, nodeRedis5, ownPrefix } from '../helpers/redis-client.js';
import type { Client } from './clients.js';
import { openNearForContract } from './near.js';
import { type OpenStore, storeContract } from './store-contract.js';

const openWith = (client: Client, prefix = ownPrefix(), keyPrefix = '') => openNearForContract(client, connect(), prefix, keyPrefix);
const openIoredis = (client: Redis) => openWith(client);
async function openNodeRedis(client: NodeRedis): Promise<OpenStore> {
  await client.connect();
  return openWith(client);
}

storeContract('RedisStore with a near cache on ioredis 6', () => openIoredis(connect()));
storeContract('RedisStore with a near cache on ioredis 5', () => openIoredis(connect5()));
storeContract('RedisStore with a near cache on an ioredis with the replies of RESP3', () => openIoredis(connectResp3()));
storeContract('RedisStore with a near cache on an ioredis that gives numbers as texts and pipelines by itself', () =>
  openIoredis(connect({ stringNumbers: true, enableAutoPipelining: true })),
);
storeContract('RedisStore with a near cache on an ioredis that connects with its first command, and gives up at once', () =>
  openIoredis(connect({ lazyConnect: true, retryStrategy: () => null, enableOfflineQueue: true, commandTimeout: 500 })),
);
storeContract('RedisStore with a near cache on an ioredis with a keyPrefix that is not ASCII', () => {
  const keyPrefix = `${ownPrefix()}größe:`;
  return openWith(connect({ keyPrefix }), 'sessions:', keyPrefix);
});

storeContract('RedisStore with a near cache on node-redis 6', () => openNodeRedis(nodeRedis()));
storeContract('RedisStore with a near cache on node-redis 5', () => openNodeRedis(nodeRedis5()));
storeContract('RedisStore with a near cache on node-redis 5 with RESP3', () => openNodeRedis(nodeRedis5({ RESP: 3 })));
storeContract('RedisStore with a near cache on a node-redis with settings that are not for its connection', () =>
  openNodeRedis(
    nodeRedis({
      RESP: 3,
      clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' },
      disableOfflineQueue: true,
      pingInterval: 50,
      socket: { socketTimeout: 500, reconnectStrategy: 10 },
    }),
  ),
);
storeContract('RedisStore with a near cache on a node-redis with a keyPrefix', async () => {
  const keyPrefix = ownPrefix();
  const client = nodeRedis({ keyPrefix });
  await client.connect();
  return openWith(client, 'sessions:', keyPrefix);
});
