import { RedisStore, type Session, Session as SessionClass } from 'sojourn';
import { TestClock } from '../helpers/clock.js';
import { eventNamesDuring, eventsDuring } from '../helpers/events.js';
import { commandsDuring, connect } from '../helpers/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { created, nextKey } from './store-contract.js';

const PREFIX = 'sojourn:';

let server: RedisServer;
let client: ReturnType<typeof connect>;
let clock: TestClock;
let store: RedisStore;
let key: string;

beforeAll(async () => {
  // A server of its own: it is flushed, counted and watched.
  server = await startRedis();
  client = connect({}, server.url);
});
afterAll(() => server.stop());
beforeEach(() => {
  clock = new TestClock(Date.now());
  store = new RedisStore(client, { clock: clock.read });
  key = nextKey();
});

test('a session is one string under the prefix and its store key, and nothing else', async () => {
  await client.flushall();
  const version = await created(store, key, '{"a":1}');
  expect(await client.keys('*')).toEqual([`sojourn:${key}`]);
  expect(await client.get(`sojourn:${key}`)).toMatch(new RegExp(`^[0-9a-z]{7}${version}\\{"a":1\\}$`));
  await new RedisStore(client, { prefix: 'other:' }).create(key, 'x', 60);
  expect((await client.keys('*')).sort()).toEqual([`other:${key}`, `sojourn:${key}`]);
});

test('a clock that fails is an error of the call it is asked in, and hangs nothing', async () => {
  let broken = false;
  const fault = new Error('no time');
  const read = (): number => {
    if (broken) throw fault;
    return clock.now;
  };
  const other = new RedisStore(client, { clock: read });
  await created(other, key);
  broken = true;
  await expect(other.read(key)).rejects.toBe(fault);
  broken = false;
  expect(await other.read(key)).not.toBeNull();
});

describe('the deadline of a record', () => {
  test('ends it, and exists, even where Redis was told to keep it', async () => {
    await created(store, key, 'payload', 60);
    await client.persist(PREFIX + key);
    clock.advance(59);
    expect(await store.read(key)).not.toBeNull();
    expect(await store.exists(key)).toBe(true);
    clock.advance(2);
    expect(await store.read(key)).toBeNull();
    expect(await store.exists(key)).toBe(false);
  });

  test('moves with an update and a touch', async () => {
    const version = await created(store, key, 'payload', 60);
    await client.persist(PREFIX + key);
    clock.advance(50);
    await store.touch(key, 60);
    clock.advance(50);
    expect(await store.read(key)).not.toBeNull();
    await store.update(key, 'new', version, 100);
    await client.persist(PREFIX + key);
    clock.advance(90);
    expect(await store.read(key)).not.toBeNull();
    clock.advance(11);
    expect(await store.read(key)).toBeNull();
  });

  test('makes a conflict with a record that is over a missing record', async () => {
    await created(store, key, 'payload', 60);
    await client.persist(PREFIX + key);
    clock.advance(61);
    expect(await store.update(key, 'x', 'version', 60)).toEqual({ status: 'gone' });
  });

  test('may lie in the year 9999: a session with such an expiry is kept like any other', async () => {
    const session: Session = new SessionClass({ store });
    session.set('name', 'Ada').setExpiry(new Date('9999-12-31'));
    await session.save();
    const same: Session = await new SessionClass({ store, sessionKey: session.sessionKey as string }).load();
    expect(same.get('name')).toBe('Ada');
    same.set('name', 'Eve');
    await same.save();
  });
});

describe('a script that the client sends again after a reconnect', () => {
  /** The same call twice: what ioredis does when the connection broke after the command and before the reply. */
  function sendingTwice(): RedisStore {
    const evalsha = async (...args: Parameters<typeof client.evalsha>) => {
      await client.evalsha(...args);
      return client.evalsha(...args);
    };
    return new RedisStore(Object.assign(Object.create(client) as typeof client, { evalsha }));
  }

  test('sees its own version and knows that it has won', async () => {
    await created(store, nextKey());
    const twice = sendingTwice();
    const made = await created(twice, key, 'first');
    expect(await store.read(key)).toEqual({ payload: 'first', version: made });
    const updated = await twice.update(key, 'second', made, 60);
    expect(updated).toEqual({ status: 'updated', version: expect.any(String) });
    expect(await twice.retire(key, (updated as { version: string }).version, 60)).toEqual({ status: 'retired' });
    expect((await store.read(key))?.payload).toBe('');
  });
});

