import { Backend } from './backend.js';
import { NamedError } from './state.js';

export const EXPIRY_KEY = '_session_expiry';
/** 400 days, in seconds. */
const LONGEST_AGE = 400 * 86_400;

/** What an expiry can be: seconds, a time, nothing of its own. Undefined where Django's keyword argument wasn't given. */
export type Expiry = number | Date | null | undefined;

/** Django 5's `SessionBase`: the dictionary and the rules of expiry. */
export class ModelSession extends Backend {
  get modified(): boolean {
    return this.flag || (this.cache !== undefined && this.on.differs('in place') && this.changes.inside(this.cache));
  }

  set modified(modified: boolean) {
    this.flag = modified;
    if (modified) this.changes.forced = true;
    else if (this.on.differs('modified false forgets')) this.changes.remember(this.cache ?? new Map());
  }

  set(key: unknown, value: unknown): void {
    if (typeof key !== 'string' && this.on.differs('string keys')) throw new NamedError('TypeError');
    this.data.set(key, value);
    this.changes.touched.add(key);
    this.flag = true;
  }

  /** Whether there was something to delete. */
  remove(key: unknown): boolean {
    if (!this.data.delete(key)) return false;
    this.changes.touched.add(key);
    this.flag = true;
    return true;
  }

  setExpiry(value: number | Date | null): void {
    if (value === null) {
      this.remove(EXPIRY_KEY);
      return;
    }
    this.#assertSensible(value);
    this.set(EXPIRY_KEY, value instanceof Date ? value.toISOString() : value);
  }

  /** Seconds. `expiry` and `modification` as in Django: undefined means that they weren't given. */
  age(modification = this.on.store.now, expiry: Expiry = undefined): number {
    const custom = this.#custom(expiry);
    if (!custom) return this.on.settings.cookie_age;
    return custom instanceof Date ? Math.floor((custom.getTime() - modification) / 1000) : custom;
  }

  /** When the session ends. */
  date(modification = this.on.store.now, expiry: Expiry = undefined): Date {
    const custom = this.#custom(expiry);
    return custom instanceof Date ? custom : new Date(modification + (custom || this.on.settings.cookie_age) * 1000);
  }

  endsWithBrowser(): boolean {
    const expiry = this.data.get(EXPIRY_KEY);
    return expiry === undefined || expiry === null ? this.on.settings.expire_at_browser_close : expiry === 0;
  }

  #custom(expiry: Expiry): number | Date | null {
    if (expiry !== undefined) {
      this.#assertSensible(expiry);
      return expiry;
    }
    const stored = this.data.get(EXPIRY_KEY);
    if (typeof stored === 'string') return new Date(stored);
    return typeof stored === 'number' ? stored : null;
  }

  #assertSensible(expiry: Expiry): void {
    if (typeof expiry === 'number' && expiry > LONGEST_AGE && this.on.differs('absurd age')) throw new NamedError('RangeError');
  }
}
