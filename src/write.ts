import { type Changes, joined, layOver, type TrackedMap } from './tracked-map.js';

/**
 * What one commit writes: the changes made until now, and how they come together with what others have written
 * meanwhile.
 */
export class Write {
  readonly data: TrackedMap;
  /** How long a record with these values lives, in whole seconds. */
  readonly ttlOf: (values: ReadonlyMap<string, unknown>) => number;
  /** All that is laid over what is stored. */
  changes: Changes;
  /** The part of it that the application did outside of `make`. */
  #own: Changes;
  #change: (() => void) | undefined;
  #before: ReadonlyMap<string, unknown> | undefined;

  constructor(data: TrackedMap, ttlOf: Write['ttlOf']) {
    this.data = data;
    this.ttlOf = ttlOf;
    this.#own = data.take();
    this.changes = this.#own;
  }

  /** Makes a change that depends on what is stored; it is made again on what others have written. */
  make(change: () => void): void {
    this.#change = change;
    this.#before ??= new Map(this.data.values);
    try {
      change();
    } finally {
      this.changes = joined(this.#own, this.data.take());
    }
  }

  /** The values to store instead, given what is stored now. */
  over(stored: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
    if (this.#change === undefined) return layOver(stored, this.changes);
    this.#own = joined(this.#own, this.data.take());
    this.data.rebase(layOver(stored, this.#own));
    this.make(this.#change);
    return this.data.values;
  }

  /** After a failure: the changes are still to be stored, and `make` hasn't happened, so that it can be tried again. */
  giveBack(): void {
    if (this.#before) this.data.rebase(layOver(this.#before, this.#own));
    this.data.giveBack(this.#own);
  }
}
