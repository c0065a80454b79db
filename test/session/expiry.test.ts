import { MemoryStore, type Session, Session as SessionClass, type StandaloneOptions } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { TestClock } from '../helpers/clock.js';
import { eventNamesDuring, eventsDuring } from '../helpers/events.js';
import { openSession, storedSession } from '../helpers/sessions.js';

describe('absoluteTimeout', () => {
  let clock: TestClock;
  let options: StandaloneOptions;
  let session: Session;
  const reopen = async () => {
    session = await openSession(options, session.sessionKey);
  };

  beforeEach(async () => {
    clock = new TestClock();
    options = { store: new MemoryStore({ clock: clock.read }), clock: clock.read, maxAge: 100, absoluteTimeout: 250 };
    session = new SessionClass(options);
    await session.set('a', 1).save();
  });

  test('ends a session that is in use all the time, and deletes its record', async () => {
    for (const elapsed of [80, 160, 240]) {
      clock.now = 1_700_000_000_000 + elapsed * 1000;
      await reopen();
      await session.set('elapsed', elapsed).save();
    }
    const key = session.sessionKey as string;
    clock.advance(9);
    await reopen();
    expect(session.get('a')).toBe(1);
    clock.advance(1);
    const events = await eventsDuring(reopen);
    expect([session.sessionKey, session.size]).toEqual([null, 0]);
    expect(await session.exists(key)).toBe(false);
    // The record has expired by its time to live at the same moment; what is left to say is that nothing was found.
    expect(events).toEqual([['loaded', expect.objectContaining({ found: false })]]);
  });

  test('ends it by what the record says, even where the store has kept it', async () => {
    const later = { ...options, store: new MemoryStore({ clock: () => 0 }) };
    const { sessionKey } = await storedSession(later, { a: 1 });
    clock.advance(250);
    const events = await eventsDuring(async () => {
      session = await openSession(later, sessionKey);
    });
    expect([session.sessionKey, session.size]).toEqual([null, 0]);
    expect(events.map(([name]) => name)).toEqual(['loaded', 'expired']);
    expect(events[1]?.[1]).toMatchObject({ reason: 'absolute' });
    expect(await later.store.exists(storeKeyOf(sessionKey))).toBe(false);
  });

  test('is restarted by cycling the key, not by writing', async () => {
    clock.advance(90);
    await reopen();
    session.cycleKey();
    await session.save();
    for (let elapsed = 90; elapsed < 90 + 249; elapsed += 50) {
      await reopen();
      expect(session.get('a')).toBe(1);
      await session.set('b', elapsed).save();
      clock.advance(50);
    }
    await reopen();
    expect(session.sessionKey).toBeNull();
  });

  test("doesn't show in the data, nor do the data change it", async () => {
    expect(() => session.set('_session_started', clock.now)).toThrow(TypeError);
    expect(() => session.update({ _session_started: clock.now })).toThrow(TypeError);
    await session.save();
    await reopen();
    expect([...session.keys()]).toEqual(['a']);
    clock.advance(99);
    await reopen();
    await session.set('b', 1).save();
    clock.advance(99);
    await reopen();
    await session.set('b', 2).save();
    clock.advance(52);
    await reopen();
    expect(session.sessionKey).toBeNull();
  });

  test('caps the time to live of the record', async () => {
    clock.advance(90);
    await reopen();
    await session.set('b', 1).save();
    clock.advance(90);
    await reopen();
    await session.set('b', 2).save();
    clock.advance(69);
    expect(await session.exists(session.sessionKey as string)).toBe(true);
    clock.advance(1);
    expect(await session.exists(session.sessionKey as string)).toBe(false);
  });

  test('begins with the next write for a session that was stored without it', async () => {
    const { absoluteTimeout: _, ...without } = options;
    const { sessionKey } = await storedSession(without, { a: 1 });
    session = await openSession(options, sessionKey);
    expect(session.get('a')).toBe(1);
    await session.set('b', 1).save();
    clock.advance(99);
    await reopen();
    await session.set('b', 2).save();
    expect(session.sessionKey).toBe(sessionKey);
  });

  test('leaves encode and decode of a session without a key alone', () => {
    session = new SessionClass(options);
    expect(session.decode(session.encode({ a: 1 }))).toEqual({ a: 1 });
  });

  test('reads a damaged start as none', async () => {
    const store = options.store as MemoryStore;
    const key = 'k'.repeat(43);
    await store.create(storeKeyOf(key), '{"a":1,"_session_started":"yesterday"}', 60);
    session = await openSession(options, key);
    expect(Object.fromEntries(session)).toEqual({ a: 1 });
  });
});

