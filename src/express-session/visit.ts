import { type Blocked, warnBlocked } from '../blocked.js';
import { endedError, SessionInterrupted, StoreUnavailableError, UpdateError, usageError } from '../errors.js';
import { type AnyResponse, sendSetCookie, varyOnCookie } from '../http.js';
import type { SetHeaders } from '../response-gate.js';
import { takeOver } from '../take-over.js';
import { UnitOfWork, type WorkSettings } from '../unit-of-work.js';
import { Binding } from './binding.js';
import { type Cookie, newCookie } from './cookie.js';
import { decide } from './decide.js';
import { cameIn, checkedId, erasingCookie, isSecure, type LegacyRequest, signedCookie } from './http.js';
import type { Secret, Settings } from './options.js';
import { clearData, cookieOf, restartAge, Session } from './session.js';
import { type Host, notFound } from './session-host.js';

/**
 * One request under the drop-in: its session, which `regenerate()` may replace by another, and what becomes of it as the
 * response begins.
 */
export class Visit implements Host {
  readonly #settings: Settings;
  readonly #work: WorkSettings;
  readonly #req: LegacyRequest;
  readonly #res: AnyResponse;
  readonly #secrets: readonly Secret[];
  /** Missing until the session was read; a response that begins before, with the store's error say, is none of ours. */
  #bound: Binding | undefined;
  /** The ID that the client holds: that of its cookie, or the one this response has given it. */
  #clientId: string | undefined;
  /** Something was changed during this request. */
  #modified = false;
  #touched = false;
  /** The session on the request was destroyed: nothing of it is stored any more. */
  #destroyed = false;
  /** The cookie of the session that the client held and this request has ended. */
  #ended: Cookie | undefined;
  /** The record is gone, so that the cookie goes as well. */
  #erases = false;
  /** Another request replaced the session that the client held: a login. */
  #retired = false;
  /** What the application has begun and perhaps doesn't wait for. */
  #pending: Promise<unknown> | undefined;
  /** The application looked at `req.session`: the response depends on the cookie. */
  accessed = false;

  constructor(settings: Settings, req: LegacyRequest, res: AnyResponse, secrets: readonly Secret[]) {
    const { work, genid } = settings;
    this.#settings = settings;
    this.#work = genid ? { ...work, keys: { ...work.keys, createKey: () => checkedId(genid(req)) } } : work;
    this.#req = req;
    this.#res = res;
    this.#secrets = secrets;
  }

