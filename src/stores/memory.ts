import { LRUCache } from 'lru-cache';
import { OptionError } from '../errors.js';
import { createVersion } from '../session-key.js';
import { isMarker, type RetireResult, type Store, type StoredSession, type UpdateResult } from './store.js';

const SWEEP_INTERVAL = 60_000;

export interface MemoryStoreOptions {
  /** How many sessions are kept; beyond that the least recently used goes. 10 000 unless told. */
  max?: number;
  /** The time in milliseconds, like `Date.now`, which it is unless told. */
  clock?: () => number;
}

interface Entry extends StoredSession {
  /** When the record is over, in milliseconds. */
  deadline: number;
}

/**
 * Sessions in this process: for development, tests and programs of one process. Bounded and expiring; a restart
 * loses all. Records are texts, so that nobody holds a live reference into the store.
 */
export class MemoryStore implements Store {
  readonly #entries: LRUCache<string, Entry>;
  readonly #clock: () => number;
  #sweeper: NodeJS.Timeout | undefined;

  constructor({ max = 10_000, clock = Date.now }: MemoryStoreOptions = {}) {
    if (!Number.isSafeInteger(max) || max < 1) throw new OptionError('max', 'must be a whole number above 0');
    this.#entries = new LRUCache({ max });
    this.#clock = clock;
  }

  async read(key: string): Promise<StoredSession | null> {
    const entry = this.#live(key);
    return entry ? { payload: entry.payload, version: entry.version } : null;
  }

  async create(key: string, payload: string, ttl: number): Promise<string | null> {
    return this.#live(key) ? null : this.#put(key, payload, ttl);
  }

  async update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    return this.#swap(key, payload, version, ttl);
  }

  async touch(key: string, ttl: number, version?: string): Promise<boolean> {
    const entry = this.#live(key);
    if (!entry || isMarker(entry) || entry.version !== (version ?? entry.version)) return false;
    entry.deadline = this.#deadline(ttl);
    return true;
  }

  async retire(key: string, version: string, ttl: number): Promise<RetireResult> {
    const result = this.#swap(key, '', version, ttl);
    return result.status === 'updated' ? { status: 'retired' } : result;
  }

  async delete(key: string): Promise<boolean> {
    const existed = this.#live(key) !== undefined;
    this.#entries.delete(key);
    return existed;
  }

  async exists(key: string): Promise<boolean> {
    const entry = this.#live(key);
    return entry !== undefined && !isMarker(entry);
  }

  async clearExpired(): Promise<number> {
    const now = this.#clock();
    let removed = 0;
    for (const [key, entry] of this.#entries.entries()) {
      if (now >= entry.deadline && this.#entries.delete(key)) removed += 1;
    }
    return removed;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    this.#entries.clear();
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry && this.#clock() >= entry.deadline) {
      this.#entries.delete(key);
      return undefined;
    }
    return entry;
  }

  #swap(key: string, payload: string, version: string, ttl: number): UpdateResult {
    const entry = this.#live(key);
    if (!entry) return { status: 'gone' };
    if (entry.version !== version) return { status: 'conflict', current: { payload: entry.payload, version: entry.version } };
    return { status: 'updated', version: this.#put(key, payload, ttl) };
  }

  #put(key: string, payload: string, ttl: number): string {
    // Sessions that nobody asks for again must go, too; the timer never keeps the process alive.
    this.#sweeper ??= setInterval(() => void this.clearExpired(), SWEEP_INTERVAL).unref();
    const version = createVersion();
    this.#entries.set(key, { payload, version, deadline: this.#deadline(ttl) });
    return version;
  }

  #deadline(ttl: number): number {
    return this.#clock() + ttl * 1000;
  }
}
