import type { Redis } from 'ioredis';
import { RedisStore } from 'sojourn';
import { FaultyProxy } from '../faults/proxy.js';
import type { TestClock } from '../helpers/clock.js';
import { type CodeBlock, codeBlocksOf, runBlock } from '../helpers/code-blocks.js';
import { freePort } from '../helpers/programs.js';
import { commandsDuring, connect } from '../helpers/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { deferred } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { ACTS, failure, KINDS } from './clients.js';
import { dropped, heard, nextState, openNear, untilHeard } from './near.js';
import { created, nextKey } from './store-contract.js';

let server: RedisServer;
let admin: Redis;
let elsewhere: RedisStore;
let key: string;
beforeAll(async () => {
  server = await startRedis();
  admin = connect({}, server.url);
  elsewhere = new RedisStore(connect({}, server.url));
});
afterAll(() => server.stop());
beforeEach(() => {
  key = nextKey();
});

const getsDuring = async (act: () => Promise<unknown>) => (await commandsDuring(admin, act)).get ?? 0;
const killChannels = () => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
const channels = async () =>
  String(await admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
    .split('\n')
    .filter(Boolean).length;

/** A record of which the near cache has heard all there is to hear. */
async function known(payload = 'payload', ttl = 600): Promise<string> {
  const version = await created(elsewhere, key, payload, ttl);
  await untilHeard(elsewhere);
  return version;
}

describe.each(KINDS)('a near cache on %s:', (_, open) => {
  let store: RedisStore;
  let clock: TestClock;
  beforeEach(async () => {
    ({ store, clock } = await openNear(open(server.url).client, { nearCache: { maxAge: 60 } }));
  });
  afterEach(() => store.close());

  test('a hundred reads of a session cost one GET', async () => {
    const version = await known();
    const records = new Set<string>();
    const gets = await getsDuring(async () => {
      for (let turn = 0; turn < 100; turn += 1) records.add(JSON.stringify(await store.read(key)));
    });
    expect(gets).toBe(1);
    expect([...records]).toEqual([JSON.stringify({ version, payload: 'payload' })]);
  });

  test.each<[string, (version: string) => Promise<unknown>, unknown]>([
    ['a write', (version) => elsewhere.update(key, 'theirs', version, 600), expect.objectContaining({ payload: 'theirs' })],
    ['a logout', () => elsewhere.delete(key), null],
    ['a cycled key', (version) => elsewhere.retire(key, version, 60), expect.objectContaining({ payload: '' })],
    ['an eviction or an expiry', () => admin.pexpire(`sojourn:${key}`, 0), null],
  ])('%s in another process is seen as soon as Redis tells of it', async (_name, act, seen) => {
    const version = await known();
    await store.read(key);
    const told = dropped(key);
    await act(version);
    await told;
    expect(await store.read(key)).toEqual(seen);
  });

  test('a new time to live is seen as well', async () => {
    await known('payload', 5);
    await store.read(key);
    const told = dropped(key);
    await elsewhere.touch(key, 600);
    await told;
    clock.advance(30);
    expect(await store.read(key)).toMatchObject({ payload: 'payload' });
  });

  test('FLUSHALL empties it', async () => {
    await known();
    await store.read(key);
    await admin.flushall();
    await untilHeard(elsewhere);
    expect(await store.read(key)).toBeNull();
  });

  test('a record ends by its own deadline, of which Redis is asked', async () => {
    await known('payload', 5);
    await store.read(key);
    clock.advance(6);
    expect(await getsDuring(async () => expect(await store.read(key)).toBeNull())).toBe(1);
  });

  test('own writes are seen at once', async () => {
    const version = await created(store, key, 'first');
    expect(await store.read(key)).toMatchObject({ payload: 'first' });
    await store.update(key, 'second', version, 60);
    const second = await store.read(key);
    expect(second).toMatchObject({ payload: 'second' });
    await store.retire(key, second?.version as string, 60);
    expect(await store.read(key)).toMatchObject({ payload: '' });
    await store.delete(key);
    expect(await store.read(key)).toBeNull();
    await created(store, key, 'again');
    expect(await store.read(key)).toMatchObject({ payload: 'again' });
    await store.touch(key, 600);
    clock.advance(55);
    expect(await store.read(key)).toMatchObject({ payload: 'again' });
  });

  test('a write with what was kept is compared in Redis, and meets what another process wrote', async () => {
    const version = await known();
    const kept = await store.read(key);
    await elsewhere.update(key, 'theirs', version, 60);
    expect(await store.update(key, 'mine', kept?.version as string, 60)).toMatchObject({
      status: 'conflict',
      current: { payload: 'theirs' },
    });
  });

  test('however often its connection is lost, it has one', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const up = nextState(true);
      await killChannels();
      await up;
    }
    expect(await channels()).toBe(1);
  });

  test('close() ends the connection, and the store goes on without a cache', async () => {
    await known();
    await store.read(key);
    await store.close();
    while ((await channels()) > 0);
    expect(await getsDuring(() => store.read(key))).toBe(1);
    expect(await getsDuring(() => store.read(key))).toBe(1);
    expect(await store.delete(key)).toBe(true);
  });

  test('without a Redis it says nothing and tries again; the calls fail as they would', async () => {
    const warnings = recordWarnings();
    const port = await freePort();
    const down = nextState(false);
    const late = new RedisStore(open(`redis://127.0.0.1:${port}`).client, { nearCache: true, timeout: 30 });
    await down;
    for (const [, act] of ACTS) await failure(act(late));
    const up = nextState(true);
    const found = await startRedis([], port);
    await up;
    expect(warnings).toEqual([]);
    await late.close();
    await found.stop();
  });
});

