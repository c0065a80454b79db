import { once } from 'node:events';
import { Cluster, type Redis } from 'ioredis';
import { createClientPool, createCluster, createSentinel } from 'redis';
import { createCluster as createCluster5, createSentinel as createSentinel5 } from 'redis5';
import { RedisStore } from 'sojourn';
import { freePort } from '../helpers/programs.js';
import { commandsDuring, connect, connect5, type NodeRedis, nodeRedis, nodeRedis5 } from '../helpers/redis-client.js';
import { startRedis } from '../helpers/redis-server.js';
import { ACTS, CANARY, type Client, failure } from './clients.js';
import { created } from './store-contract.js';

// What is true of one family of clients and not of the other, and what is no client at all.

const noServer = async () => `redis://127.0.0.1:${await freePort()}`;

describe('ioredis', () => {
  test.each([
    ['6', connect],
    ['5', connect5],
  ])('%s that pauses before it connects again does so when a request asks', async (_, open) => {
    const server = await startRedis();
    // A minute: without the request that asks, the client would not be back before the test is over.
    const client = open({ retryStrategy: () => 60_000 }, server.url);
    await client.ping();
    const pausing = once(client, 'reconnecting');
    await server.stop();
    await pausing;
    const again = await startRedis([], server.port);
    try {
      expect(await new RedisStore(client, { timeout: 10_000 }).read('anything')).toBeNull();
    } finally {
      await again.stop();
    }
  });

  test('says in a word why it has no connection', async () => {
    const client = connect({ maxRetriesPerRequest: 0, retryStrategy: () => 1 }, await noServer());
    expect((await failure(new RedisStore(client, { timeout: 10_000 }).read(CANARY))).message).toMatch(
      /the Redis client gave (MaxRetriesPerRequestError|ECONNREFUSED)/,
    );
  });

  test('and what a client throws that is no error is a fault as well', async () => {
    const odd = { status: 'ready', get: () => Promise.reject(CANARY), evalsha() {}, getrange() {} } as unknown as Redis;
    expect((await failure(new RedisStore(odd).read(CANARY))).message).toContain('an error');
  });
});

describe.each([
  ['6', nodeRedis],
  ['5', nodeRedis5],
])('node-redis %s', (_, open) => {
  test.each(ACTS)('that was never opened: %s says what to do', async (_name, act) => {
    expect((await failure(act(new RedisStore(open())))).message).toContain('the Redis client is not open: client.connect() was not called');
  });

  test('may be opened after the store was made', async () => {
    const client = open();
    const store = new RedisStore(client);
    await client.connect();
    expect(await store.read('anything')).toBeNull();
  });

  test('that tries to connect and has no offline queue says that it has no connection', async () => {
    const client = open({ disableOfflineQueue: true }, await noServer());
    client.connect().catch(() => {});
    expect((await failure(new RedisStore(client).read(CANARY))).message).toContain('the Redis client has no connection');
  });

  test('with a full queue says so', async () => {
    const client = open({ commandsQueueMaxLength: 1 }, await noServer());
    client.connect().catch(() => {});
    const store = new RedisStore(client, { timeout: 100 });
    const [first, second] = await Promise.all([failure(store.read(CANARY)), failure(store.read(CANARY))]);
    expect(first.message).toMatch(/did not answer/);
    expect(second.message).toContain('queue of the Redis client is full');
  });

  test('that loses its connection says so of the calls that wait', async () => {
    const server = await startRedis();
    const client = open({}, server.url);
    await client.connect();
    server.child.kill('SIGSTOP');
    const failed = failure(new RedisStore(client, { timeout: 60_000 }).read(CANARY));
    // Its write is on the way before the server goes.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await server.stop();
    expect((await failed).message).toMatch(/the Redis client gave (SocketClosedUnexpectedlyError|ECONNRESET)/);
  });

  test('with a client-side cache is asked past it: what was read once may be logged out now', async () => {
    const server = await startRedis();
    const admin = connect({}, server.url);
    const client = open({ RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } }, server.url);
    await client.connect();
    const store = new RedisStore(client);
    await created(store, 'key');
    const twice = async () => {
      await store.read('key');
      await store.read('key');
    };
    expect(await commandsDuring(admin, twice)).toEqual({ get: 2 });
    await server.stop();
  });

  test('in legacy mode is refused, with what to pass instead', () => {
    const legacy = (open() as NodeRedis).legacy() as unknown as Client;
    expect(() => new RedisStore(legacy)).toThrow(refused('client', /legacy mode.*createClient/));
  });
});

