import type { Traffic } from '../scenario.js';

/** What a store raises while it is down. */
export class StoreDown extends Error {
  override name = 'StoreDown';
}

interface Entry {
  data: Map<unknown, unknown>;
  version: number;
  /** Milliseconds. */
  deadline: number;
  /** What a retired session leaves: no data, and no session. */
  marker: boolean;
}

/** Django's `RedisCache` as far as sessions use it, with a clock, faults, and a count of what it was asked. */
export class ModelStore {
  now = 1_700_000_000_000;
  traffic: Traffic = { reads: false, writes: false, deletes: false };
  faults = new Set<string>();
  readonly #entries = new Map<string, Entry>();
  #version = 0;

  get(key: string): Entry | undefined {
    this.ask('reads', 'get');
    return this.peek(key);
  }

  hasKey(key: string): boolean {
    this.ask('reads', 'has_key');
    return this.isAlive(key);
  }

  /** The version of the new entry, or null if the key is taken. */
  add(key: string, data: Map<unknown, unknown>, ttl: number): number | null {
    this.ask('writes', 'add');
    if (this.faults.has('add_always_taken') || this.peek(key)) return null;
    return this.put(key, data, ttl);
  }

  set(key: string, data: Map<unknown, unknown>, ttl: number): number {
    this.ask('writes', 'set');
    return this.put(key, data, ttl);
  }

  touch(key: string, ttl: number, version: number | null | undefined): boolean {
    this.ask('writes', 'set');
    const entry = this.peek(key);
    if (!entry || entry.marker || entry.version !== version) return false;
    entry.deadline = this.now + ttl * 1000;
    return true;
  }

  /** Puts a marker in the place of an entry. */
  retire(key: string, ttl: number): void {
    this.ask('deletes', 'delete');
    this.put(key, new Map(), ttl);
    (this.peek(key) as Entry).marker = true;
  }

  delete(key: string): void {
    this.ask('deletes', 'delete');
    this.#entries.delete(key);
  }

  // From here on: without asking the store, as a scenario's other requests do.

  peek(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry && this.now < entry.deadline ? entry : undefined;
  }

  isAlive(key: string): boolean {
    return this.peek(key)?.marker === false;
  }

  put(key: string, data: Map<unknown, unknown>, ttl: number): number {
    this.#version += 1;
    const timeout = Math.max(0, Math.trunc(ttl));
    // Redis knows no time to live of 0: Django deletes the entry.
    if (timeout === 0) this.#entries.delete(key);
    else
      this.#entries.set(key, { data: structuredClone(data), version: this.#version, deadline: this.now + timeout * 1000, marker: false });
    return this.#version;
  }

  drop(key: string): boolean {
    const existed = this.isAlive(key);
    if (existed) this.#entries.delete(key);
    return existed;
  }

  modify(key: string, changes: Record<string, unknown>): boolean {
    const entry = this.peek(key);
    if (!entry || entry.marker) return false;
    for (const [name, value] of Object.entries(changes)) entry.data.set(name, structuredClone(value));
    this.#version += 1;
    entry.version = this.#version;
    return true;
  }

  *live(): Generator<[key: string, entry: Entry]> {
    for (const key of this.#entries.keys()) {
      const entry = this.peek(key);
      if (entry && !entry.marker) yield [key, entry];
    }
  }

  /** Counts a call, and lets it fail if it is to. */
  ask(kind: keyof Traffic, call: string): void {
    this.traffic[kind] = true;
    if (this.faults.has(call)) throw new StoreDown(call);
  }
}
