import { MemoryStore, RedisStore, type Session, Session as SessionClass, type Store, signed } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { eventNamesDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { openSession, storedData, storedSession } from '../helpers/sessions.js';
import { WatchedStore } from '../helpers/stores.js';

describe.each<[string, () => Store]>([
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(connect(), { prefix: ownPrefix() })],
])('a corrupt record, on %s,', (_, open) => {
  test.each(['{bad', 'null', '"text"', '1', 'true', '[1]', '[["a"]]', '[[1,2]]', '[["a",1,2]]', `{"a":"canary-${'x'.repeat(70_000)}"}`])(
    'is no session, says so once, and the next write begins a new one: %.20s',
    async (payload) => {
      const store = open();
      const key = 'c'.repeat(43);
      await store.delete(storeKeyOf(key));
      await store.create(storeKeyOf(key), payload, 60);
      const session = await openSession({ store }, key);
      expect(await eventNamesDuring(() => [session.get('a'), session.get('b')])).toEqual(['corrupt']);
      expect([session.sessionKey, session.size]).toEqual([null, 0]);
      await session.set('a', 1).save();
      expect(session.sessionKey).not.toBe(key);
      expect(await storedData({ store }, session.sessionKey)).toEqual({ a: 1 });
      await store.close();
    },
  );

  test('that was copied from another session is one: signed records are bound to their key', async () => {
    const store = open();
    const options = { store, codec: signed('a secret of the tests, long enough for all') };
    const { sessionKey } = await storedSession(options, { admin: true });
    const { payload } = (await store.read(storeKeyOf(sessionKey))) as { payload: string };
    const other = 'd'.repeat(43);
    await store.delete(storeKeyOf(other));
    await store.create(storeKeyOf(other), payload, 60);
    const session = await openSession(options, other);
    expect(session.get('admin')).toBeUndefined();
    await store.close();
  });
});

test('a codec that writes nothing is refused: an empty text is the mark of a retired session', async () => {
  const codec = { encode: () => '', decode: () => new Map<string, unknown>() };
  const session: Session = new SessionClass({ store: new WatchedStore(), codec });
  await expect(session.set('a', 1).save()).rejects.toThrow(/at least one character/);
});

test('a value that became unfit inside of an object is refused, even where its JSON text is the same', async () => {
  const session: Session = new SessionClass({ store: new WatchedStore() });
  await session.set('box', { value: null }).save();
  (session.get('box') as { value: unknown }).value = Number.NaN;
  await expect(session.set('other', 1).save()).rejects.toMatchObject({ code: 'ERR_SESSION_VALUE' });
});

describe('maxBytes', () => {
  test('is the most bytes of an encoded session; more is an error before any store call', async () => {
    const store = new WatchedStore();
    const session: Session = new SessionClass({ store, maxBytes: 100 });
    await session.set('a', 'x'.repeat(100 - '{"a":""}'.length)).save();
    const calls = store.calls.length;
    session.set('a', 'x'.repeat(101 - '{"a":""}'.length));
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_SESSION_TOO_LARGE', status: 500 });
    expect(store.calls).toHaveLength(calls);
    session.set('a', '€'.repeat(31));
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_SESSION_TOO_LARGE' });
    await session.set('a', '€'.repeat(30)).save();
  });

  test('is 64 KiB unless told', async () => {
    const session: Session = new SessionClass({ store: new MemoryStore() });
    await session.set('a', 'x'.repeat(65_536 - '{"a":""}'.length)).save();
    session.set('a', 'x'.repeat(65_537 - '{"a":""}'.length));
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_SESSION_TOO_LARGE' });
  });
});