describe('a value that no Sojourn wrote', () => {
  test.each(['{bad', '', 'short', '{"json":"long enough to have a head"}', '0000000 version payload'])(
    'reads as missing, with an event: %j',
    async (value) => {
      await client.set(PREFIX + key, value);
      expect(await eventNamesDuring(async () => expect(await store.read(key)).toBeNull())).toEqual(['corrupt']);
      expect(await store.exists(key)).toBe(false);
      expect(await store.update(key, 'x', 'version', 60)).toEqual({ status: 'gone' });
      await client.set(PREFIX + key, value);
      expect(await store.create(key, 'x', 60)).toBeNull();
      expect(await client.get(PREFIX + key)).toBe(value);
    },
  );

  test('or of another type, is missing for every act, with an event, and no fault', async () => {
    await client.lpush(PREFIX + key, 'a list');
    const acts: [string, () => Promise<unknown>, unknown][] = [
      ['read', () => store.read(key), null],
      ['exists', () => store.exists(key), false],
      ['create', () => store.create(key, 'x', 60), null],
      ['update', () => store.update(key, 'x', 'version', 60), { status: 'gone' }],
      ['retire', () => store.retire(key, 'version', 60), { status: 'gone' }],
      ['touch', () => store.touch(key, 60), false],
    ];
    for (const [name, act, answer] of acts) {
      const events = await eventsDuring(async () => expect([name, await act()]).toEqual([name, answer]));
      expect(events).toEqual([['corrupt', { session: expect.stringMatching(/^[\w-]{12}$/) }]]);
    }
    expect(await client.type(PREFIX + key)).toBe('list');
    expect(await store.delete(key)).toBe(true);
  });

  test('becomes a session under another key when a new one meets it', async () => {
    const session: Session = new SessionClass({ store });
    session.set('a', 1).cycleKey();
    const before = session.sessionKey;
    // Nobody can know the store key of a key that is not there yet; this test asks for it.
    const { storeKeyOf } = await import('../../src/session-key.js');
    await client.lpush(PREFIX + storeKeyOf(before as string), 'prepared');
    await session.save();
    expect(session.sessionKey).not.toBe(before);
    expect(await session.exists(session.sessionKey as string)).toBe(true);
  });
});

describe('one command', () => {
  test.each<[string, (version: string) => Promise<unknown>, Record<string, number>]>([
    ['reads', () => store.read(key), { get: 1 }],
    ['tells whether there is a record', () => store.exists(key), { getrange: 1 }],
    ['deletes', () => store.delete(key), { del: 1 }],
    ['updates: one script that compares and sets', (version) => store.update(key, 'x', version, 60), { evalsha: 1, getrange: 1, set: 1 }],
    ['retires', (version) => store.retire(key, version, 60), { evalsha: 1, getrange: 1, set: 1 }],
    ['touches', () => store.touch(key, 60), { evalsha: 1, strlen: 1, getrange: 1, setrange: 1, expire: 1 }],
    ['creates', () => store.create(nextKey(), 'x', 60), { evalsha: 1, set: 1 }],
  ])('%s', async (_, act, commands) => {
    const version = await created(store, key);
    await store.touch(key, 60);
    await store.update(key, 'x', 'wrong', 60);
    expect(await commandsDuring(client, () => act(version))).toEqual(commands);
  });
});

test('a session of 300 bytes takes up at most 450 bytes of Redis', async () => {
  await created(store, 'V1StGXR8_Z5jdHi6B-myT78q2k3nVx0cQwLrJtYh9aU', 'x'.repeat(300));
  expect(await client.memory('USAGE', 'sojourn:V1StGXR8_Z5jdHi6B-myT78q2k3nVx0cQwLrJtYh9aU')).toBeLessThanOrEqual(450);
});

test('clearExpired has nothing to do, and close leaves the application its client', async () => {
  expect(await store.clearExpired()).toBe(0);
  await store.close();
  expect(await client.ping()).toBe('PONG');
});