test.each([
  ['6', createCluster],
  ['5', createCluster5 as unknown as typeof createCluster],
])('a cluster of node-redis %s that reads from replicas is refused', (_, create) => {
  const rootNodes = [{ url: 'redis://127.0.0.1:1' }];
  expect(() => new RedisStore(create({ rootNodes, useReplicas: true }))).toThrow(refused('client', /useReplicas/));
  expect(() => new RedisStore(create({ rootNodes, useReplicas: false }))).not.toThrow();
  expect(() => new RedisStore(create({ rootNodes }))).not.toThrow();
});

test('a Cluster of ioredis that reads from replicas is refused', () => {
  const open = (options: object) => new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true, ...options });
  expect(() => new RedisStore(open({ scaleReads: 'slave' }))).toThrow(refused('client', /scaleReads: 'master'/));
  expect(() => new RedisStore(open({ scaleReads: 'all' }))).toThrow(refused('client'));
  expect(() => new RedisStore(open({ scaleReads: 'master' }))).not.toThrow();
  expect(() => new RedisStore(open({}))).not.toThrow();
});

describe('a near cache is refused, with what can have one,', () => {
  const rootNodes = [{ url: 'redis://127.0.0.1:1' }];
  const sentinel = { name: 'sessions', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] };
  test.each<[string, () => Client]>([
    ['a Cluster of ioredis', () => new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true })],
    ['a cluster of node-redis 6', () => createCluster({ rootNodes })],
    ['a cluster of node-redis 5', () => createCluster5({ rootNodes }) as unknown as Client],
    ['a Sentinel client of node-redis 6', () => createSentinel(sentinel)],
    ['a Sentinel client of node-redis 5', () => createSentinel5(sentinel) as unknown as Client],
    ['a pool of node-redis', () => createClientPool()],
  ])('to %s', (_, open) => {
    expect(() => new RedisStore(open(), { nearCache: true })).toThrow(refused('nearCache', /one Redis.*Sentinel/));
    expect(() => new RedisStore(open(), { nearCache: false })).not.toThrow();
  });
});

function refused(option: string, message = /./): Error {
  return expect.objectContaining({ code: 'ERR_SESSION_OPTION', option, message: expect.stringMatching(message) });
}

describe('RedisStore refuses', () => {
  const client = { status: 'ready', evalsha() {}, getrange() {} } as unknown as Redis;

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an address', 'redis://localhost'],
    ['options', { url: 'redis://localhost' }],
    ['a client of node-redis 3, with its callbacks', { get() {}, getrange() {}, evalsha() {}, connected: true }],
    ['a queue of commands', connect({ lazyConnect: true }).pipeline()],
  ])('what is no client: %s', (_, odd) => {
    expect(() => new RedisStore(odd as Client)).toThrow(refused('client', /ioredis 5 or 6.*node-redis 5 or 6/));
  });

  test('a client of node-redis 4', () => {
    const old = { isOpen: true, get() {}, getRange() {}, evalSha() {}, v4: {} } as unknown as Client;
    expect(() => new RedisStore(old)).toThrow(refused('client', /node-redis 4 or older/));
  });

  test.each([[''], [5 as unknown as string]])('the prefix %p', (prefix) => {
    expect(() => new RedisStore(client, { prefix })).toThrow(refused('prefix'));
  });

  test.each<[string, unknown]>([
    ['nearCache', 'yes'],
    ['nearCache', null],
    ['nearCache.max', { max: 0 }],
    ['nearCache.maxAge', { maxAge: 1000 }],
  ])('%s: %p', (option, nearCache) => {
    expect(() => new RedisStore(client, { nearCache: nearCache as boolean })).toThrow(refused(option));
  });

  test.each([[0], [-1], [Number.NaN], [Number.POSITIVE_INFINITY], [2 ** 31], ['1000' as unknown as number]])(
    'the timeout %p',
    (timeout) => {
      expect(() => new RedisStore(client, { timeout })).toThrow(refused('timeout'));
    },
  );
});
