import { MemoryStore, type Store } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import type { Traffic } from './scenario.js';

/** A real memory store that a scenario can watch and let fail. What the scenario does itself goes to `inner`, uncounted. */
export class WatchedStore implements Store {
  readonly inner: MemoryStore;
  traffic: Traffic = { reads: false, writes: false, deletes: false };
  faults = new Set<string>();
  /** Keys that the generator should have returned: it can't be told to, so the store finds the next keys taken as these are. */
  forced: string[] = [];
  /** When each record ends, in milliseconds. */
  readonly #deadlines = new Map<string, number>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
    // Room for what a scenario stores: a store for ten thousand takes longer to make than a scenario.
    this.inner = new MemoryStore({ clock, max: 100 });
  }

  async read(key: string) {
    this.#ask('reads', 'get');
    return this.inner.read(key);
  }

  async create(key: string, payload: string, ttl: number) {
    this.#ask('writes', 'add');
    if (this.faults.has('add_always_taken') || (await this.#collides())) return null;
    this.#note(key, ttl);
    return this.inner.create(key, payload, ttl);
  }

  async update(key: string, payload: string, version: string, ttl: number) {
    this.#ask('writes', 'set');
    const result = await this.inner.update(key, payload, version, ttl);
    if (result.status === 'updated') this.#note(key, ttl);
    return result;
  }

  async touch(key: string, ttl: number, version?: string) {
    this.#ask('writes', 'set');
    const renewed = await this.inner.touch(key, ttl, version);
    if (renewed) this.#note(key, ttl);
    return renewed;
  }

  async retire(key: string, version: string, ttl: number) {
    this.#ask('deletes', 'delete');
    return this.inner.retire(key, version, ttl);
  }

  async delete(key: string) {
    this.#ask('deletes', 'delete');
    return this.inner.delete(key);
  }

  async exists(key: string) {
    this.#ask('reads', 'has_key');
    return this.inner.exists(key);
  }

  clearExpired() {
    return this.inner.clearExpired();
  }

  close() {
    return this.inner.close();
  }

  /** The names of all live records with what they have left, in milliseconds. */
  async live(): Promise<[key: string, left: number][]> {
    const alive: [string, number][] = [];
    for (const [key, deadline] of this.#deadlines) {
      if (await this.inner.exists(key)) alive.push([key, deadline - this.#clock()]);
    }
    return alive;
  }

  async #collides(): Promise<boolean> {
    const key = this.forced.shift();
    return key !== undefined && this.inner.exists(storeKeyOf(key));
  }

  #note(key: string, ttl: number): void {
    this.#deadlines.set(key, this.#clock() + ttl * 1000);
  }

  #ask(kind: keyof Traffic, call: string): void {
    this.traffic[kind] = true;
    if (this.faults.has(call)) throw new Error(`the store is down for ${call}`);
  }
}
