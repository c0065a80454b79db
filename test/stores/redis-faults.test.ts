import { RedisStore } from 'sojourn';
import { eventNamesDuring } from '../helpers/events.js';
import { freePort } from '../helpers/programs.js';
import { connect, testRedisUrl } from '../helpers/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { ACTS, CANARY, failure, KINDS, type Opened } from './clients.js';
import { created } from './store-contract.js';

describe.each(KINDS)('with a Redis that hangs, on %s,', (_, open) => {
  let server: RedisServer;
  let opened: Opened;
  beforeAll(async () => {
    server = await startRedis();
    opened = open(server.url, { pause: false });
    await opened.ping();
    server.child.kill('SIGSTOP');
  });
  afterAll(() => server.stop());

  test.each(ACTS)('%s is given up after its time', async (_name, act) => {
    const began = performance.now();
    const error = await failure(act(new RedisStore(opened.client, { timeout: 50 })));
    expect(error.message).toMatch(/did not answer within 50 ms/);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test('calls pile up to 10 000; more are refused at once, and it goes on when the client has let go of them', async () => {
    const store = new RedisStore(opened.client, { timeout: 1 });
    await Promise.all(Array.from({ length: 10_000 }, () => store.read(CANARY).catch(() => {})));
    expect((await failure(store.read(CANARY))).message).toMatch(/10000 calls are without an answer/);
    expect((await failure(new RedisStore(opened.client, { timeout: 1 }).read(CANARY))).message).toMatch(/did not answer/);
  });

  test('and what the client says of the abandoned calls later is no unhandled rejection', async () => {
    const calls = ACTS.map(([, act]) => failure(act(new RedisStore(opened.client, { timeout: 20 }))));
    await Promise.all(calls);
    const ended = opened.ended();
    await server.stop();
    await ended;
    await failure(new RedisStore(opened.client).read(CANARY));
  });
});

test.each(KINDS)('on %s a process that was busy for longer than the deadline takes the reply that has come meanwhile', async (_, open) => {
  const { client, ping } = open(testRedisUrl());
  await ping();
  const store = new RedisStore(client, { timeout: 50 });
  const read = store.read('anything');
  // The command leaves at the end of this turn.
  await new Promise((resolve) => setImmediate(resolve));
  const began = performance.now();
  while (performance.now() - began < 200);
  expect(await read).toBeNull();
});

test.each(KINDS)('on %s an abandoned call that is carried out later brings nothing back and overwrites nothing', async (_, open) => {
  const server = await startRedis();
  const { client, ping } = open(server.url);
  const store = new RedisStore(client, { timeout: 50 });
  await ping();
  const version = await created(store, 'deleted');
  const other = await created(store, 'changed');
  await store.delete('deleted');
  server.child.kill('SIGSTOP');
  await failure(store.update('deleted', 'late', version, 60));
  server.child.kill('SIGCONT');
  // Replies come in order: this one says that the late ones have been carried out.
  await ping();
  expect(await store.read('deleted')).toBeNull();
  server.child.kill('SIGSTOP');
  await failure(store.update('changed', 'first', other, 60));
  await failure(store.update('changed', 'second', other, 60));
  server.child.kill('SIGCONT');
  await ping();
  expect((await store.read('changed'))?.payload).toBe('first');
  await server.stop();
});

describe('on a node that was demoted to a replica', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let version: string;
  beforeAll(async () => {
    primary = await startRedis();
    replica = await startRedis(['--replicaof', `127.0.0.1 ${primary.port}`]);
    const onPrimary = connect({}, primary.url);
    const onReplica = connect({}, replica.url);
    version = await created(new RedisStore(onPrimary), CANARY);
    // The replica syncs in its own time; WAIT ends when it has the writes.
    while ((await onPrimary.wait(1, 1000)) < 1 || (await onReplica.exists(`sojourn:${CANARY}`)) < 1);
  });
  afterAll(() => Promise.all([primary.stop(), replica.stop()]));

  describe.each(KINDS)('%s:', (_, open) => {
    let store: RedisStore;
    beforeAll(async () => {
      const { client, ping } = open(replica.url);
      await ping();
      store = new RedisStore(client);
    });

    test.each(ACTS.filter(([name]) => !['read', 'exists'].includes(name)))('%s of a record that is there fails', async (_name, act) => {
      expect((await failure(act(store, version))).message).toContain('Redis answered READONLY');
    });

    test.each([
      ['update', () => store.update('gone', 'x', 'version', 60)],
      ['retire', () => store.retire('gone', 'version', 60)],
      ['create', () => store.create('gone', 'x', 60)],
    ])('%s of a record that is not there fails too: "gone" would be a logout', async (_name, act) => {
      expect((await failure(act())).message).toContain('Redis answered READONLY');
    });
  });
});

describe.each(KINDS)('%s, on a Redis of its own:', (_, open) => {
  let server: RedisServer;
  let admin: ReturnType<typeof connect>;
  let store: RedisStore;
  beforeAll(async () => {
    server = await startRedis();
    admin = connect({}, server.url);
    const { client, ping } = open(server.url);
    await ping();
    store = new RedisStore(client);
  });
  afterAll(() => server.stop());

  test('the script cache may be lost at any time', async () => {
    const version = await created(store, 'scripts');
    await admin.script('FLUSH');
    const updated = (await store.update('scripts', 'x', version, 60)) as { version: string };
    await admin.script('FLUSH');
    expect(await store.touch('scripts', 60)).toBe(true);
    await admin.script('FLUSH');
    expect(await store.create('scripts', 'x', 60)).toBeNull();
    await admin.script('FLUSH');
    expect(await store.retire('scripts', updated.version, 60)).toEqual({ status: 'retired' });
  });

  test('a value of another type is missing for every act, with an event, and no fault', async () => {
    await admin.lpush('sojourn:list', 'a list');
    const acts: [() => Promise<unknown>, unknown][] = [
      [() => store.read('list'), null],
      [() => store.exists('list'), false],
      [() => store.create('list', 'x', 60), null],
      [() => store.update('list', 'x', 'version', 60), { status: 'gone' }],
      [() => store.touch('list', 60), false],
    ];
    for (const [act, answer] of acts) {
      expect(await eventNamesDuring(async () => expect(await act()).toEqual(answer))).toEqual(['corrupt']);
    }
    expect(await store.delete('list')).toBe(true);
  });

  test('a Redis that refuses writes is a fault, and reading goes on', async () => {
    await created(store, CANARY);
    await admin.config('SET', 'maxmemory', '1');
    expect((await failure(store.create('more', CANARY, 60))).message).toContain('Redis answered OOM');
    expect((await store.read(CANARY))?.payload).toBe('payload');
    await admin.config('SET', 'maxmemory', '0');
  });
});

describe.each(KINDS)('%s that never gets a connection:', (_, open) => {
  let url: string;
  beforeAll(async () => {
    url = `redis://127.0.0.1:${await freePort()}`;
  });

  test.each(ACTS)('%s is given up after its time, while the client queues', async (_name, act) => {
    const { client } = open(url);
    expect((await failure(act(new RedisStore(client, { timeout: 30 })))).message).toMatch(/within 30 ms/);
  });

  test.each(ACTS)('%s fails at once without an offline queue', async (_name, act) => {
    const { client } = open(url, { queue: false });
    await failure(act(new RedisStore(client, { timeout: 60_000 })));
  });
});
