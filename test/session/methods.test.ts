import { MemoryStore, Session } from 'sojourn';
import { openSession, storedSession } from '../helpers/sessions.js';
import { WatchedStore } from '../helpers/stores.js';

const UNTOUCHED = { accessed: false, modified: false };
const READ = { accessed: true, modified: false };
const CHANGED = { accessed: true, modified: true };

let store: MemoryStore;
let session: Session;
beforeEach(async () => {
  store = new MemoryStore();
  session = await (await storedSession({ store }, { a: 1, list: [1], none: null })).open();
});
afterEach(() => store.close());

const flags = () => ({ accessed: session.accessed, modified: session.modified });

describe('each method gives what Django gives, and sets its flags:', () => {
  test.each<[string, () => unknown, unknown, typeof READ]>([
    ['get of a value', () => session.get('a'), 1, READ],
    ['get of null', () => session.get('none', 'default'), null, READ],
    ['get of a missing key', () => session.get('b'), undefined, READ],
    ['get of a missing key with a default', () => session.get('b', 2), 2, READ],
    ['has', () => [session.has('a'), session.has('none'), session.has('b')], [true, true, false], READ],
    ['keys', () => [...session.keys()], ['a', 'list', 'none'], READ],
    ['keys, never asked for', () => void session.keys(), undefined, READ],
    ['values', () => [...session.values()], [1, [1], null], READ],
    ['values, never asked for', () => void session.values(), undefined, READ],
    [
      'entries',
      () => [...session.entries()],
      [
        ['a', 1],
        ['list', [1]],
        ['none', null],
      ],
      READ,
    ],
    ['entries, never asked for', () => void session.entries(), undefined, READ],
    ['iteration', () => new Map(session).get('a'), 1, READ],
    ['size', () => session.size, 3, READ],
    ['isEmpty', () => session.isEmpty(), false, UNTOUCHED],
    ['sessionKey', () => session.sessionKey?.length, 43, UNTOUCHED],
    ['serializer', () => typeof session.serializer.encode, 'function', UNTOUCHED],
    ['keySalt', () => session.keySalt, 'sojourn.session', UNTOUCHED],
    ['set', () => session.set('a', 2) === session && session.get('a'), 2, CHANGED],
    ['set of the same value', () => session.set('a', 1).get('a'), 1, CHANGED],
    ['delete', () => [session.delete('a'), session.has('a')], [true, false], CHANGED],
    ['delete of a missing key', () => session.delete('b'), false, READ],
    ['pop', () => [session.pop('a'), session.has('a')], [1, false], CHANGED],
    ['pop of null', () => session.pop('none', 'default'), null, CHANGED],
    ['pop of a missing key', () => session.pop('b'), undefined, READ],
    ['pop of a missing key with a default', () => session.pop('b', 2), 2, READ],
    ['setDefault of a missing key', () => [session.setDefault('b', 2), session.get('b')], [2, 2], CHANGED],
    ['setDefault of a key that is there', () => session.setDefault('a', 2), 1, READ],
    ['setDefault of null', () => session.setDefault('none', 2), null, READ],
    ['update', () => session.update({ a: 2, b: 3 }) === session && [session.get('a'), session.get('b')], [2, 3], CHANGED],
    ['update with nothing', () => session.update({}).size, 3, CHANGED],
    ['clear', () => [session.clear(), session.size, session.isEmpty()], [undefined, 0, false], CHANGED],
    ['flush', () => [session.flush(), session.sessionKey, session.isEmpty()], [undefined, null, true], CHANGED],
    ['cycleKey', () => [session.cycleKey(), session.get('a')], [undefined, 1], CHANGED],
    ['load', async () => (await session.load()) === session, true, UNTOUCHED],
    ['save', () => session.save(), undefined, READ],
    ['create', () => session.create(), undefined, CHANGED],
    ['exists', () => session.exists(session.sessionKey as string), true, UNTOUCHED],
    ['exists of an unknown key', () => session.exists('x'.repeat(43)), false, UNTOUCHED],
    ['exists of what is no key', () => session.exists('x'), false, UNTOUCHED],
    ['destroy', () => session.destroy(), true, UNTOUCHED],
    ['destroy of null', () => session.destroy(null), true, UNTOUCHED],
    ['destroy of an unknown key', () => session.destroy('x'.repeat(43)), false, UNTOUCHED],
    ['destroy of what is no key', () => session.destroy('x'), false, UNTOUCHED],
    ['encode', () => session.encode({ a: [1] }), '{"a":[1]}', UNTOUCHED],
    ['decode', () => session.decode('{"a":[1]}'), { a: [1] }, UNTOUCHED],
    ['decode of what is corrupt', () => session.decode('{bad'), {}, UNTOUCHED],
    ['setExpiry', () => session.setExpiry(60), undefined, CHANGED],
    ['setExpiry(null) without one', () => session.setExpiry(null), undefined, READ],
    ['getExpiryAge', () => session.getExpiryAge(), 14 * 86_400, READ],
    ['getExpiryAge of another expiry', () => session.getExpiryAge({ expiry: 60 }), 60, UNTOUCHED],
    ['getExpiryDate', () => session.getExpiryDate() instanceof Date, true, READ],
    ['getExpireAtBrowserClose', () => session.getExpireAtBrowserClose(), false, READ],
    ['getSessionCookieAge', () => session.getSessionCookieAge(), 14 * 86_400, UNTOUCHED],
    ['setTestCookie', () => [session.setTestCookie(), session.get('testcookie')], [undefined, 'worked'], CHANGED],
    ['testCookieWorked', () => session.testCookieWorked(), false, READ],
    ['deleteTestCookie without one', () => session.deleteTestCookie(), false, READ],
    ['clearExpired', () => Session.clearExpired(store), 0, UNTOUCHED],
  ])('%s', async (_, act, answer, expected) => {
    expect(flags()).toEqual(UNTOUCHED);
    expect(await act()).toEqual(answer);
    expect(flags()).toEqual(expected);
  });
});

