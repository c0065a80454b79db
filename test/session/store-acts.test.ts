import { MemoryStore, RedisStore, type Session, Session as SessionClass, type Store, StoreUnavailableError } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { eventNamesDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { openSession, storedData, storedSession } from '../helpers/sessions.js';
import { WatchedStore } from '../helpers/stores.js';

const stores: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(connect(), { prefix: ownPrefix() })],
];

describe.each(stores)('a session without Express, on %s:', (_, open) => {
  let store: Store;
  let session: Session;
  const stored = (key = session.sessionKey) => storedData({ store }, key);

  beforeAll(() => {
    store = open();
  });
  afterAll(() => store.close());
  beforeEach(() => {
    session = new SessionClass({ store });
  });

  test('create stores an empty record under a new key before it resolves', async () => {
    await session.create();
    expect(session.sessionKey).toMatch(/^[\w-]{43}$/);
    expect(await session.exists(session.sessionKey as string)).toBe(true);
    expect(await stored()).toEqual({});
  });

  test('create gives a new key, keeps the data, and leaves the old record alone', async () => {
    await session.set('a', 1).save();
    const old = session.sessionKey;
    await session.set('b', 2).create();
    expect(session.sessionKey).not.toBe(old);
    expect(await stored()).toEqual({ a: 1, b: 2 });
    expect(await stored(old)).toEqual({ a: 1 });
  });

  test('save without a key creates; then it updates the same record', async () => {
    await session.set('a', 1).save();
    const key = session.sessionKey;
    await session.set('b', 2).save();
    expect(session.sessionKey).toBe(key);
    expect(await stored()).toEqual({ a: 1, b: 2 });
  });

  test('save of an empty session stores an empty record, as Django does', async () => {
    await session.save();
    expect(session.modified).toBe(true);
    expect(await stored()).toEqual({});
  });

  test('save({ mustCreate: true }) creates, and is a CreateError where there is a record', async () => {
    await session.set('a', 1).save({ mustCreate: true });
    expect(await stored()).toEqual({ a: 1 });
    await expect(session.set('b', 2).save({ mustCreate: true })).rejects.toMatchObject({ code: 'ERR_SESSION_CREATE', status: 500 });
    expect(await stored()).toEqual({ a: 1 });
    await session.save();
    expect(await stored()).toEqual({ a: 1, b: 2 });
  });

  test('load of an unknown key never adopts it', async () => {
    const unknown = 'k'.repeat(43);
    session = await openSession({ store }, unknown);
    expect([session.sessionKey, session.isEmpty()]).toEqual([null, true]);
    await session.set('a', 1).save();
    expect(session.sessionKey).not.toBe(unknown);
    expect(await session.exists(unknown)).toBe(false);
  });

  test.each([[''], ['short'], ['x'.repeat(44)], [`${'x'.repeat(42)}*`], [`${'x'.repeat(42)}\n`], [42 as unknown as string]])(
    'a key of another shape than ours is none: %p',
    async (odd) => {
      const watched = new WatchedStore();
      session = await openSession({ store: watched }, odd);
      expect([session.sessionKey, session.size]).toEqual([null, 0]);
      expect(await session.exists(odd)).toBe(false);
      expect(await session.destroy(odd)).toBe(false);
      expect(watched.calls).toEqual([]);
    },
  );

  test('destroy deletes the record and leaves the data here; a save is then an UpdateError', async () => {
    await session.set('a', 1).save();
    const key = session.sessionKey as string;
    expect(await session.destroy()).toBe(true);
    expect(await session.exists(key)).toBe(false);
    expect([session.get('a'), session.sessionKey]).toEqual([1, key]);
    expect(await session.destroy()).toBe(false);
    await expect(session.set('a', 2).save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
  });

  test('destroy of another session leaves this one alone', async () => {
    const { sessionKey: other } = await storedSession({ store });
    await session.set('a', 1).save();
    expect(await session.destroy(other)).toBe(true);
    expect(await session.exists(other)).toBe(false);
    expect(await stored()).toEqual({ a: 1 });
  });

  test('flush deletes the record with the next save, and what is set after it begins a new session', async () => {
    await session.set('a', 1).save();
    const old = session.sessionKey;
    session.flush();
    expect(await stored(old)).toEqual({ a: 1 });
    expect(await eventNamesDuring(() => session.set('b', 2).save())).toEqual(['flushed', 'created']);
    expect(await stored(old)).toBeNull();
    expect(await stored()).toEqual({ b: 2 });
  });

  test('encode gives what the store has, and decode takes it back', async () => {
    await session.set('a', [1, { b: null }]).save();
    const record = await store.read(storeKeyOf(session.sessionKey as string));
    expect(session.encode({ a: [1, { b: null }] })).toBe(record?.payload);
    expect(session.decode(record?.payload as string)).toEqual({ a: [1, { b: null }] });
  });

  test('a value that JSON would change is an error before any store call, and can be put right', async () => {
    session.set('when', new Date(0));
    await expect(session.save()).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_SESSION_VALUE', status: 500 });
    expect(await session.exists(session.sessionKey as string)).toBe(false);
    await session.set('when', 0).save();
    expect(await stored()).toEqual({ when: 0 });
  });
});

describe('a key that is taken', () => {
  test.each([1, 2])('%d times is replaced by another one, and the record there is left alone', async (times) => {
    const store = new WatchedStore();
    const { sessionKey: innocent } = await storedSession({ store }, { mine: true });
    const session: Session = new SessionClass({ store });
    session.set('a', 1).cycleKey();
    const tried: string[] = [];
    const create = store.create.bind(store);
    store.create = async (key, ...args) => {
      tried.push(key);
      return tried.length <= times ? create(storeKeyOf(innocent), ...args) : create(key, ...args);
    };
    await session.save();
    expect(new Set(tried).size).toBe(times + 1);
    expect(storeKeyOf(session.sessionKey as string)).toBe(tried.at(-1));
    store.create = create;
    expect(await storedData({ store }, session.sessionKey)).toEqual({ a: 1 });
    expect(await storedData({ store }, innocent)).toEqual({ mine: true });
  });

  test('three times is a CreateError, and the changes are still to be saved', async () => {
    const store = new WatchedStore();
    const session: Session = new SessionClass({ store });
    const create = store.create.bind(store);
    let calls = 0;
    store.create = async () => {
      calls += 1;
      return null;
    };
    await expect(session.set('a', 1).save()).rejects.toMatchObject({ code: 'ERR_SESSION_CREATE' });
    expect(calls).toBe(3);
    store.create = create;
    await session.save();
    expect(await storedData({ store }, session.sessionKey)).toEqual({ a: 1 });
  });
});

describe('create that fails', () => {
  let store: WatchedStore;
  let session: Session;
  let key: string;
  beforeEach(async () => {
    store = new WatchedStore();
    ({ sessionKey: key } = await storedSession({ store }, { a: 1 }));
    session = await openSession({ store }, key);
  });

  test('leaves the session where it was', async () => {
    store.before('create', () => Promise.reject(new Error('down')));
    await expect(session.create()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 });
    expect(session.sessionKey).toBe(key);
    await session.set('b', 2).save();
    expect(await storedData({ store }, key)).toEqual({ a: 1, b: 2 });
  });

  test('and a flush meanwhile logs the old session out', async () => {
    store.before('create', () => Promise.reject(new Error('down')));
    const creating = session.create();
    session.flush();
    await expect(creating).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect([session.sessionKey, session.isEmpty()]).toEqual([null, true]);
    store.clearFaults();
    await session.save();
    expect(await storedData({ store }, key)).toBeNull();
  });

  test('and a cycle meanwhile ends the old key', async () => {
    store.before('create', () => Promise.reject(new Error('down')));
    const creating = session.create();
    session.cycleKey();
    await expect(creating).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    store.clearFaults();
    await session.save();
    expect(await storedData({ store }, key)).toBeNull();
    expect(await storedData({ store }, session.sessionKey)).toEqual({ a: 1 });
  });

  test('for a session that had no key leaves it without one', async () => {
    session = new SessionClass({ store });
    store.before('create', () => Promise.reject(new Error('down')));
    const creating = session.create();
    session.flush();
    await expect(creating).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(session.sessionKey).toBeNull();
    await expect(session.create()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(session.sessionKey).toBeNull();
  });
});

test.each<[string, (session: Session) => Promise<unknown>]>([
  ['read', (session) => session.load()],
  ['exists', (session) => session.exists('k'.repeat(43))],
  ['delete', (session) => session.destroy('k'.repeat(43))],
])('a fault of the store in %s is a 503 with the fault as its cause', async (method, act) => {
  const fault = new Error('down');
  const store = new WatchedStore().before(method as 'read', () => Promise.reject(fault));
  const session: Session = new SessionClass({ store, sessionKey: 'k'.repeat(43) });
  await expect(act(session)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503, cause: fault });
});

