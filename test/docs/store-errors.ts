import { Redis } from 'ioredis';
import type { createClient } from 'redis';
import { RedisStore } from 'sojourn';
import { connect, nodeRedis } from '../helpers/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { errorOf } from './quoted.js';

let redis: RedisServer;
let admin: Redis;
beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
});

/** What a store on this client says of a write. */
async function refusal(client: Redis | ReturnType<typeof createClient>): Promise<string> {
  const said = await errorOf(() => new RedisStore(client).create('key', 'x'.repeat(5000), 60));
  if (client instanceof Redis) client.disconnect();
  return said;
}

/** Lets Redis refuse for as long as the refusal takes. */
async function whileSet(name: string, value: string, back: string): Promise<string> {
  await admin.config('SET', name, value);
  const said = await refusal(connect({}, redis.url));
  await admin.config('SET', name, back);
  return said;
}

/** By what the table says of a 503, how that comes about. */
export const storeErrors: Readonly<Record<string, () => Promise<string>>> = {
  async 'Redis did not answer within 1000 ms'() {
    await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    const said = await refusal(connect({}, redis.url));
    await admin.call('CLIENT', 'UNPAUSE');
    return said;
  },
  'the Redis client gave Error': () => refusal(connect({ enableOfflineQueue: false }, 'redis://127.0.0.1:1')),
  'the Redis client gave MaxRetriesPerRequestError': () => refusal(connect({ maxRetriesPerRequest: 0 }, 'redis://127.0.0.1:1')),
  'the Redis client has no connection': () => refusal(unconnected({ disableOfflineQueue: true }, 'connecting')),
  'the Redis client is not open: client.connect() was not called, or reconnectStrategy has given up': () =>
    refusal(unconnected({}, 'closed')),
  'Redis answered NOAUTH': async () => {
    await admin.config('SET', 'requirepass', 'password');
    const said = await refusal(connect({}, redis.url));
    await admin.config('SET', 'requirepass', '');
    return said;
  },
  async 'Redis answered NOPERM'() {
    await admin.acl('SETUSER', 'guest', 'reset', 'on', '>password', '~*', '+info', '+get');
    return refusal(connect({ username: 'guest', password: 'password' }, redis.url));
  },
  'Redis answered OOM': () => whileSet('maxmemory', '1', '0'),
  'Redis answered NOREPLICAS': () => whileSet('min-replicas-to-write', '1', '0'),
  async 'Redis answered READONLY'() {
    await admin.call('REPLICAOF', '127.0.0.1', '1');
    const said = await refusal(connect({}, redis.url));
    await admin.call('REPLICAOF', 'NO', 'ONE');
    return said;
  },
};

function unconnected(options: { disableOfflineQueue?: boolean }, state: 'connecting' | 'closed') {
  const client = nodeRedis({ ...options, socket: { host: '127.0.0.1', port: 1 } });
  if (state === 'connecting') client.connect().catch(() => {});
  return client;
}
