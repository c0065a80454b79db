import { Session, signed } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { plain, seconds } from './client.js';
import { SECRET } from './options.js';
import type { Settings, StoredEntry } from './scenario.js';
import type { WatchedStore } from './store.js';

/** What is in the store, as another process sees and changes it at the same time. None of it counts as traffic. */
export class Records {
  /** The session keys that came up, by the names the store knows them by. */
  readonly #keys = new Map<string, string>();

  constructor(
    private readonly store: WatchedStore,
    private readonly settings: Settings,
    private readonly clock: () => number,
  ) {}

  know(sessionKey: string): void {
    this.#keys.set(storeKeyOf(sessionKey), sessionKey);
  }

  /** Whether there was a session to be deleted. */
  async delete(sessionKey: string | null): Promise<boolean> {
    if (sessionKey === null || !(await this.store.inner.exists(storeKeyOf(sessionKey)))) return false;
    return this.store.inner.delete(storeKeyOf(sessionKey));
  }

  /** Changes the data of a record and leaves its time to live. Whether there was one. */
  async modify(sessionKey: string | null, changes: Record<string, unknown>): Promise<boolean> {
    if (sessionKey === null) return false;
    const storeKey = storeKeyOf(sessionKey);
    const left = new Map(await this.store.live()).get(storeKey);
    const record = await this.store.inner.read(storeKey);
    if (left === undefined || record === null) return false;
    const other = await this.#open(sessionKey);
    const payload = other.encode({ ...Object.fromEntries(other.entries()), ...changes });
    const result = await this.store.inner.update(storeKey, payload, record.version, left / 1000);
    return result.status === 'updated';
  }

  /** All live records under the names of their keys. */
  async contents(nameOf: (sessionKey: string) => string): Promise<Record<string, StoredEntry>> {
    const entries: [string, StoredEntry][] = [];
    for (const [storeKey, left] of await this.store.live()) {
      const ttl = seconds(left);
      const sessionKey = this.#keys.get(storeKey);
      // The store knows no session keys: what nobody has seen the key of can't be read.
      if (sessionKey === undefined) entries.push([`orphan ${entries.length + 1}`, { data: null, ttl }]);
      else entries.push([nameOf(sessionKey), { data: plain(await this.#dataOf(sessionKey), this.clock()), ttl }]);
    }
    return Object.fromEntries(entries);
  }

  async #dataOf(sessionKey: string): Promise<Record<string, unknown>> {
    const session = await this.#open(sessionKey);
    return Object.fromEntries(session.entries());
  }

  #open(sessionKey: string): Promise<Session> {
    const { store, clock, settings } = this;
    return new Session({ store: store.inner, sessionKey, codec: signed(SECRET), clock, maxAge: settings.cookie_age }).load();
  }
}