describe('an expiry of its own', () => {
  let clock: TestClock;
  let store: MemoryStore;
  let session: Session;
  beforeEach(() => {
    clock = new TestClock();
    store = new MemoryStore({ clock: clock.read });
    session = new SessionClass({ store, clock: clock.read, maxAge: { minutes: 10 } });
  });
  const alive = () => session.exists(session.sessionKey as string);

  test('in seconds runs anew with each write', async () => {
    session.setExpiry(100);
    await session.save();
    clock.advance(99);
    await session.set('a', 1).save();
    clock.advance(99);
    expect(await alive()).toBe(true);
    clock.advance(1);
    expect(await alive()).toBe(false);
  });

  test.each<[string, (s: Session) => void]>([
    ['a Date', (s) => s.setExpiry(new Date(clock.now + 100_000))],
    ['a duration', (s) => s.setExpiry({ minutes: 1, seconds: 40 })],
  ])('as %s is a fixed time, whatever happens', async (_, set) => {
    set(session);
    await session.save();
    clock.advance(60);
    await session.set('a', 1).save();
    expect([session.getExpiryAge(), session.getExpiryDate().getTime()]).toEqual([40, clock.now + 40_000]);
    clock.advance(39);
    expect(await alive()).toBe(true);
    clock.advance(1);
    expect(await alive()).toBe(false);
  });

  test('of 0 is a browser session; the record lives by the policy', async () => {
    session.setExpiry(0);
    await session.save();
    expect([session.getExpireAtBrowserClose(), session.getExpiryAge()]).toEqual([true, 600]);
    clock.advance(599);
    expect(await alive()).toBe(true);
  });

  test('in the past, removes the record with the next save', async () => {
    await session.set('a', 1).save();
    const key = session.sessionKey as string;
    session.setExpiry(new Date(clock.now - 1));
    expect(await eventsDuring(() => session.save())).toEqual([['expired', expect.objectContaining({ reason: 'expiry' })]]);
    expect(await session.exists(key)).toBe(false);
    expect(session.sessionKey).toBeNull();
  });

  test('in the past, of a new session, stores nothing at all', async () => {
    session.setExpiry(-1);
    expect(await eventNamesDuring(() => session.save())).toEqual([]);
    expect(session.sessionKey).toBeNull();
  });

  test('in the past, of a cycled session, removes the old record', async () => {
    await session.set('a', 1).save();
    const key = session.sessionKey as string;
    session.cycleKey();
    session.setExpiry(-1);
    await session.save();
    expect(await session.exists(key)).toBe(false);
    expect(session.sessionKey).toBeNull();
  });

  test('that another request has set counts for a record that is merged with it', async () => {
    await session.set('a', 1).save();
    const other = await openSession({ store, clock: clock.read }, session.sessionKey);
    other.setExpiry(60);
    await other.save();
    await session.set('b', 1).save();
    clock.advance(60);
    expect(await alive()).toBe(false);
  });

  test('expireAtBrowserClose is the policy for sessions that have none', () => {
    session = new SessionClass({ store, expireAtBrowserClose: true });
    expect(session.getExpireAtBrowserClose()).toBe(true);
    session.setExpiry(60);
    expect(session.getExpireAtBrowserClose()).toBe(false);
  });
});
