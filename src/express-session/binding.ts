import type { Blocked } from '../blocked.js';
import { SessionInterrupted, UpdateError } from '../errors.js';
import type { UnitOfWork } from '../unit-of-work.js';
import { type Cookie, revive } from './cookie.js';
import { assign, cookieOf, dataOf, isData, type Session, setId } from './session.js';

export interface StoreOptions {
  /** Why no new ID can reach the client, if so. */
  readonly blocked: Blocked | null;
  readonly onInterrupted: 'error' | 'discard';
  /** The application gets to know if it fails, and its changes need not come up once more. */
  readonly isHeard: boolean;
}

/**
 * A session as the application sees it, bound to the unit of work that stores it. The application sets, changes and
 * deletes properties as it likes; `note()` finds out what it did. What JSON leaves out, `undefined` and functions, is no
 * value here either.
 */
export class Binding {
  readonly session: Session;
  readonly work: UnitOfWork;
  /** Stored or renewed since the last change. */
  settled = false;
  /** The properties as they were when they were last compared. */
  #shown: ReadonlyMap<string, unknown> = new Map();
  /** The cookie, but for when it ends, as it was read or last stored. Undefined for a session that isn't stored yet. */
  #storedCookie: string | undefined;

  constructor(session: Session, work: UnitOfWork) {
    this.session = session;
    this.work = work;
    this.rename();
  }

  /** Shows what was read as properties of the session. */
  show(newCookie: () => Cookie): void {
    const { data } = this.work;
    this.#showCookie(newCookie);
    for (const key of data.values.keys()) if (isData(key)) assign(this.session, key, data.get(key));
    this.#shown = valuesOf(this.session);
  }

  /** Takes the application's changes into the data. Whether there is something that isn't stored yet. */
  note(): boolean {
    const { data } = this.work;
    const now = valuesOf(this.session);
    for (const [key, value] of now) {
      if (!this.#shown.has(key)) data.set(key, value);
      else if (!Object.is(this.#shown.get(key), value)) data.replace(key, value);
    }
    for (const key of this.#shown.keys()) if (!now.has(key)) data.delete(key);
    this.#shown = now;
    return data.changed || this.cookieChanged;
  }

  /** The application gave the session another age or its cookie other attributes: that it lives on is no change. */
  get cookieChanged(): boolean {
    return this.#storedCookie !== undefined && this.#storedCookie !== attributesOf(cookieOf(this.session));
  }

  /** Stores the session. False if another request has ended it, and nothing is lost by that. */
  async store({ blocked, onInterrupted, isHeard }: StoreOptions): Promise<boolean> {
    const { work } = this;
    // Only the age would be new: that of a session which has ended meanwhile is of no interest.
    const matters = this.note() || !work.stored;
    const cookie = this.#writeCookie();
    work.blocked = blocked;
    this.settled = true;
    try {
      await work.save();
    } catch (error) {
      this.settled = false;
      if (!(error instanceof UpdateError)) throw error;
      const fails = matters && onInterrupted === 'error';
      if (!fails && work.cycled) work.cancelCycle();
      else if (!fails || isHeard) work.forget();
      this.rename();
      if (fails) throw new SessionInterrupted(error);
      return false;
    }
    // Another request may have given the session another age meanwhile, and this one not.
    if (work.data.values.get('cookie') !== cookie) this.#showCookie(() => cookieOf(this.session));
    else this.#storedCookie = attributesOf(cookieOf(this.session));
    this.rename();
    return true;
  }

  /** Lets the record live on. False if another request has ended the session. */
  renew(): Promise<boolean> {
    const { ageOf, clock } = this.work.settings;
    this.settled = true;
    return this.work.touch(ageOf(new Map([['cookie', cookieOf(this.session).toJSON()]]), clock()));
  }

  /** The unit of work may have taken another key: by a cycle, or because the first one was taken. */
  rename(): void {
    const { key } = this.work;
    if (key === null || key === this.session.id) return;
    setId(this.session, key);
    this.session.req.sessionID = key;
  }

  /** Puts the cookie among the data. One that nobody has changed gives way to what another request has stored. */
  #writeCookie(): unknown {
    const cookie = cookieOf(this.session).toJSON();
    if (this.#storedCookie === undefined || this.cookieChanged) this.work.data.set('cookie', cookie);
    else this.work.data.amend('cookie', cookie);
    return cookie;
  }

  #showCookie(otherwise: () => Cookie): void {
    const cookie = revive(this.work.data.values.get('cookie'), otherwise);
    // The record lives, though its cookie says no: it was renewed without being written.
    if ((cookie.maxAge ?? 0) < 0) cookie.maxAge = cookie.originalMaxAge;
    this.session.cookie = cookie;
    this.#storedCookie = attributesOf(cookie);
  }
}

function valuesOf(session: Session): ReadonlyMap<string, unknown> {
  return new Map(dataOf(session).filter(([, value]) => value !== undefined && typeof value !== 'function' && typeof value !== 'symbol'));
}

function attributesOf(cookie: Cookie): string {
  return JSON.stringify({ ...cookie.data, expires: undefined });
}