test('a fault that has a status already is passed on as it is', async () => {
  const fault = new StoreUnavailableError('the node is a replica');
  const store = new WatchedStore().before('exists', () => Promise.reject(fault));
  const session: Session = new SessionClass({ store });
  await expect(session.exists('k'.repeat(43))).rejects.toBe(fault);
});

test('a store without promises is as good, whatever its type says', async () => {
  const records = new Map<string, { payload: string; version: string }>();
  const plain = {
    read: (key: string) => records.get(key) ?? null,
    create: (key: string, payload: string) => records.set(key, { payload, version: 'first' }) && 'first',
    delete: (key: string) => records.delete(key),
    exists: (key: string) => records.has(key),
  };
  const store = Object.assign(new MemoryStore(), plain) as unknown as Store;
  const { sessionKey } = await storedSession({ store }, { a: 1 });
  const session = await openSession({ store }, sessionKey);
  expect([session.get('a'), await session.exists(sessionKey)]).toEqual([1, true]);
  session.flush();
  await session.save();
  expect(await session.exists(sessionKey)).toBe(false);
});

test('a failed flush is still to be done', async () => {
  const store = new WatchedStore();
  const { sessionKey } = await storedSession({ store });
  const session = await openSession({ store }, sessionKey);
  store.before('delete', () => Promise.reject(new Error('down')));
  session.flush();
  await expect(session.save()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  store.clearFaults();
  await session.save();
  expect(await session.exists(sessionKey)).toBe(false);
});
