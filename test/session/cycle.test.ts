import { MemoryStore, RedisStore, type Session, type Store } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { eventNamesDuring, eventsDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { storedData, storedSession } from '../helpers/sessions.js';

const stores: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(connect(), { prefix: ownPrefix() })],
];

describe.each(stores)('cycleKey, on %s,', (_, open) => {
  let store: Store;
  let session: Session;
  let oldKey: string;
  let openOld: () => Promise<Session>;
  const stored = (key = session.sessionKey) => storedData({ store }, key);

  beforeAll(() => {
    store = open();
  });
  afterAll(() => store.close());
  beforeEach(async () => {
    ({ sessionKey: oldKey, open: openOld } = await storedSession({ store }, { a: 1 }));
    session = await openOld();
  });

  test('gives a new key at once, and the same data; the old record is there until the save', async () => {
    session.cycleKey();
    expect(session.sessionKey).toMatch(/^[\w-]{43}$/);
    expect(session.sessionKey).not.toBe(oldKey);
    expect(session.get('a')).toBe(1);
    expect(await stored(oldKey)).toEqual({ a: 1 });
    expect(await stored()).toBeNull();
  });

  test('ends the old record with the save, and leaves a marker without data', async () => {
    session.set('user', 7).cycleKey();
    expect(await eventNamesDuring(() => session.save())).toEqual(['created', 'cycled']);
    expect(await stored()).toEqual({ a: 1, user: 7 });
    expect(await stored(oldKey)).toBeNull();
    expect(await session.exists(oldKey)).toBe(false);
    expect(await store.read(storeKeyOf(oldKey))).toMatchObject({ payload: '' });
  });

  test('twice before the save, ends one record and makes one', async () => {
    session.cycleKey();
    const between = session.sessionKey;
    session.cycleKey();
    await session.save();
    expect(await stored(between)).toBeNull();
    expect(await stored(oldKey)).toBeNull();
    expect(await stored()).toEqual({ a: 1 });
  });

  test('brings along what another request wrote to the old key meanwhile, under its own changes', async () => {
    const other = await openOld();
    session.set('a', 'mine').cycleKey();
    await other.set('a', 'theirs').set('b', 2).save();
    expect(await eventNamesDuring(() => session.save())).toEqual(['created', 'conflict', 'cycled']);
    expect(await stored()).toEqual({ a: 'mine', b: 2 });
    expect(session.get('b')).toBe(2);
    expect(await stored(oldKey)).toBeNull();
  });

  test('of a session that was logged out meanwhile is an UpdateError, and no record stays', async () => {
    const other = await openOld();
    session.set('user', 7).cycleKey();
    other.flush();
    await other.save();
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(await stored()).toBeNull();
    expect(await stored(oldKey)).toBeNull();
    // And again: it doesn't come back by trying.
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(await stored()).toBeNull();
  });

  test('of one key by two requests, a double-clicked login, gives two sessions', async () => {
    const other = await openOld();
    session.set('user', 'first').cycleKey();
    other.set('user', 'second').cycleKey();
    await session.save();
    expect(await eventNamesDuring(() => other.save())).toEqual(['created', 'cycled']);
    expect(session.sessionKey).not.toBe(other.sessionKey);
    expect(await stored()).toEqual({ a: 1, user: 'first' });
    expect(await stored(other.sessionKey)).toEqual({ a: 1, user: 'second' });
    expect(await stored(oldKey)).toBeNull();
  });

  test('interrupts a request that still holds the old key and writes', async () => {
    const late = await openOld();
    session.cycleKey();
    await session.save();
    await expect(late.set('b', 2).save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(await stored()).toEqual({ a: 1 });
  });

  test('makes the old key read as no session, which must not store anything of its own', async () => {
    session.cycleKey();
    await session.save();
    let late = session;
    const events = await eventsDuring(async () => {
      late = await openOld();
    });
    expect(events).toEqual([['loaded', expect.objectContaining({ found: false })]]);
    expect([late.sessionKey, late.size]).toEqual([null, 0]);
    await expect(late.set('b', 2).save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(late.sessionKey).toBeNull();
  });

  test('then flush: nothing is left of either key', async () => {
    session.cycleKey();
    const between = session.sessionKey;
    session.flush();
    await session.set('new', 1).save();
    expect(await stored(oldKey)).toBeNull();
    expect(await stored(between)).toBeNull();
    expect(await stored()).toEqual({ new: 1 });
  });
});