  /** Takes up the session that one of these IDs leads to, or begins one. Rejects if the store fails. */
  async load(ids: readonly string[]): Promise<void> {
    let work = await this.#read(ids);
    const predecessor = this.#settings.takeOver;
    const [id, ...others] = ids as [string, ...string[]];
    if (predecessor && work.key === null && !work.retired && others.length === 0) {
      // Its cookie stays the client's: the ID goes on in the other store.
      await takeOver(this.#work, predecessor, id, id);
      work = await this.#read(ids);
    }
    this.#clientId = work.key ?? id;
    this.#retired = work.retired;
    if (work.key === null) this.begin(work);
    else this.#take(work);
  }

  /** A new session on the request. */
  begin(work = new UnitOfWork(this.#work)): void {
    work.assignKey();
    this.#req.sessionID = work.key as string;
    const session = new Session(this.#req, { cookie: this.#newCookie() }, this);
    this.#bind(session, work);
  }

  save(session: Session, isHeard: boolean): Promise<void> {
    const saving = this.#save(session, isHeard);
    // What it could not store is tried again with the response.
    this.#waitFor(saving.catch(nothing));
    return saving;
  }

  async reload(session: Session): Promise<void> {
    this.#alive(session);
    const work = await this.#read([session.id]);
    if (work.key === null) throw notFound();
    clearData(session);
    this.#take(work, session);
  }

  async destroy(session: Session): Promise<void> {
    const { work } = this.#present(session);
    Reflect.deleteProperty(this.#req, 'session');
    this.#destroyed = true;
    this.#end();
    await this.#carryOut(work);
  }

  regenerate(session: Session): Promise<void> {
    const regenerating = this.#regenerate(session);
    this.#waitFor(regenerating);
    return regenerating;
  }

  cycleKey(session: Session): void {
    const bound = this.#alive(session);
    bound.work.cycleKey();
    bound.rename();
    bound.settled = false;
    this.#modified = true;
    this.#retired = false;
  }

  flush(session: Session): void {
    const { work } = this.#alive(session);
    this.#end();
    work.assignKey();
    session.cookie = this.#newCookie();
    this.#bind(session, work);
    this.#modified = false;
    this.#retired = false;
  }

  /**
   * What is left to do as the response begins, or ends. Synchronous if the store isn't needed. `current` gives what the
   * application has in `req.session`.
   */
  commit(current: () => unknown, headersSent: boolean): SetHeaders | Promise<SetHeaders> {
    const bound = this.#bound;
    if (bound === undefined) return nothing;
    if (this.#pending) return this.#pending.then(() => this.commit(current, headersSent));
    const session = current();
    const finish = (sendsCookie: boolean) => (headersSent ? nothing : this.#headers(bound, sendsCookie));
    if (session === null || session === undefined) return this.#leaveUnset(bound, finish);
    if (this.#destroyed || typeof this.#req.sessionID !== 'string') return this.#leave(bound, () => finish(false));
    if (session !== bound.session) throw usageError(REPLACED);
    if (!headersSent && !this.#touched) restartAge(bound.session);
    this.#touched = true;

    const { act, sendsCookie } = decide({ ...this.#settings, ...this.#facts(bound) });
    if (act === 'interrupt') return this.#interrupt(() => finish(false));
    const blocked = act === 'store' || sendsCookie ? this.#blockedBy(bound, headersSent) : null;
    if (blocked && this.#isNew(bound)) {
      warnBlocked(blocked);
      return this.#leave(bound, () => finish(false));
    }
    const sends = sendsCookie && blocked === null;
    // What no browser would take is an error before anything is stored.
    if (sends) cookieOf(bound.session).serialize(this.#settings.name, '');
    if (act === 'leave') return this.#leave(bound, () => finish(sends));
    const acted = act === 'store' ? this.#store(bound, headersSent, false) : bound.renew();
    // A session that another request has ended gets no cookie: it would replace the one that a login has just set.
    return acted.then((isAlive) => this.#leave(bound, () => finish(sends && isAlive)));
  }

  #isNew({ session }: Binding): boolean {
    return this.#clientId !== session.id;
  }

  #facts(bound: Binding) {
    const changed = bound.note();
    this.#modified ||= changed;
    return {
      isNew: this.#isNew(bound),
      stored: bound.work.stored,
      modified: this.#modified,
      changed,
      settled: bound.settled,
      ended: this.#ended !== undefined,
      retired: this.#retired,
      persistent: cookieOf(bound.session).expires !== null,
      cookieChanged: bound.cookieChanged,
    };
  }

  async #read(ids: readonly string[]): Promise<UnitOfWork> {
    const work = new UnitOfWork(this.#work, ids);
    try {
      await work.load();
    } catch (error) {
      // express-session hands on the error of its store, and applications know it by its name.
      throw this.#settings.isForeign && error instanceof StoreUnavailableError ? (error.cause ?? error) : error;
    }
    // A record that can't be decoded is no session.
    void work.data;
    return work;
  }

  /** Shows what was read as the session of the request. */
  #take(work: UnitOfWork, session?: Session): void {
    this.#req.sessionID = work.key as string;
    this.#bind(session ?? new Session(this.#req, {}, this), work).show(() => this.#newCookie());
  }

  #bind(session: Session, work: UnitOfWork): Binding {
    this.#bound = new Binding(session, work);
    this.#destroyed = false;
    this.#req.session = session;
    return this.#bound;
  }

  #store(bound: Binding, headersSent: boolean, isHeard: boolean): Promise<boolean> {
    return bound.store({ blocked: this.#blockedBy(bound, headersSent), onInterrupted: this.#settings.onInterrupted, isHeard });
  }

  /** Notes that the session is over. Its record gets a marker if the client goes on with another ID. */
  #end(leavesMarker = false): void {
    this.#ended ??= this.#bound?.session.cookie;
    this.#bound?.work.flush(leavesMarker);
  }

  async #carryOut(work: UnitOfWork): Promise<void> {
    await work.carryOutFlush();
    work.flushed = false;
    this.#erases = true;
  }

  async #save(session: Session, isHeard: boolean): Promise<void> {
    const bound = this.#alive(session);
    // Who stores a new session wants its cookie to be sent.
    this.#modified ||= bound.note() || !bound.work.stored;
    await this.#store(bound, this.#res.headersSent, isHeard);
  }

  async #regenerate(session: Session): Promise<void> {
    const { work } = this.#present(session);
    try {
      this.#end(true);
      await this.#carryOut(work);
      this.#modified = true;
      this.#retired = false;
    } finally {
      this.begin();
    }
  }

  /** Lets the response wait until this is done, whether the application does or not; what it rejects with fails the response. */
  #waitFor(done: Promise<unknown>): void {
    const pending = Promise.all([this.#pending, done]);
    const clear = () => {
      if (this.#pending === pending) this.#pending = undefined;
    };
    this.#pending = pending;
    pending.then(clear, clear);
  }

  /** Nothing is to be stored; a `flush()` may be left to carry out. */
  #leave({ work }: Binding, finish: () => SetHeaders): SetHeaders | Promise<SetHeaders> {
    return work.flushed ? this.#carryOut(work).then(finish) : finish();
  }

  /** `req.session = null`, or `delete req.session`. */
  #leaveUnset(bound: Binding, finish: (sendsCookie: boolean) => SetHeaders): SetHeaders | Promise<SetHeaders> {
    if (this.#settings.unset === 'destroy' && !this.#destroyed) {
      this.#destroyed = true;
      this.#end();
    }
    return this.#leave(bound, () => finish(false));
  }

  #interrupt(finish: () => SetHeaders): SetHeaders {
    if (this.#settings.onInterrupted === 'error') throw new SessionInterrupted(new UpdateError());
    return finish();
  }

  #blockedBy({ session }: Binding, headersSent: boolean): Blocked | null {
    if (cookieOf(session).secure && !isSecure(this.#req, this.#settings.proxy)) return 'insecure';
    return headersSent ? 'headers-sent' : null;
  }

  /** The headers of the response. All that can fail is done here, where the answer to it can still be an error. */
  #headers(bound: Binding, sendsCookie: boolean): SetHeaders {
    const { name } = this.#settings;
    const { session, work } = bound;
    const { id } = session;
    // After a logout or a cycle that came when the answer was there, this ID has no record. Without a key the session was
    // over as it was stored, and its cookie says so.
    const hasRecord = work.stored || work.key === null;
    const sends = sendsCookie && bound === this.#bound && !this.#destroyed && hasRecord;
    let line: string | undefined;
    if (sends) line = signedCookie(name, id, this.#secrets[0] as Secret, cookieOf(session));
    else if (this.#erases && this.#ended && cameIn(this.#req, name)) line = erasingCookie(name, this.#ended);
    return () => {
      if (line !== undefined) sendSetCookie(this.#res, line);
      if (sends) this.#clientId = id;
      if (sends || this.accessed) varyOnCookie(this.#res);
    };
  }

  #newCookie(): Cookie {
    return newCookie(this.#settings.cookieOf(this.#req), isSecure(this.#req, this.#settings.proxy));
  }

  /** What is bound to a session that is still that of the request. */
  #present(session: Session): Binding {
    if (this.#bound?.session === session) return this.#bound;
    throw endedError('This session has ended: req.session is another one.');
  }

  #alive(session: Session): Binding {
    if (this.#destroyed) throw endedError('This session has ended: it was destroyed.');
    return this.#present(session);
  }
}

const REPLACED =
  'req.session was replaced by an object that is not the session of this request. Set its properties instead, or call ' +
  'req.session.regenerate(); req.session = null leaves the session.';

function nothing(): void {}