describe.each(KINDS)('behind a network that fails, a near cache on %s:', (_, open) => {
  let proxy: FaultyProxy;
  let store: RedisStore;
  let clock: TestClock;
  beforeEach(async () => {
    proxy = await FaultyProxy.start(server.port);
    const { client } = open(`redis://127.0.0.1:${proxy.port}`);
    ({ store, clock } = await openNear(client, { nearCache: { maxAge: { seconds: 2 } } }));
  });
  afterEach(async () => {
    await store.close();
    await proxy.stop();
  });

  test('nothing is served while the connection for the news is down, and it comes back by itself', async () => {
    await known();
    await store.read(key);
    proxy.hangNew = true;
    const down = nextState(false);
    await killChannels();
    expect((await down).reason).toMatch(/^(the connection was lost|the Redis client gave \w+)$/);
    await elsewhere.delete(key);
    expect(await store.read(key)).toBeNull();
    await created(elsewhere, key);
    const twice = async () => {
      await store.read(key);
      await store.read(key);
    };
    expect(await getsDuring(twice)).toBe(2);
    const up = nextState(true);
    proxy.heal();
    await up;
    expect(await getsDuring(twice)).toBe(1);
  });

  test('with a connection for the news that went silent an answer is old by at most maxAge; then that is noticed', async () => {
    await known();
    await store.read(key);
    proxy.swallowMessages = true;
    await elsewhere.delete(key);
    clock.advance(1.999);
    expect(await store.read(key)).toMatchObject({ payload: 'payload' });
    clock.advance(0.001);
    expect(await store.read(key)).toBeNull();
    proxy.hangNew = true;
    expect((await nextState(false)).reason).toBe('there was no answer within 1000 ms');
  });
});

describe('of reads that are under way', () => {
  /** A store whose GETs have their reply, and hold it back. */
  async function held(timeout = 1000) {
    const client = connect({}, server.url);
    const { store } = await openNear(client, { timeout });
    const get = client.get.bind(client);
    const replied = deferred();
    const gate = deferred();
    client.get = (async (name: string) => {
      const value = await get(name);
      replied.resolve();
      await gate.promise;
      return value;
    }) as typeof client.get;
    return { store, replied: replied.promise, release: () => gate.resolve() };
  }

  test('one whose key was changed meanwhile is answered, but not kept', async () => {
    const { store, replied, release } = await held();
    await created(elsewhere, key, 'before');
    await untilHeard(elsewhere);
    const reading = store.read(key);
    await replied;
    await heard(elsewhere).delete(key);
    release();
    expect(await reading).toMatchObject({ payload: 'before' });
    expect(await store.read(key)).toBeNull();
    await store.close();
  });

  test('one that was given up keeps nobody from keeping the next', async () => {
    const { store, replied, release } = await held(30);
    await created(elsewhere, key, 'payload');
    await untilHeard(elsewhere);
    const reading = failure(store.read(key));
    await replied;
    await reading;
    release();
    expect(
      await getsDuring(async () => {
        await store.read(key);
        await store.read(key);
      }),
    ).toBe(1);
    await store.close();
  });
});

test('the example of docs/redis.md hears of changes', async () => {
  const example = codeBlocksOf('docs/redis.md').find(({ name }) => name === 'Near cache') as CodeBlock;
  function Redis() {
    return connect({}, server.url);
  }
  const up = nextState(true);
  const { store } = runBlock(example, () => ({ Redis, RedisStore })) as { store: RedisStore };
  await up;
  await store.close();
});
