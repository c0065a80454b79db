import { inspect } from 'node:util';
import { Cluster, type Redis } from 'ioredis';
import { RedisStore, type Store, StoreUnavailableError } from 'sojourn';
import { freePort } from '../helpers/programs.js';
import { connect, connect5 } from '../helpers/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { created } from './store-contract.js';

const CANARY = 'canary-4711';
const unavailable = expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE', status: 503 });

/** Every call of a store that goes to Redis. */
const ACTS: [string, (store: Store, version?: string) => Promise<unknown>][] = [
  ['read', (store) => store.read(CANARY)],
  ['create', (store) => store.create(CANARY, `${CANARY} payload`, 60)],
  ['update', (store, version = 'version') => store.update(CANARY, `${CANARY} payload`, version, 60)],
  ['touch', (store) => store.touch(CANARY, 60)],
  ['retire', (store, version = 'version') => store.retire(CANARY, version, 60)],
  ['delete', (store) => store.delete(CANARY)],
  ['exists', (store) => store.exists(CANARY)],
];

async function failure(act: Promise<unknown>): Promise<StoreUnavailableError> {
  const error = await act.then(
    (value) => new Error(`answered ${String(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error).toEqual(unavailable);
  expect((error as StoreUnavailableError).headers).toEqual({ 'Retry-After': '1' });
  // Neither key nor payload, in no property and no cause: ioredis' own errors carry the command with its arguments.
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(CANARY);
  expect(JSON.stringify(error)).not.toContain(CANARY);
  return error as StoreUnavailableError;
}

describe.each([
  ['6', connect],
  ['5', connect5],
])('with a Redis that hangs, on ioredis %s,', (_, open) => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis();
    client = open({ retryStrategy: () => null }, server.url);
    await client.ping();
    server.child.kill('SIGSTOP');
  });
  afterAll(() => server.stop());

  test.each(ACTS)('%s is given up after its time', async (_name, act) => {
    const began = performance.now();
    const error = await failure(act(new RedisStore(client, { timeout: 50 })));
    expect(error.message).toMatch(/did not answer within 50 ms/);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test('calls pile up to 10 000; more are refused at once, and it goes on when the client has let go of them', async () => {
    const store = new RedisStore(client, { timeout: 1 });
    await Promise.all(Array.from({ length: 10_000 }, () => store.read(CANARY).catch(() => {})));
    expect((await failure(store.read(CANARY))).message).toMatch(/10000 calls are without an answer/);
    expect((await failure(new RedisStore(client, { timeout: 1 }).read(CANARY))).message).toMatch(/did not answer/);
  });

  test('and what the client says of the abandoned calls later is no unhandled rejection', async () => {
    const calls = ACTS.map(([, act]) => failure(act(new RedisStore(client, { timeout: 20 }))));
    await Promise.all(calls);
    const ended = new Promise((resolve) => client.once('end', resolve));
    await server.stop();
    await ended;
    await failure(new RedisStore(client).read(CANARY));
  });
});

test.each([
  ['6', connect],
  ['5', connect5],
])('a client of ioredis %s that pauses before it connects again does so when a request asks', async (_, open) => {
  const server = await startRedis();
  // A minute: without the request that asks, the client would not be back before the test is over.
  const client = open({ retryStrategy: () => 60_000 }, server.url);
  await client.ping();
  const pausing = new Promise((resolve) => client.once('reconnecting', resolve));
  await server.stop();
  await pausing;
  const again = await startRedis([], server.port);
  try {
    expect(await new RedisStore(client, { timeout: 10_000 }).read('anything')).toBeNull();
  } finally {
    await again.stop();
  }
});

test('an abandoned call that is carried out later brings nothing back and overwrites nothing', async () => {
  const server = await startRedis();
  const client = connect({}, server.url);
  const store = new RedisStore(client, { timeout: 50 });
  const version = await created(store, 'deleted');
  const other = await created(store, 'changed');
  await store.delete('deleted');
  server.child.kill('SIGSTOP');
  await failure(store.update('deleted', 'late', version, 60));
  server.child.kill('SIGCONT');
  // Replies come in order: this one says that the late ones have been carried out.
  await client.ping();
  expect(await store.read('deleted')).toBeNull();
  server.child.kill('SIGSTOP');
  await failure(store.update('changed', 'first', other, 60));
  await failure(store.update('changed', 'second', other, 60));
  server.child.kill('SIGCONT');
  await client.ping();
  expect((await store.read('changed'))?.payload).toBe('first');
  await server.stop();
});

describe('on a node that was demoted to a replica', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let version: string;
  let store: RedisStore;
  beforeAll(async () => {
    primary = await startRedis();
    replica = await startRedis(['--replicaof', `127.0.0.1 ${primary.port}`]);
    const onPrimary = connect({}, primary.url);
    version = await created(new RedisStore(onPrimary), CANARY);
    const client = connect({}, replica.url);
    // The replica syncs in its own time; WAIT ends when it has the writes.
    while ((await onPrimary.wait(1, 1000)) < 1 || (await client.exists(`sojourn:${CANARY}`)) < 1);
    store = new RedisStore(client);
  });
  afterAll(() => Promise.all([primary.stop(), replica.stop()]));

  test.each(ACTS.filter(([name]) => !['read', 'exists'].includes(name)))('%s of a record that is there fails', async (_, act) => {
    expect((await failure(act(store, version))).message).toContain('READONLY');
  });

  test.each([
    ['update', () => store.update('gone', 'x', 'version', 60)],
    ['retire', () => store.retire('gone', 'version', 60)],
    ['create', () => store.create('gone', 'x', 60)],
  ])('%s of a record that is not there fails too: "gone" would be a logout', async (_, act) => {
    expect((await failure(act())).message).toContain('READONLY');
  });
});

test('a Redis that refuses writes is a fault, and reading goes on', async () => {
  const server = await startRedis();
  const client = connect({}, server.url);
  const store = new RedisStore(client);
  await created(store, CANARY);
  await client.config('SET', 'maxmemory', '1');
  expect((await failure(store.create('more', CANARY, 60))).message).toContain('OOM');
  expect((await store.read(CANARY))?.payload).toBe('payload');
  await server.stop();
});

describe('a client that never gets a connection', () => {
  test.each(ACTS)('%s is given up after its time, while the client queues', async (_, act) => {
    const client = connect({ maxRetriesPerRequest: null }, `redis://127.0.0.1:${await freePort()}`);
    expect((await failure(act(new RedisStore(client, { timeout: 30 })))).message).toMatch(/within 30 ms/);
  });

  test.each(ACTS)('%s fails at once without an offline queue', async (_, act) => {
    const client = connect({ enableOfflineQueue: false, lazyConnect: true }, `redis://127.0.0.1:${await freePort()}`);
    await failure(act(new RedisStore(client, { timeout: 60_000 })));
  });

  test('says why, in a word', async () => {
    const client = connect({ maxRetriesPerRequest: 0, retryStrategy: () => 1 }, `redis://127.0.0.1:${await freePort()}`);
    expect((await failure(new RedisStore(client, { timeout: 10_000 }).read(CANARY))).message).toMatch(
      /MaxRetriesPerRequestError|ECONNREFUSED/,
    );
  });

  test('and what a client throws that is no error is a fault as well', async () => {
    const odd = { get: () => Promise.reject(CANARY), evalsha() {}, getrange() {} } as unknown as Redis;
    expect((await failure(new RedisStore(odd).read(CANARY))).message).toContain('an error');
  });
});

