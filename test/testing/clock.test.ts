import { MemoryStore, RedisStore, type Store, session } from 'sojourn';
import { sessionOf, signedIn, type TestClock, testClock } from 'sojourn/testing';
import { SECRET } from '../helpers/app.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';

describe('testClock()', () => {
  test('stands still until it is moved', () => {
    const clock = testClock(new Date('2030-01-01T00:00:00Z'));
    const began = clock();
    clock.advance({ hours: 2, minutes: 30 });
    clock.advance(1.5);
    expect(clock() - began).toBe(9_001_500);
    expect(new Date(began).toISOString()).toBe('2030-01-01T00:00:00.000Z');
  });

  test('begins now unless told', () => {
    const before = Date.now();
    const began = testClock()();
    expect(began).toBeGreaterThanOrEqual(before);
    expect(began).toBeLessThanOrEqual(Date.now());
  });

  test.each<[string, () => unknown, RegExp]>([
    ['back', () => testClock().advance(-1), /begin there: testClock\(new Date/],
    ['by milliseconds', () => testClock().advance(14 * 86_400_000), /Ages are in seconds: did you mean 1209600\?/],
    ['by what is no duration', () => testClock().advance({ hour: 2 } as never), /like \{ hours: 2 \}/],
    ['from an invalid Date', () => testClock(new Date('yesterday')), /invalid Date/],
  ])('is not moved %s', (_, act, message) => {
    expect(act).toThrow(message);
  });

  test('is moved by any time that is written in parts', () => {
    const clock = testClock(new Date(0));
    clock.advance({ days: 500 });
    expect(clock()).toBe(500 * 86_400_000);
  });
});

const redis = connect();
const STORES: [string, (clock: TestClock) => Store][] = [
  ['MemoryStore', (clock) => new MemoryStore({ clock })],
  ['RedisStore', (clock) => new RedisStore(redis, { prefix: ownPrefix(), clock })],
];

describe.each(STORES)('a session in a %s whose clock is moved', (_, createStore) => {
  test('is over after maxAge without a change, and not before', async () => {
    const clock = testClock();
    const sessions = session({ secret: SECRET, store: createStore(clock), clock, maxAge: { hours: 1 } });
    const ada = await signedIn(sessions, { userId: 42 });
    clock.advance({ minutes: 59 });
    expect(await sessionOf(sessions, ada.cookie)).toEqual({ userId: 42 });
    // Redis itself would keep the key for an hour of real time: it is the record's own deadline that has passed.
    clock.advance({ minutes: 2 });
    expect(await sessionOf(sessions, ada.cookie)).toBeNull();
  });

  test('is over after absoluteTimeout, whatever is changed', async () => {
    const clock = testClock();
    const sessions = session({ secret: SECRET, store: createStore(clock), clock, absoluteTimeout: { hours: 8 } });
    const ada = await signedIn(sessions, { visits: 0 });
    for (const hour of [1, 2, 3, 4, 5, 6, 7]) {
      clock.advance({ hours: 1 });
      const loaded = await sessions.load({ headers: { cookie: ada.cookie } } as Parameters<typeof sessions.load>[0]);
      await loaded.set('visits', hour).save();
    }
    expect(await sessionOf(sessions, ada.cookie)).toEqual({ visits: 7 });
    clock.advance({ hours: 1, seconds: 1 });
    expect(await sessionOf(sessions, ada.cookie)).toBeNull();
  });
});
