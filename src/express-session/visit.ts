import { sign } from 'cookie-signature';
import { type Blocked, warnBlocked } from '../blocked.js';
import { SessionInterrupted, StoreUnavailableError, UpdateError } from '../errors.js';
import { type AnyResponse, sendSetCookie, varyOnCookie } from '../http.js';
import type { SetHeaders } from '../response-gate.js';
import { takeOver } from '../take-over.js';
import { UnitOfWork } from '../unit-of-work.js';
import { Cookie, type CookieData, revive } from './cookie.js';
import { decide } from './decide.js';
import { cameIn, isSecure, type LegacyRequest } from './http.js';
import type { Secret, Settings } from './options.js';
import { assign, type Host, isData, notFound, Session, setId } from './session.js';

/**
 * One request under the drop-in: its session, which `regenerate()` may replace by another, between the object that the
 * application changes and the unit of work that stores it.
 */
export class Visit implements Host {
  readonly #settings: Settings;
  readonly #req: LegacyRequest;
  readonly #res: AnyResponse;
  readonly #secrets: readonly Secret[];
  /** Both are missing until the session was read; a response that begins before, with the store's error say, is none of ours. */
  #session!: Session;
  #work!: UnitOfWork;
  /** The data as the session had them when they were last compared. */
  #shown: ReadonlyMap<string, unknown> = new Map();
  /** The ID that the client holds: that of its cookie, or the one this response has given it. */
  #clientId: string | undefined;
  #modified = false;
  #settled = false;
  #ended = false;
  #retired = false;
  #touched = false;
  /** The application looked at `req.session`: the response depends on the cookie. */
  accessed = false;

  constructor(settings: Settings, req: LegacyRequest, res: AnyResponse, secrets: readonly Secret[]) {
    this.#settings = settings;
    this.#req = req;
    this.#res = res;
    this.#secrets = secrets;
  }

  /** Takes up the session that one of these IDs leads to, or begins one. Rejects if the store fails. */
  async load(ids: readonly string[]): Promise<void> {
    let work = await this.#read(ids);
    const { takeOver: predecessor, work: settings } = this.#settings;
    const [id, ...others] = ids as [string, ...string[]];
    if (predecessor && work.key === null && !work.retired && others.length === 0) {
      // Its cookie stays the client's: the ID goes on in the other store.
      await takeOver(settings, predecessor, id, id);
      work = await this.#read(ids);
    }
    this.#clientId = work.key ?? id;
    this.#retired = work.retired;
    if (work.key === null) this.begin();
    else this.#take(work);
  }

