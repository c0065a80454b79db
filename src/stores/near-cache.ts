import { LRUCache } from 'lru-cache';
import { OptionError } from '../errors.js';
import { type Duration, toSeconds } from '../expiry.js';

export interface NearCacheOptions {
  /** How many sessions are kept; beyond that the least recently used goes. 10 000 unless told. */
  max?: number;
  /**
   * How old an answer from this process may be at most: a duration, or seconds, above 0 and up to 60. 1 unless told. It
   * counts where Redis' own messages fail; usually they are there within a millisecond.
   */
  maxAge?: Duration;
}

const LONGEST_AGE = 60;

interface Entry {
  readonly value: string;
  /** When Redis was asked for it, in milliseconds: what changed before that is in it. */
  readonly asked: number;
}

/** A GET that is under way. Its value may be kept if nothing was heard of the key meanwhile. */
export interface Fetch {
  readonly key: string;
  readonly asked: number;
}

/**
 * Values read lately, of which somebody tells when they change. It knows nothing of Redis and of what the values mean.
 *
 * The reply to a GET and the news of a change come over different connections, in any order. So a fetch is noted before
 * it is sent, and news of its key cross the note out: what comes back then may be older than the news, and isn't kept.
 */
export class NearCache {
  readonly #entries: LRUCache<string, Entry>;
  readonly #fetches = new Map<string, Fetch>();
  /** Milliseconds. */
  readonly #maxAge: number;
  readonly #clock: () => number;
  #hears = false;

  /** `true` takes the defaults. `clock`: the time in milliseconds. */
  constructor(options: true | NearCacheOptions, clock: () => number) {
    if (options !== true && (typeof options !== 'object' || options === null)) {
      throw new OptionError('nearCache', 'must be true, false, or { max, maxAge }');
    }
    const { max = 10_000, maxAge = 1 } = options === true ? {} : options;
    if (!Number.isSafeInteger(max) || max < 1) throw new OptionError('nearCache.max', 'must be a whole number above 0');
    this.#entries = new LRUCache({ max });
    this.#maxAge = milliseconds(maxAge);
    this.#clock = clock;
  }

  get(key: string): string | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const age = this.#clock() - entry.asked;
    // Below 0 somebody has set the clock back, and nobody knows how old it is.
    if (age >= 0 && age < this.#maxAge) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** Notes a fetch that is about to be sent. Undefined if nothing is to be kept of it: nobody tells of changes, or another one is under way. */
  begin(key: string): Fetch | undefined {
    if (!this.#hears || this.#fetches.has(key)) return undefined;
    const fetch = { key, asked: this.#clock() };
    this.#fetches.set(key, fetch);
    return fetch;
  }

  /** A fetch is over. `value`: what is to be kept of it, if nothing was heard of the key meanwhile; null for nothing. */
  end(fetch: Fetch, value: string | null): void {
    if (this.#fetches.get(fetch.key) !== fetch) return;
    this.#fetches.delete(fetch.key);
    if (value !== null) this.#entries.set(fetch.key, { value, asked: fetch.asked });
  }

  /** The key has changed, or may have. */
  drop(key: string): void {
    this.#entries.delete(key);
    this.#fetches.delete(key);
  }

  /**
   * This process is writing the key, and `reply` is what comes of it. Until then others may read what was there before;
   * afterwards nobody here does. That a write failed doesn't say that it wasn't carried out.
   */
  async whileWriting<Reply>(key: string, reply: Promise<Reply>): Promise<Reply> {
    this.drop(key);
    try {
      return await reply;
    } finally {
      this.drop(key);
    }
  }

  /** Everything may have changed. */
  clear(): void {
    this.#entries.clear();
    this.#fetches.clear();
  }

  /** From now on every change is told. */
  start(): void {
    this.#hears = true;
  }

  /** Nobody tells of changes any more: nothing is served or kept until `start`. */
  stop(): void {
    this.#hears = false;
    this.clear();
  }
}

function milliseconds(maxAge: Duration): number {
  let seconds: number;
  try {
    seconds = toSeconds(maxAge);
  } catch (error) {
    throw new OptionError('nearCache.maxAge', (error as TypeError).message);
  }
  if (seconds > 0 && seconds <= LONGEST_AGE) return seconds * 1000;
  throw new OptionError(
    'nearCache.maxAge',
    `must be above 0 and at most ${LONGEST_AGE} seconds: in the worst case a logout elsewhere goes unseen for so long`,
  );
}
