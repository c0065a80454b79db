import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { RedisStore } from 'sojourn';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';

/** What docs/redis.md tells the reader to allow. */
const COMMANDS = ['get', 'set', 'del', 'strlen', 'getrange', 'setrange', 'expire', 'eval', 'evalsha', 'info'];

describe('the ACL of docs/redis.md', () => {
  let server: RedisServer;
  let admin: Redis;

  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
  });
  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });

  const allow = (commands: readonly string[]) =>
    admin.acl('SETUSER', 'sessions', 'reset', 'on', '>password', '~sojourn:*', '-@all', ...commands.map((name) => `+${name}`));
  const options = () => ({ host: '127.0.0.1', port: server.port, username: 'sessions', password: 'password', maxRetriesPerRequest: 1 });

  /** All that a store is ever asked for, scripts that Redis doesn't know yet included. */
  async function useAll(store: RedisStore): Promise<void> {
    await admin.script('FLUSH');
    const key = `key-${Math.random()}`;
    const version = (await store.create(key, 'a', 60)) as string;
    const update = await store.update(key, 'b', version, 60);
    expect(update.status).toBe('updated');
    expect(await store.update(key, 'c', version, 60)).toMatchObject({ status: 'conflict' });
    expect(await store.touch(key, 60)).toBe(true);
    expect(await store.exists(key)).toBe(true);
    const current = await store.read(key);
    expect(await store.retire(key, current?.version as string, 60)).toEqual({ status: 'retired' });
    expect(await store.delete(key)).toBe(true);
    expect(await store.update(key, 'd', version, 60)).toEqual({ status: 'gone' });
  }

  it.each([
    ['ioredis 6', () => new Redis(options())],
    ['ioredis 5', () => new Redis5(options()) as unknown as Redis],
  ])('is enough for %s', async (_name, connect) => {
    await allow(COMMANDS);
    const client = connect();
    await useAll(new RedisStore(client));
    client.disconnect();
  });

  it('is no more than needed, but for INFO, which is the ready check of the client', async () => {
    for (const missing of COMMANDS.filter((name) => name !== 'info')) {
      await allow(COMMANDS.filter((name) => name !== missing));
      const client = new Redis(options());
      await expect(useAll(new RedisStore(client))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
      client.disconnect();
    }
  });

  it('keeps everything else out', async () => {
    await allow(COMMANDS);
    const client = new Redis(options());
    await expect(client.get('other:key')).rejects.toThrow('NOPERM');
    await expect(client.keys('*')).rejects.toThrow('NOPERM');
    client.disconnect();
  });
});
