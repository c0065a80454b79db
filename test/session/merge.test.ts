import { MemoryStore, RedisStore, type Session, type Store } from 'sojourn';
import { eventNamesDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { storedData, storedSession } from '../helpers/sessions.js';
import { WatchedStore } from '../helpers/stores.js';

const stores: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(connect(), { prefix: ownPrefix() })],
];

describe.each(stores)('two parallel requests of one session, on %s:', (_, open) => {
  let store: Store;
  beforeAll(() => {
    store = open();
  });
  afterAll(() => store.close());

  type Change = (session: Session) => unknown;
  test.each<[string, Change, Change, Record<string, unknown>]>([
    ['different keys: both win', (s) => s.set('x', 1), (s) => s.set('y', 2), { a: 1, b: [1], x: 1, y: 2 }],
    ['the same key: the last one wins', (s) => s.set('a', 'first'), (s) => s.set('a', 'last'), { a: 'last', b: [1] }],
    ['the same list, changed in place: the last one wins', (s) => push(s, 2), (s) => push(s, 3), { a: 1, b: [1, 3] }],
    ['set, then delete', (s) => s.set('a', 2), (s) => s.delete('a'), { b: [1] }],
    ['delete, then set', (s) => s.delete('a'), (s) => s.set('a', 2), { a: 2, b: [1] }],
    ['both delete', (s) => s.delete('a'), (s) => s.delete('a'), { b: [1] }],
    ['pop and another key', (s) => s.pop('a'), (s) => s.set('x', 1), { b: [1], x: 1 }],
    ['set, then clear: clear is absolute', (s) => s.set('x', 1), (s) => s.clear(), {}],
    ['clear, then set: the set is laid over nothing', (s) => s.clear(), (s) => s.set('x', 1), { x: 1 }],
    ['set, then clear and set', (s) => s.set('x', 1), (s) => [s.clear(), s.set('y', 2)], { y: 2 }],
    [
      'a value, and modified by hand, which lays nothing over',
      (s) => s.set('a', 2),
      (s) => Object.assign(s, { modified: true }),
      { a: 2, b: [1] },
    ],
    [
      'a key like __proto__',
      (s) => s.set('__proto__', 1),
      (s) => s.set('constructor', 2),
      { a: 1, b: [1], ['__proto__']: 1, constructor: 2 },
    ],
    ['an expiry and a value', (s) => s.setExpiry(60), (s) => s.set('x', 1), { a: 1, b: [1], _session_expiry: 60, x: 1 }],
  ])('%s', async (__, firstChange, lastChange, expected) => {
    const { open: openAgain, sessionKey } = await storedSession({ store }, { a: 1, b: [1] });
    const [first, last] = [await openAgain(), await openAgain()];
    firstChange(first);
    lastChange(last);
    await first.save();
    expect(await eventNamesDuring(() => last.save())).toEqual(['conflict', 'saved']);
    expect(await storedData({ store }, sessionKey)).toEqual(expected);
    // Each sees afterwards what is stored.
    expect(Object.fromEntries(last)).toEqual(expected);
  });

  test('twenty of them, all at once: each one is there', async () => {
    const { open: openAgain, sessionKey } = await storedSession({ store });
    const sessions = await Promise.all(Array.from({ length: 20 }, openAgain));
    await Promise.all(sessions.map((session, index) => session.set(`key${index}`, index).save()));
    const data = await storedData({ store }, sessionKey);
    expect(Object.keys(data ?? {})).toHaveLength(20);
  });

  test.each<[string, Change]>([
    ['set', (s) => s.set('x', 1)],
    ['a change in place', (s) => push(s, 2)],
    ['modified by hand', (s) => Object.assign(s, { modified: true })],
    ['clear', (s) => s.clear()],
  ])('a session that one deleted stays deleted: %s', async (__, change) => {
    const { open: openAgain, sessionKey } = await storedSession({ store }, { a: 1, b: [1] });
    const [logout, late] = [await openAgain(), await openAgain()];
    change(late);
    logout.flush();
    await logout.save();
    const events = await eventNamesDuring(() => expect(late.save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE', status: 400 }));
    expect(events).toEqual(['interrupted']);
    expect(await storedData({ store }, sessionKey)).toBeNull();
    // Once more: it is as dead as before.
    await expect(late.save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
  });

  test('a write to a key that another request cycled meanwhile is interrupted, and nothing else', async () => {
    const { open: openAgain } = await storedSession({ store }, { a: 1 });
    const [login, late] = [await openAgain(), await openAgain()];
    login.cycleKey();
    await login.save();
    late.set('x', 1);
    const events = await eventNamesDuring(() => expect(late.save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' }));
    expect(events).toEqual(['interrupted']);
    expect(await storedData({ store }, login.sessionKey)).toEqual({ a: 1 });
  });

  function push(session: Session, value: number): void {
    (session.get('b') as number[]).push(value);
  }
});

test("a record that this process can't read is not written over: it may be another's, with a newer key", async () => {
  const store = new MemoryStore();
  const { open, sessionKey } = await storedSession({ store }, { a: 1 });
  const session = await open();
  const { storeKeyOf } = await import('../../src/session-key.js');
  const { version } = (await store.read(storeKeyOf(sessionKey))) as { version: string };
  await store.update(storeKeyOf(sessionKey), '{bad', version, 60);
  const saving = async () => {
    await expect(session.set('b', 2).save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
  };
  expect(await eventNamesDuring(saving)).toEqual(['conflict', 'corrupt', 'interrupted']);
  expect((await store.read(storeKeyOf(sessionKey)))?.payload).toBe('{bad');
});

test('conflicts on end are a fault after the time of one store call, by the clock', async () => {
  let now = 1_700_000_000_000;
  const clock = () => now;
  const store = new WatchedStore({ clock });
  const { open } = await storedSession({ store, clock });
  const session = await open();
  let round = 0;
  const beFaster = async () => {
    store.clearFaults();
    round += 1;
    now += 100;
    await (await open()).set('round', round).save();
    store.before('update', beFaster);
  };
  store.before('update', beFaster);
  await expect(session.set('a', 1).save()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  expect(round).toBeGreaterThan(5);
  expect(round).toBeLessThan(20);
});
