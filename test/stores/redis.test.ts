import type { Redis } from 'ioredis';
import { RedisStore } from 'sojourn';
import { connect, connect5, connectResp3, ownPrefix } from '../helpers/redis-client.js';
import { type OpenStore, storeContract } from './store-contract.js';

/** `look` sees the keys as Redis has them. */
async function openRedis(client: Redis, prefix: string, look = client, lookPrefix = prefix): Promise<OpenStore> {
  return {
    store: new RedisStore(client, { prefix }),
    elsewhere: new RedisStore(look, { prefix: lookPrefix }),
    outlives: async (key, seconds) => (await look.pttl(lookPrefix + key)) > seconds * 1000,
    async expire(key) {
      await look.pexpire(lookPrefix + key, 0);
    },
  };
}

storeContract('RedisStore on ioredis 6', () => openRedis(connect(), ownPrefix()));
storeContract('RedisStore on ioredis 5', () => openRedis(connect5(), ownPrefix()));

storeContract('RedisStore on a client with the replies of RESP3', () => openRedis(connectResp3(), ownPrefix()));

storeContract('RedisStore on a client with a keyPrefix', () => {
  const keyPrefix = ownPrefix();
  return openRedis(connect({ keyPrefix }), 'sessions:', connect(), `${keyPrefix}sessions:`);
});

storeContract('RedisStore on a client that gives numbers as texts and pipelines by itself', () =>
  openRedis(connect({ stringNumbers: true, enableAutoPipelining: true }), ownPrefix()),
);

storeContract('RedisStore on a client that connects with its first command', () => openRedis(connect({ lazyConnect: true }), ownPrefix()));
