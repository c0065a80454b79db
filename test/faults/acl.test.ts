import { Cluster, Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient, createCluster } from 'redis';
import { createClient as createClient5 } from 'redis5';
import { RedisStore } from 'sojourn';
import { INVALIDATIONS } from '../../src/stores/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { recordWarnings } from '../helpers/warnings.js';
import { nextState, openNear } from '../stores/near.js';
import { HARDENED_NODE_REDIS } from './clients.js';
import { until } from './experiment.js';
import { clusterPort } from './groups.js';
import { Lab } from './lab.js';

/** What docs/redis.md tells the reader to allow. */
const COMMANDS = ['get', 'set', 'del', 'strlen', 'getrange', 'setrange', 'expire', 'eval', 'evalsha', 'info'];

describe('the ACL of docs/redis.md', () => {
  let server: RedisServer;
  let admin: Redis;
  const lab = new Lab();

  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
  });
  afterAll(async () => {
    await lab.close();
    admin.disconnect();
    await server.stop();
  });

  const allow = (commands: readonly string[], owner = admin) =>
    owner.acl('SETUSER', 'sessions', 'reset', 'on', '>password', '~sojourn:*', '-@all', ...commands.map((name) => `+${name}`));
  const options = () => ({ host: '127.0.0.1', port: server.port, username: 'sessions', password: 'password', maxRetriesPerRequest: 1 });

  /** All that a store is ever asked for, scripts that Redis doesn't know yet included. */
  async function useAll(store: RedisStore, owner = admin): Promise<void> {
    await owner.script('FLUSH');
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

  it.each([
    ['node-redis 6', createClient],
    ['node-redis 5', createClient5 as unknown as typeof createClient],
  ])('is enough for %s, with PING where it is to ask for signs of life', async (_name, create) => {
    await allow([...COMMANDS.filter((name) => name !== 'info'), 'ping']);
    const { url } = server;
    const client = create({ url, username: 'sessions', password: 'password', ...HARDENED_NODE_REDIS, pingInterval: 1 });
    const complaints: unknown[] = [];
    client.on('error', (error) => complaints.push(error));
    await client.connect();
    const pinged = new Promise((resolve) => client.once('ping-interval', resolve));
    await useAll(new RedisStore(client));
    await pinged;
    client.destroy();
    expect(complaints).toEqual([]);
  });

  it('is no more than needed, but for INFO, which is the ready check of the client', async () => {
    for (const missing of COMMANDS.filter((name) => name !== 'info')) {
      await allow(COMMANDS.filter((name) => name !== missing));
      const client = new Redis(options());
      await expect(useAll(new RedisStore(client))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
      client.disconnect();
    }
  });

  it('is enough for a near cache, with four more and its channel; without them the store goes on without one and says so', async () => {
    const NEAR = ['client|id', 'client|tracking', 'subscribe', 'ping'];
    const warnings = recordWarnings();
    const connect = () => {
      const client = new Redis(options());
      lab.later(() => client.disconnect());
      return client;
    };
    for (const missing of NEAR) {
      await allow([...COMMANDS, ...NEAR.filter((name) => name !== missing)]);
      await admin.acl('SETUSER', 'sessions', `&${INVALIDATIONS}`);
      const client = connect();
      const down = nextState(false);
      const store = new RedisStore(client, { nearCache: true });
      expect(await down).toEqual({ up: false, reason: 'Redis answered NOPERM' });
      await useAll(store);
      await store.close();
    }
    expect(warnings).toEqual([{ code: 'SOJOURN_NEAR_CACHE', message: expect.stringContaining(`+${NEAR.join(' +')} &${INVALIDATIONS}`) }]);
    await allow([...COMMANDS, ...NEAR]);
    await admin.acl('SETUSER', 'sessions', `&${INVALIDATIONS}`);
    const { store } = await openNear(connect());
    await useAll(store);
    await store.close();
  });

  it('is enough for a Cluster, with two more', async () => {
    const node = await lab.redis(
      ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--dir', lab.folder()],
      await clusterPort(lab),
    );
    const owner = lab.admin(node.port);
    await owner.cluster('ADDSLOTSRANGE', 0, 16_383);
    await until(async () => (await owner.cluster('INFO')).includes('cluster_state:ok'), 'the Cluster is ready');
    await allow([...COMMANDS, 'cluster|slots', 'cluster|info'], owner);
    const redisOptions = { username: 'sessions', password: 'password' };
    const client = new Cluster([{ host: '127.0.0.1', port: node.port }], { redisOptions, slotsRefreshTimeout: 5000 });
    lab.later(() => client.disconnect());
    await useAll(new RedisStore(client), owner);

    const defaults = redisOptions;
    const nodeRedis = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${node.port}` }], defaults });
    lab.later(() => nodeRedis.destroy());
    await nodeRedis.connect();
    await useAll(new RedisStore(nodeRedis), owner);
  });

  it('keeps everything else out', async () => {
    await allow(COMMANDS);
    const client = new Redis(options());
    await expect(client.get('other:key')).rejects.toThrow('NOPERM');
    await expect(client.keys('*')).rejects.toThrow('NOPERM');
    client.disconnect();
  });
});
