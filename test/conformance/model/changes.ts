/** What a request did to the data since they were last read or written. Django doesn't keep this; some rules need it. */
export class Changes {
  readonly touched = new Set<unknown>();
  cleared = false;
  /** `modified = true` by hand, or an `update` without entries. */
  forced = false;
  readonly #texts = new Map<unknown, string>();

  /** Notes how the values are now, to see later what was changed inside of them. */
  remember(data: ReadonlyMap<unknown, unknown>): void {
    this.touched.clear();
    this.cleared = false;
    this.forced = false;
    this.#texts.clear();
    for (const [key, value] of data) this.#texts.set(key, JSON.stringify(value));
  }

  clear(): void {
    this.touched.clear();
    this.#texts.clear();
    this.cleared = true;
  }

  /** Whether something inside of a value was changed. */
  inside(data: ReadonlyMap<unknown, unknown>): boolean {
    return this.#changedInside(data).length > 0;
  }

  any(data: ReadonlyMap<unknown, unknown> | undefined): boolean {
    return this.forced || this.cleared || this.touched.size > 0 || (data !== undefined && this.inside(data));
  }

  /** What is stored now, with these changes on top. */
  over(stored: ReadonlyMap<unknown, unknown>, data: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const merged = new Map(this.cleared ? [] : stored);
    for (const key of [...this.touched, ...this.#changedInside(data)]) {
      if (data.has(key)) merged.set(key, data.get(key));
      else merged.delete(key);
    }
    return merged;
  }

  #changedInside(data: ReadonlyMap<unknown, unknown>): unknown[] {
    return [...this.#texts]
      .filter(([key, text]) => !this.touched.has(key) && data.has(key) && JSON.stringify(data.get(key)) !== text)
      .map(([key]) => key);
  }
}
