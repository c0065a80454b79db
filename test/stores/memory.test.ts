import { MemoryStore } from 'sojourn';
import { TestClock } from '../helpers/clock.js';
import { created, storeContract } from './store-contract.js';

storeContract('MemoryStore', async () => {
  const clock = new TestClock();
  const store = new MemoryStore({ clock: clock.read });
  return {
    store,
    async outlives(key, seconds) {
      const { now } = clock;
      clock.advance(seconds);
      const record = await store.read(key);
      clock.now = now;
      return record !== null;
    },
    async expire() {
      clock.advance(61);
    },
  };
});

describe('MemoryStore', () => {
  let clock: TestClock;
  beforeEach(() => {
    clock = new TestClock();
  });

  test('keeps at most max sessions; the least recently used goes first', async () => {
    const store = new MemoryStore({ max: 3 });
    for (const key of ['a', 'b', 'c']) await created(store, key);
    await store.read('a');
    await created(store, 'd');
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => store.exists(key)))).toEqual([true, false, true, true]);
    await store.close();
  });

  test('keeps 10 000 sessions unless told', async () => {
    const store = new MemoryStore();
    for (let index = 0; index < 10_001; index += 1) await created(store, `${index}`);
    expect(await store.exists('0')).toBe(false);
    expect(await store.exists('1')).toBe(true);
    await store.close();
  });

  test('ends a record at its deadline, not before and not after', async () => {
    const store = new MemoryStore({ clock: clock.read });
    await created(store, 'key', 'payload', 10);
    clock.now += 9_999;
    expect(await store.exists('key')).toBe(true);
    clock.now += 1;
    expect(await store.exists('key')).toBe(false);
    await store.close();
  });

  test('clearExpired removes the expired, only them, and says how many', async () => {
    const store = new MemoryStore({ clock: clock.read });
    for (let index = 0; index < 100; index += 1) await created(store, `${index}`, 'payload', index % 3 === 0 ? 10 : 100);
    clock.advance(10);
    expect(await store.clearExpired()).toBe(34);
    expect(await store.clearExpired()).toBe(0);
    for (let index = 0; index < 100; index += 1) expect(await store.exists(`${index}`)).toBe(index % 3 !== 0);
    clock.advance(90);
    expect(await store.clearExpired()).toBe(66);
    await store.close();
  });

  test.each([[0], [-1], [1.5], [Number.NaN], ['10' as unknown as number]])('refuses max: %p', (max) => {
    expect(() => new MemoryStore({ max })).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTION', option: 'max' }));
  });

  describe('sweeps expired sessions nobody asks for again', () => {
    beforeEach(() => jest.useFakeTimers());
    afterEach(() => jest.useRealTimers());

    test('once a minute, from the first session on, by a timer that never keeps the process alive', async () => {
      const store = new MemoryStore({ clock: clock.read });
      const interval = jest.spyOn(globalThis, 'setInterval');
      expect(jest.getTimerCount()).toBe(0);
      await created(store, 'a', 'payload', 10);
      await created(store, 'b', 'payload', 1000);
      expect(interval.mock.results[0]?.value.hasRef()).toBe(false);
      expect(jest.getTimerCount()).toBe(1);
      clock.advance(60);
      jest.advanceTimersByTime(60_000);
      // The sweep has removed it: there is nothing left to clear.
      expect(await store.clearExpired()).toBe(0);
      expect(await store.exists('b')).toBe(true);
      await store.close();
    });

    test('until it is closed, which drops the sessions', async () => {
      const store = new MemoryStore({ clock: clock.read });
      await created(store, 'a');
      await store.close();
      expect(jest.getTimerCount()).toBe(0);
      expect(await store.exists('a')).toBe(false);
      await store.close();
    });
  });
});
