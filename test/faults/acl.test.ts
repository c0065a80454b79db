import { randomBytes } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient, createCluster } from 'redis';
import { createClient as createClient5 } from 'redis5';
import { RedisStore } from 'sojourn';
import { INVALIDATIONS } from '../../src/stores/redis-client.js';
import { allowedCommands } from '../helpers/acl.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { recordWarnings } from '../helpers/warnings.js';
import { nextState, openNear } from '../stores/near.js';
import { HARDENED_NODE_REDIS } from './clients.js';
import { until } from './experiment.js';
import { clusterPort } from './groups.js';
import { Lab } from './lab.js';

const COMMANDS = allowedCommands();

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
    await useOwned(store);
  }

  async function useOwned(store: RedisStore): Promise<void> {
    const owner = randomBytes(16).toString('base64url');
    const keys = [1, 2, 3].map(() => `{${owner}}:${randomBytes(32).toString('base64url')}`) as [string, string, string];
    const signedInAt = store.owned.signIn();
    const entry = {
      signedInAt,
      createdAt: signedInAt,
      begins: true,
      limit: { sessions: 2, then: 'evict-oldest' as const },
      replaces: undefined,
    };
    for (const key of keys) expect(await store.owned.enter(key, 'a', 60, entry)).toMatchObject({ status: 'created' });
    expect(await store.owned.list(owner)).toHaveLength(2);
    const last = keys[2];
    const { version } = (await store.read(last)) as { version: string };
    expect(await store.update(last, 'b', version, 60)).toMatchObject({ status: 'updated' });
    expect(await store.touch(last, 90)).toBe(true);
    await store.owned.see(last);
    expect(await store.exists(last)).toBe(true);
    expect(await store.owned.endAll(owner, last)).toMatchObject({ ended: 1 });
    expect(await store.delete(last)).toBe(true);
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

  it('is enough to end everything with one more, and to wait for replicas with another', async () => {
    const end = async () => {
      const client = new Redis(options());
      const store = new RedisStore(client);
      await useAll(store);
      await store.create('k'.repeat(43), 'a', 60);
      return store.owned.endEverything().finally(() => client.disconnect());
    };
    await admin.flushall();
    await allow(COMMANDS);
    await expect(end()).rejects.toThrow('NOPERM');
    await allow([...COMMANDS, 'scan']);
    expect(await end()).toBe(1);

    const confirm = async () => {
      const client = new Redis(options());
      const store = new RedisStore(client, { durability: { replicas: 1, timeout: 1 } });
      await store.delete('anything');
      return store.confirm('anything').finally(() => Promise.all([store.close(), client.disconnect()]));
    };
    await allow(COMMANDS);
    await expect(confirm()).rejects.toThrow('NOPERM');
    await allow([...COMMANDS, 'wait']);
    await expect(confirm()).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
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