test('setExpiry(null) takes back what setExpiry said', () => {
  session.setExpiry(60);
  expect(session.getExpiryAge()).toBe(60);
  session.setExpiry(null);
  expect([session.getExpiryAge(), session.has('_session_expiry')]).toEqual([14 * 86_400, false]);
});

test('the test cookie goes round: set, came back, deleted', async () => {
  session.setTestCookie();
  await session.save();
  session = await openSession({ store }, session.sessionKey);
  expect(session.testCookieWorked()).toBe(true);
  expect(session.get(Session.TEST_COOKIE_NAME)).toBe(Session.TEST_COOKIE_VALUE);
  expect(session.deleteTestCookie()).toBe(true);
  expect(session.testCookieWorked()).toBe(false);
});

describe('modified by hand', () => {
  test('true: the session is stored although nothing seems to have changed', async () => {
    const watched = new WatchedStore();
    const same = await (await storedSession({ store: watched }, { a: 1 })).open();
    same.modified = true;
    expect(same.modified).toBe(true);
    await same.save();
    expect(watched.calls.filter((call) => call === 'update')).toHaveLength(1);
  });

  test('false: the changes made so far are forgotten, and later ones count', async () => {
    const other = await openSession({ store }, session.sessionKey);
    other.set('a', 'theirs');
    await other.save();
    const mine = ['mine'];
    session.set('a', 'forgotten').set('held', mine);
    session.modified = false;
    expect(session.modified).toBe(false);
    mine.push('pushed later');
    expect(session.modified).toBe(true);
    await session.save();
    expect(Object.fromEntries(await openSession({ store }, session.sessionKey))).toEqual({
      a: 'theirs',
      list: [1],
      none: null,
      held: ['mine', 'pushed later'],
    });
  });
});

