import { type Changes, DELETED, joined, layOver, type TrackedMap } from './tracked-map.js';

/**
 * What one commit writes: the changes made until now, and how they come together with what others have written
 * meanwhile.
 */
export class Write {
  readonly data: TrackedMap;
  /** How long a record with these values lives, in whole seconds. */
  readonly ttlOf: (values: ReadonlyMap<string, unknown>) => number;
  /** Whether values that others have a part in may be stored where these are: they are of the same user. */
  fits: (values: ReadonlyMap<string, unknown>) => boolean = () => true;
  /** All that is laid over what is stored. */
  changes: Changes;
  /** The part of it that the application did outside of `make`. */
  #own: Changes;
  #change: (() => void) | undefined;
  /** The values without `make`: copies, since the change may happen inside of a value. */
  #before: ReadonlyMap<string, unknown> | undefined;
  readonly #copy: Copy;

  constructor(data: TrackedMap, ttlOf: Write['ttlOf'], copy: Copy) {
    this.data = data;
    this.ttlOf = ttlOf;
    this.#copy = copy;
    this.#own = data.take();
    this.changes = this.#own;
  }

  /** Makes a change that depends on what is stored; it is made again on what others have written. */
  make(change: () => void): void {
    this.#change = change;
    this.#before ??= this.#copy(this.data.values);
    try {
      change();
    } finally {
      this.changes = joined(this.#own, this.data.take());
    }
  }

  /** The values to store instead, given what is stored now. */
  over(stored: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
    if (this.#change === undefined || this.#before === undefined) return layOver(stored, this.changes);
    const since = this.data.take();
    this.#before = layOver(this.#before, since);
    this.#own = joined(this.#own, since);
    this.data.rebase(layOver(stored, valuesOf(this.#own, this.#copy(this.#before))));
    this.make(this.#change);
    return this.data.values;
  }

  /** After a failure: the changes are still to be stored, and `make` hasn't happened, so that it can be tried again. */
  giveBack(): void {
    if (this.#before) this.data.rebase(this.#before);
    this.data.giveBack(this.#own);
  }
}

/** Values that share nothing with the given ones. Throws for values the codec refuses. */
type Copy = (values: ReadonlyMap<string, unknown>) => ReadonlyMap<string, unknown>;

/** The same changes with the values from elsewhere. */
function valuesOf({ cleared, keys }: Changes, values: ReadonlyMap<string, unknown>): Changes {
  return { cleared, keys: new Map([...keys.keys()].map((key) => [key, values.has(key) ? values.get(key) : DELETED])) };
}