describe('RedisStore refuses', () => {
  const client = { get() {}, evalsha() {}, getrange() {}, isCluster: false } as unknown as Redis;
  const refused = (option: string) => expect.objectContaining({ code: 'ERR_SESSION_OPTION', option });

  test.each([[undefined], [null], ['redis://localhost'], [{}], [{ url: 'redis://localhost' }]])('what is no client: %p', (odd) => {
    expect(() => new RedisStore(odd as unknown as Redis)).toThrow(refused('client'));
  });

  test('a Cluster client that reads from replicas', () => {
    const open = (options: object) => new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true, ...options });
    expect(() => new RedisStore(open({ scaleReads: 'slave' }))).toThrow(refused('client'));
    expect(() => new RedisStore(open({ scaleReads: 'all' }))).toThrow(refused('client'));
    expect(() => new RedisStore(open({ scaleReads: 'master' }))).not.toThrow();
    expect(() => new RedisStore(open({}))).not.toThrow();
  });

  test.each([[''], [5 as unknown as string]])('the prefix %p', (prefix) => {
    expect(() => new RedisStore(client, { prefix })).toThrow(refused('prefix'));
  });

  test.each([[0], [-1], [Number.NaN], [Number.POSITIVE_INFINITY], ['1000' as unknown as number]])('the timeout %p', (timeout) => {
    expect(() => new RedisStore(client, { timeout })).toThrow(refused('timeout'));
  });
});
