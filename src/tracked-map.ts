/**
 * The session's data: a Map that knows what changed since the last `take()`, changes inside of values included.
 *
 * Objects and arrays that were handed out are remembered with their JSON text; a text that differs later is a
 * change in place. Nobody has to say `modified = true` after `get('cart').push(item)`, and what was never handed out
 * costs nothing.
 */
export class TrackedMap {
  #values: Map<string, unknown>;
  /** Keys set or deleted since the last take(). */
  readonly #touched = new Set<string>();
  /** Objects the application may still hold, with the text they had when that was last compared. */
  readonly #lent = new Map<string, Loan>();
  #cleared = false;

  constructor(values: Map<string, unknown> = new Map()) {
    this.#values = values;
  }

  /** The entries as they are now. Not to be changed by the caller. */
  get values(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  get(key: string): unknown {
    const value = this.#values.get(key);
    return typeof value === 'object' && value !== null ? this.#lend(key, value) : value;
  }

  set(key: string, value: unknown): void {
    this.#values.set(key, value);
    if (this.#lent.size > 0) this.#lent.delete(key);
    this.#touched.add(key);
  }

  /** Takes a value that was assigned elsewhere: no change if it says the same, though in another object. */
  replace(key: string, value: unknown): void {
    const text = textOf(value);
    const before = this.#lent.get(key)?.text ?? (this.#values.has(key) ? textOf(this.#values.get(key)) : undefined);
    if (text === undefined || text !== before || this.#touched.has(key)) this.set(key, value);
    // The value stays: a merge may have put another in its place. Only this object is looked at from now on.
    else if (typeof value === 'object' && value !== null) this.#lent.set(key, { value, text });
  }

  /** Sets a value that is no change of its own: it is stored with the next one, and gives way to what others have stored. */
  amend(key: string, value: unknown): void {
    this.#values.set(key, value);
    this.#lent.delete(key);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    this.#lent.delete(key);
    this.#touched.add(key);
    return true;
  }

  clear(): void {
    this.#values.clear();
    this.#lent.clear();
    this.#touched.clear();
    this.#cleared = true;
  }

  /** The keys whose values may have become unfit to store: changed ones, and objects that the application holds. */
  suspects(changes: Changes): Iterable<string> {
    for (const key of this.#lent.keys()) if (!changes.keys.has(key)) return new Set([...changes.keys.keys(), ...this.#lent.keys()]);
    return changes.keys.keys();
  }

  /** Whether there is something to take. */
  get changed(): boolean {
    if (this.#cleared || this.#touched.size > 0) return true;
    for (const loan of this.#lent.values()) if (textOf(loan.value) !== loan.text) return true;
    return false;
  }

  /** The changes made so far; what changes from now on belongs to the next take(). */
  take(): Changes {
    for (const [key, loan] of this.#lent) {
      if (textOf(loan.value) === loan.text) continue;
      // The application's object wins, even if a merge put another one in its place meanwhile.
      this.#values.set(key, loan.value);
      this.#touched.add(key);
    }
    const changes: Changes = { cleared: this.#cleared, keys: new Map() };
    for (const key of this.#touched) {
      const value = this.#values.has(key) ? this.#values.get(key) : DELETED;
      changes.keys.set(key, value);
      // Who set an object may go on changing it after a save().
      if (typeof value === 'object' && value !== null) this.#lent.set(key, { value, text: textOf(value) });
    }
    this.#touched.clear();
    this.#cleared = false;
    return changes;
  }

  /** Gives changes back whose commit failed. */
  giveBack(changes: Changes): void {
    // Cleared since? Then nothing from before counts.
    if (this.#cleared) return;
    this.#cleared = changes.cleared;
    for (const key of changes.keys.keys()) this.#touched.add(key);
  }

  /** Goes on from what was stored after a merge, with the changes since the last take() on top. */
  rebase(stored: ReadonlyMap<string, unknown>): void {
    const since: Changes = { cleared: this.#cleared, keys: new Map() };
    for (const key of this.#touched) since.keys.set(key, this.#values.has(key) ? this.#values.get(key) : DELETED);
    this.#values = layOver(stored, since);
  }

  /** Forgets the changes made so far; the values stay as they are. */
  forget(): void {
    this.take();
  }

  #lend(key: string, value: object): object {
    if (this.#touched.has(key)) return value;
    const loan = this.#lent.get(key);
    if (loan?.value === value) return value;
    if (loan && textOf(loan.value) !== loan.text) {
      // A merge put another object in its place, but the application has changed its own: that one wins.
      this.set(key, loan.value);
      return loan.value;
    }
    this.#lent.set(key, { value, text: textOf(value) });
    return value;
  }
}

/** What one request did to the data, by top-level key: the upper half of a three-way merge. */
export interface Changes {
  /** The data were cleared first: nothing of what is stored stays. */
  cleared: boolean;
  /** New values, or DELETED. */
  keys: Map<string, unknown>;
}

export const DELETED: unique symbol = Symbol('deleted');

/** The changes laid over what is stored now. */
export function layOver(stored: ReadonlyMap<string, unknown>, changes: Changes): Map<string, unknown> {
  const merged = changes.cleared ? new Map<string, unknown>() : new Map(stored);
  for (const [key, value] of changes.keys) {
    if (value === DELETED) merged.delete(key);
    else merged.set(key, value);
  }
  return merged;
}

/** Two sets of changes as one, the later on top. */
export function joined(earlier: Changes, later: Changes): Changes {
  return later.cleared ? later : { cleared: earlier.cleared, keys: new Map([...earlier.keys, ...later.keys]) };
}

interface Loan {
  value: object;
  text: string | undefined;
}

/** The JSON text, or undefined for what has none (yet): a cycle, a BigInt. The codec says what is wrong with it. */
function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