describe('a session without a record', () => {
  beforeEach(() => {
    session = new Session({ store });
  });

  test('is loaded, empty, has no key, and costs no store call', async () => {
    const watched = new WatchedStore();
    session = new Session({ store: watched });
    expect([session.isEmpty(), session.sessionKey, session.size, session.get('a')]).toEqual([true, null, 0, undefined]);
    await session.load();
    expect(await session.destroy()).toBe(false);
    expect(watched.calls).toEqual([]);
  });

  test('has data and no key until it is saved', async () => {
    session.set('a', 1);
    expect([session.isEmpty(), session.sessionKey]).toEqual([false, null]);
    await session.save();
    expect(session.sessionKey).toMatch(/^[\w-]{43}$/);
  });

  test('gets a key at once from cycleKey', () => {
    session.cycleKey();
    expect([session.sessionKey?.length, session.isEmpty()]).toEqual([43, false]);
  });

  test('flushed, stays one', async () => {
    session.set('a', 1).flush();
    expect([session.isEmpty(), session.sessionKey, session.modified]).toEqual([true, null, true]);
  });
});

describe('a session that is not loaded', () => {
  const touches: [string, (session: Session) => unknown][] = [
    ['get', (s) => s.get('a')],
    ['set', (s) => s.set('a', 1)],
    ['has', (s) => s.has('a')],
    ['delete', (s) => s.delete('a')],
    ['pop', (s) => s.pop('a')],
    ['setDefault', (s) => s.setDefault('a', 1)],
    ['update', (s) => s.update({ a: 1 })],
    ['keys', (s) => s.keys()],
    ['values', (s) => s.values()],
    ['entries', (s) => s.entries()],
    ['iteration', (s) => [...s]],
    ['size', (s) => s.size],
    ['clear', (s) => s.clear()],
    ['cycleKey', (s) => s.cycleKey()],
    ['setExpiry', (s) => s.setExpiry(1)],
    ['getExpiryAge', (s) => s.getExpiryAge()],
    ['setTestCookie', (s) => s.setTestCookie()],
    ['testCookieWorked', (s) => s.testCookieWorked()],
  ];

  test.each(touches)('says so when it is touched, and nothing is modified: %s', (_, touch) => {
    const lazy: Session = new Session({ store, sessionKey: session.sessionKey as string });
    expect(() => touch(lazy)).toThrow(expect.objectContaining({ code: 'ERR_SESSION_NOT_LOADED', status: 500 }));
    expect(lazy.modified).toBe(false);
  });

  test.each(touches)('because the store fails, raises that at the touch: %s', async (_, touch) => {
    const failing = new WatchedStore().before('read', () => Promise.reject(new Error('down')));
    const failed: Session = new Session({ store: failing, sessionKey: session.sessionKey as string });
    await expect(failed.load()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(() => touch(failed)).toThrow(expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE', status: 503 }));
    expect(failed.modified).toBe(false);
  });

  test('rejects save and create', async () => {
    const lazy: Session = new Session({ store, sessionKey: session.sessionKey as string });
    await expect(lazy.save()).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_LOADED' });
    await expect(lazy.create()).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_LOADED' });
  });

  test('shows the key that was presented, is not empty, and can be destroyed or flushed unread', async () => {
    const key = session.sessionKey as string;
    const lazy: Session = new Session({ store, sessionKey: key });
    expect([lazy.sessionKey, lazy.isEmpty()]).toEqual([key, false]);
    lazy.flush();
    expect([lazy.sessionKey, lazy.get('a')]).toEqual([null, undefined]);
    await lazy.set('b', 1).save();
    expect(await session.exists(key)).toBe(false);
    expect(lazy.sessionKey).not.toBe(key);
  });

  test('encodes for the record it will be', async () => {
    const lazy: Session = new Session({ store, sessionKey: session.sessionKey as string });
    expect(lazy.encode({ a: 1 })).toBe('{"a":1}');
  });

  test('is read once, however often load is called, and again after a failure', async () => {
    const watched = new WatchedStore();
    const { sessionKey } = await storedSession({ store: watched }, { a: 1 });
    let fail = true;
    watched.before('read', () => fail && Promise.reject(new Error('down')));
    const lazy: Session = new Session({ store: watched, sessionKey });
    const results = await Promise.allSettled([lazy.load(), lazy.load()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fail = false;
    await Promise.all([lazy.load(), lazy.load()]);
    await lazy.load();
    expect(lazy.get('a')).toBe(1);
    expect(watched.calls.filter((call) => call === 'read')).toHaveLength(2);
  });
});
