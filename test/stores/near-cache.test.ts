import { NearCache } from '../../src/stores/near-cache.js';
import { TestClock } from '../helpers/clock.js';
import { deferred } from '../helpers/stores.js';

const KEY = 'key';

describe('the near cache', () => {
  let clock: TestClock;
  let cache: NearCache;
  beforeEach(() => {
    clock = new TestClock();
    cache = new NearCache({ max: 3, maxAge: { seconds: 2 } }, clock.read);
    cache.start();
  });

  /** A fetch from beginning to end. */
  const fetched = (key = KEY, value = `value of ${key}`) => {
    const fetch = cache.begin(key);
    if (fetch) cache.end(fetch, value);
  };

  test('keeps what was fetched, for everybody', () => {
    fetched();
    expect(cache.get(KEY)).toBe('value of key');
    expect(cache.get(KEY)).toBe('value of key');
    expect(cache.get('other')).toBeUndefined();
  });

  test('for at most maxAge after Redis was asked, not after it answered', () => {
    const fetch = cache.begin(KEY);
    clock.advance(1.5);
    cache.end(fetch as NonNullable<typeof fetch>, 'value');
    clock.advance(0.499);
    expect(cache.get(KEY)).toBe('value');
    clock.advance(0.001);
    expect(cache.get(KEY)).toBeUndefined();
  });

  test('and not at all when the clock was set back behind that', () => {
    fetched();
    clock.advance(-0.001);
    expect(cache.get(KEY)).toBeUndefined();
  });

  test('keeps nothing of a fetch that found nothing', () => {
    cache.end(cache.begin(KEY) as never, null);
    expect(cache.get(KEY)).toBeUndefined();
    fetched();
    expect(cache.get(KEY)).toBe('value of key');
  });

  test.each<[string, (fetching: NearCache) => void]>([
    ['news of its key', () => cache.drop(KEY)],
    ['news that all are gone', () => cache.clear()],
    ['the end of the news', () => cache.stop()],
    [
      'a gap in the news',
      () => {
        cache.stop();
        cache.start();
      },
    ],
  ])('%s while the fetch is under way: what comes back may be older, and is not kept', (_, happens) => {
    const fetch = cache.begin(KEY) as never;
    happens(cache);
    cache.end(fetch, 'older');
    expect(cache.get(KEY)).toBeUndefined();
  });

  test('nor does a fetch that was overtaken hide one that began after it', () => {
    const first = cache.begin(KEY) as never;
    cache.drop(KEY);
    const second = cache.begin(KEY) as never;
    cache.end(first, 'older');
    expect(cache.get(KEY)).toBeUndefined();
    cache.end(second, 'newer');
    expect(cache.get(KEY)).toBe('newer');
  });

  test('news of another key change nothing', () => {
    const fetch = cache.begin(KEY) as never;
    cache.drop('other');
    cache.end(fetch, 'value');
    cache.drop('other');
    expect(cache.get(KEY)).toBe('value');
  });

  test.each<[string, (cache: NearCache) => void]>([
    ['news of its key', () => cache.drop(KEY)],
    ['news that all are gone', () => cache.clear()],
    ['the end of the news', () => cache.stop()],
  ])('%s: what was kept is gone', (_, happens) => {
    fetched();
    happens(cache);
    expect(cache.get(KEY)).toBeUndefined();
  });

  test('without news nothing is kept, and of two fetches of a key one is', () => {
    cache.stop();
    expect(cache.begin(KEY)).toBeUndefined();
    cache.start();
    expect(cache.begin(KEY)).toBeDefined();
    expect(cache.begin(KEY)).toBeUndefined();
  });

  test.each([['is done'], ['failed']])(
    'a write of this process that %s: neither what was read before it nor during it is kept',
    async (how) => {
      fetched();
      const before = cache.begin(KEY) as never;
      const reply = deferred<string>();
      const writing = cache.whileWriting(KEY, reply.promise);
      expect(cache.get(KEY)).toBeUndefined();
      cache.end(before, 'before');
      expect(cache.get(KEY)).toBeUndefined();
      fetched(KEY, 'during');
      expect(cache.get(KEY)).toBe('during');
      const late = cache.begin(KEY) as never;
      if (how === 'failed') {
        reply.reject(new Error('failed'));
        await expect(writing).rejects.toThrow('failed');
      } else {
        reply.resolve('reply');
        expect(await writing).toBe('reply');
      }
      expect(cache.get(KEY)).toBeUndefined();
      cache.end(late, 'late');
      expect(cache.get(KEY)).toBeUndefined();
    },
  );

  test('is bounded: the least recently used goes first', () => {
    for (const key of ['a', 'b', 'c']) fetched(key);
    cache.get('a');
    fetched('d');
    expect(['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined)).toEqual(['a', 'c', 'd']);
  });
});

describe('the near cache refuses', () => {
  test.each<[string, object]>([
    ['nearCache', 5 as never],
    ['nearCache', null as never],
    ['nearCache.max', { max: 0 }],
    ['nearCache.max', { max: 1.5 }],
    ['nearCache.maxAge', { maxAge: 0 }],
    ['nearCache.maxAge', { maxAge: 61 }],
    ['nearCache.maxAge', { maxAge: Number.NaN }],
    ['nearCache.maxAge', { maxAge: '1 s' }],
    ['nearCache.maxAge', { maxAge: { minutes: 2 } }],
  ])('%s: %p', (option, options) => {
    expect(() => new NearCache(options, Date.now)).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTION', option }));
  });
});
