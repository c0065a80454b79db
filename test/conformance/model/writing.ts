import { NamedError, type Slot, State } from './state.js';

/** Seconds. */
const MARKER_TTL = 60;
/** Django makes 10 000; that it gives up in the end is all that can be seen. */
export const GENERATOR_ATTEMPTS = 3;

/** How a session gets into the store. */
export abstract class Writing extends State {
  /** Deletes what was flushed. */
  carryOutFlush(): void {
    const failure = this.failedRead;
    if (failure !== undefined && this.flushed.length > 0) {
      this.failedRead = undefined;
      throw failure;
    }
    for (const slot of [...this.flushed]) {
      if (slot.version !== null) this.on.store.delete(slot.key);
      this.flushed = this.flushed.filter((other) => other !== slot);
    }
  }

  /** Back to the key before a cycle that is not carried out. */
  cancelCycle(): void {
    this.slot = this.left.find(({ version }) => version !== null) ?? null;
    this.left = [];
  }

  protected newSlot(): Slot {
    const { differs, forced, newKey, store } = this.on;
    for (;;) {
      const key = (differs('random keys') ? undefined : forced.shift()) ?? newKey();
      if (differs('one act') || !store.hasKey(key)) return { key, version: null };
    }
  }

  /** Its own expiry leaves no whole second. */
  protected isOver(): boolean {
    return this.on.differs('past expiry') && this.age() <= 0;
  }

  protected write(creating: boolean, attempts: number): void {
    const { store, differs } = this.on;
    const slot = this.slot as Slot;
    if (!creating && !differs('one act') && !store.get(slot.key)) throw new NamedError('UpdateError');
    // Who must create reads nothing: there can be nothing.
    if (creating) this.cache ??= new Map();
    const { data } = this;
    const age = this.age();
    if (this.isOver()) {
      this.#expire();
      return;
    }
    const ttl = differs('part of a second') ? Math.max(1, Math.floor(age)) : age;
    if (creating) this.#add(slot, data, ttl, attempts);
    else this.#update(slot, data, ttl);
    for (const from of [...this.left]) this.#retire(from, slot, ttl);
    this.changes.remember(this.data);
  }

  #add(slot: Slot, data: Map<unknown, unknown>, ttl: number, attempts: number): void {
    const { store, differs, forced, newKey } = this.on;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const key = differs('random keys') ? forced.shift() : undefined;
      const collides = key !== undefined && store.isAlive(key);
      if (collides) store.ask('writes', 'add');
      slot.version = collides ? null : store.add(slot.key, data, ttl);
      if (slot.version !== null) return;
      if (attempts > 1) slot.key = newKey();
    }
    throw new NamedError(differs('three attempts') || attempts === 1 ? 'CreateError' : 'RuntimeError');
  }

  #update(slot: Slot, data: Map<unknown, unknown>, ttl: number): void {
    const { store, differs } = this.on;
    const there = store.peek(slot.key);
    if (differs('one act') && (there === undefined || there.marker)) {
      store.ask('writes', 'set');
      throw new NamedError('UpdateError');
    }
    const merged = there && there.version !== slot.version && differs('merge') ? this.changes.over(there.data, data) : data;
    slot.version = store.set(slot.key, merged, ttl);
    this.cache = merged;
  }

  /** Ends the old key of a cycle once the new entry is there. */
  #retire(from: Slot, to: Slot, ttl: number): void {
    const { store, differs } = this.on;
    const there = store.peek(from.key);
    try {
      if (from.version !== null && there === undefined && differs('no revival')) {
        store.ask('deletes', 'delete');
        throw new NamedError('UpdateError');
      }
      if (from.version !== null && there && !there.marker && there.version !== from.version && differs('merge')) {
        store.ask('deletes', 'delete');
        this.cache = this.changes.over(there.data, this.data);
        to.version = store.set(to.key, this.cache, ttl);
      }
      if (from.version !== null) {
        if (differs('retired key')) store.retire(from.key, MARKER_TTL);
        else store.delete(from.key);
      }
    } catch (error) {
      to.version = null;
      // No entry stays that no cookie leads to, as far as the store can be reached.
      if (!store.faults.has('delete')) store.drop(to.key);
      throw error;
    }
    this.left = this.left.filter((slot) => slot !== from);
  }

  #expire(): void {
    for (const { key, version } of [this.slot as Slot, ...this.left]) if (version !== null) this.on.store.delete(key);
    this.slot = null;
    this.left = [];
    this.changes.remember(this.data);
  }
}
