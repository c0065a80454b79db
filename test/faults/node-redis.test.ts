import { createClient } from 'redis';
import { createClient as createClient5 } from 'redis5';
import { RedisStore } from 'sojourn';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { HARDENED_NODE_REDIS } from './clients.js';

// What docs/redis.md says about the socketTimeout of node-redis.

describe.each([
  ['6', createClient],
  ['5', createClient5 as unknown as typeof createClient],
])('node-redis %s', (_, create) => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server.stop());

  it('leaves a connection that has gone silent, with the settings of docs/redis.md, and comes back', async () => {
    const client = create({ url: server.url, ...HARDENED_NODE_REDIS });
    const problems: string[] = [];
    client.on('error', (error: Error) => problems.push(error.constructor.name));
    await client.connect();
    server.child.kill('SIGSTOP');
    await new Promise((resolve) => client.once('reconnecting', resolve));
    expect(problems).toEqual(['SocketTimeoutError']);
    const ready = new Promise((resolve) => client.once('ready', resolve));
    server.child.kill('SIGCONT');
    await ready;
    expect(await new RedisStore(client).read('anything')).toBeNull();
    client.destroy();
  });

  it('stays closed after a socket timeout unless it has a reconnectStrategy of its own', async () => {
    const client = create({ url: server.url, socket: { socketTimeout: 50 } });
    const closed = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await closed;
    expect(client.isOpen).toBe(false);
    await expect(new RedisStore(client).read('anything')).rejects.toThrow('reconnectStrategy has given up');
  });
});