  /** A new session on the request. */
  begin(): void {
    const { work, genid } = this.#settings;
    const keys = genid ? { ...work.keys, createKey: () => checkedId(genid(this.#req)) } : work.keys;
    this.#work = new UnitOfWork({ ...work, keys });
    this.#work.assignKey();
    this.#req.sessionID = this.#work.key as string;
    this.#session = new Session(this.#req, { cookie: this.#newCookie() }, this);
    this.#shown = new Map();
    this.#settled = false;
    this.#req.session = this.#session;
  }

  async save(session: Session): Promise<void> {
    this.#assertCurrent(session);
    this.#note();
    // Who stores a new session wants its cookie to be sent.
    this.#modified ||= !this.#work.stored;
    await this.#store(this.#res.headersSent);
  }

  async reload(session: Session): Promise<void> {
    this.#assertCurrent(session);
    const work = await this.#read([session.id]);
    if (work.key === null) throw notFound();
    session.clear();
    this.#take(work, session);
  }

  async destroy(session: Session): Promise<void> {
    this.#assertCurrent(session);
    Reflect.deleteProperty(this.#req, 'session');
    await this.#end(false);
  }

  async regenerate(session: Session): Promise<void> {
    this.#assertCurrent(session);
    try {
      await this.#end(true);
    } finally {
      this.begin();
      this.#modified = true;
      this.#retired = false;
    }
  }

  cycleKey(session: Session): void {
    this.#assertCurrent(session);
    this.#work.cycleKey();
    this.#rename();
    this.#modified = true;
    this.#settled = false;
    this.#retired = false;
  }

  flush(session: Session): void {
    this.#assertCurrent(session);
    this.#work.flush();
    this.#work.assignKey();
    this.#rename();
    this.#shown = new Map();
    this.#modified = false;
    this.#settled = false;
    this.#retired = false;
    this.#ended = true;
  }

  /** What is left to do as the response begins, or ends. Synchronous if the store isn't needed. */
  commit(session: Session | null | undefined, headersSent: boolean): SetHeaders | Promise<SetHeaders> {
    if (this.#session === undefined) return nothing;
    const { unset } = this.#settings;
    const finish = (sendsCookie: boolean) => (headersSent ? nothing : () => this.#setHeaders(sendsCookie));
    if (session === null && unset === 'destroy' && !this.#ended) return this.#end(false).then(() => finish(false));
    if (session === null || session === undefined || typeof this.#req.sessionID !== 'string') return this.#leave(finish);
    if (session !== this.#session) throw new TypeError(REPLACED);
    if (!headersSent && !this.#touched) session.touch();
    this.#touched = true;

    const { act, sendsCookie } = decide({ ...this.#settings, ...this.#facts(), persistent: session.cookie.expires !== null });
    if (act === 'interrupt') return this.#interrupt(new UpdateError(), finish);
    const blocked = act === 'store' || sendsCookie ? this.#blockedBy(headersSent) : null;
    if (blocked && this.#isNew) {
      warnBlocked(blocked);
      return finish(false);
    }
    // What no browser would take is an error before anything is stored.
    if (sendsCookie) session.cookie.serialize(this.#settings.name, '');
    if (act === 'store') return this.#store(headersSent).then(() => finish(sendsCookie && blocked === null));
    if (act === 'touch') return this.#renew().then(() => finish(sendsCookie && blocked === null));
    return this.#leave(() => finish(sendsCookie && blocked === null));
  }

  get #isNew(): boolean {
    return this.#clientId !== this.#session.id;
  }

  #facts() {
    const changed = this.#note();
    return {
      isNew: this.#isNew,
      stored: this.#work.stored,
      modified: this.#modified,
      changed,
      settled: this.#settled,
      ended: this.#ended,
      retired: this.#retired,
    };
  }

  async #read(ids: readonly string[]): Promise<UnitOfWork> {
    const work = new UnitOfWork(this.#settings.work, ids);
    try {
      await work.load();
    } catch (error) {
      // express-session hands on the store's own error, and applications know it by its name.
      throw error instanceof StoreUnavailableError ? (error.cause ?? error) : error;
    }
    // A record that can't be decoded is no session.
    void work.data;
    return work;
  }

  /** Shows what was read as properties of the session. */
  #take(work: UnitOfWork, present?: Session): void {
    const { data } = work;
    this.#work = work;
    this.#req.sessionID = work.key as string;
    const cookie = data.values.get('cookie');
    const session = present ?? new Session(this.#req, {}, this);
    session.cookie = cookie ? revive(cookie as CookieData) : this.#newCookie();
    for (const key of data.values.keys()) if (isData(key)) assign(session, key, data.get(key));
    this.#session = session;
    this.#shown = shownBy(session);
    this.#settled = false;
    this.#req.session = session;
  }

  /** Notes what the application has done to the session's properties. Whether there is something to store. */
  #note(): boolean {
    const { data } = this.#work;
    const now = shownBy(this.#session);
    for (const [key, value] of now) {
      if (!this.#shown.has(key) || !Object.is(this.#shown.get(key), value)) data.set(key, value);
    }
    for (const key of this.#shown.keys()) if (!now.has(key)) data.delete(key);
    this.#shown = now;
    const { changed } = data;
    this.#modified ||= changed;
    return changed;
  }

  async #store(headersSent: boolean): Promise<void> {
    const work = this.#work;
    const changed = this.#note();
    const wasStored = work.stored;
    work.blocked = this.#blockedBy(headersSent);
    work.data.set('cookie', this.#session.cookie.toJSON());
    this.#settled = true;
    try {
      await work.save();
    } catch (error) {
      this.#settled = false;
      if (!(error instanceof UpdateError)) throw error;
      work.forget();
      // Only the age would have been new: that of a session which has ended meanwhile is of no interest.
      if (wasStored && !changed) return;
      if (this.#settings.onInterrupted === 'error') throw new SessionInterrupted(error);
    }
    if (work === this.#work) this.#rename();
  }

  async #renew(): Promise<void> {
    const { work } = this.#settings;
    this.#settled = true;
    await this.#work.touch(work.ageOf(new Map([['cookie', this.#session.cookie.toJSON()]]), work.clock()));
  }

  /** Ends the record of the session. With a marker if the client goes on with another ID. */
  async #end(leavesMarker: boolean): Promise<void> {
    this.#ended = true;
    this.#work.flush(leavesMarker);
    await this.#work.carryOutFlush();
  }

  /** Nothing is to be stored; a `flush()` may be left to carry out. */
  #leave(finish: (sendsCookie: boolean) => SetHeaders): SetHeaders | Promise<SetHeaders> {
    if (!this.#work.flushed) return finish(false);
    this.#work.flushed = false;
    return this.#work.carryOutFlush().then(() => finish(false));
  }

  #interrupt(error: UpdateError, finish: (sendsCookie: boolean) => SetHeaders): SetHeaders {
    if (this.#settings.onInterrupted === 'error') throw new SessionInterrupted(error);
    return finish(false);
  }

  #blockedBy(headersSent: boolean): Blocked | null {
    if (headersSent) return 'headers-sent';
    return this.#session.cookie.secure && !isSecure(this.#req, this.#settings.proxy) ? 'insecure' : null;
  }

  #setHeaders(sendsCookie: boolean): void {
    const { name } = this.#settings;
    if (sendsCookie) {
      const { id, cookie } = this.#session;
      sendSetCookie(this.#res, cookie.serialize(name, `s:${sign(id, this.#secrets[0] as Secret)}`));
      this.#clientId = id;
    } else if (this.#ended && cameIn(this.#req, name)) {
      const cookie = this.#newCookie();
      cookie.expires = new Date(0);
      sendSetCookie(this.#res, cookie.serialize(name, ''));
    }
    if (sendsCookie || this.accessed) varyOnCookie(this.#res);
  }

  #newCookie(): Cookie {
    const cookie = new Cookie(this.#settings.cookieOf(this.#req));
    const secure = isSecure(this.#req, this.#settings.proxy);
    if (cookie.secure === 'auto') cookie.secure = secure;
    if (cookie.sameSite === 'auto') cookie.sameSite = secure ? 'none' : 'lax';
    return cookie;
  }

  /** The unit of work may have taken another key: by a cycle, or because the first one was taken. */
  #rename(): void {
    const { key } = this.#work;
    if (key === null || key === this.#session.id) return;
    setId(this.#session, key);
    this.#req.sessionID = key;
  }

  #assertCurrent(session: Session): void {
    if (session !== this.#session) throw new Error('This session has ended: req.session is another one.');
  }
}

const REPLACED =
  'req.session was replaced by an object that is no session. Set its properties instead, or call req.session.regenerate(); ' +
  'req.session = null leaves the session.';

function shownBy(session: Session): ReadonlyMap<string, unknown> {
  const shown = new Map<string, unknown>();
  // As in JSON, undefined is no value.
  for (const [key, value] of session.entries()) if (value !== undefined) shown.set(key, value);
  return shown;
}

function checkedId(id: unknown): string {
  if (typeof id !== 'string' || id === '') throw new TypeError("genid must return a text that isn't empty");
  return id;
}

function nothing(): void {}
