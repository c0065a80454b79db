import { type Blocked, warnBlocked } from './blocked.js';
import { SessionInterrupted, StoreUnavailableError, UpdateError } from './errors.js';
import { MAX_COOKIE_AGE, wholeSeconds } from './expiry.js';
import { type AnyRequest, type AnyResponse, isSecure, sendSetCookie, setMissingHeaders, varyOnCookie } from './http.js';
import type { SessionSettings } from './options.js';
import type { SetHeaders } from './response-gate.js';
import { type Session, workOf } from './session.js';
import type { Predecessor } from './take-over.js';
import type { UnitOfWork } from './unit-of-work.js';

/** All that the decision depends on. */
export interface Facts {
  /** The application touched the data. */
  readonly accessed: boolean;
  /** It changed something at some time during the request. */
  readonly modified: boolean;
  /** There is something to write that isn't written yet. */
  readonly changed: boolean;
  /** No key and no data. */
  readonly empty: boolean;
  /** There is a record under the session's key. */
  readonly stored: boolean;
  /** There is a key that has no record yet. */
  readonly keyPending: boolean;
  /** The record under the old key is still to be retired. */
  readonly cycled: boolean;
  /** The application flushed, and that is still to be carried out. */
  readonly flushed: boolean;
  /** The key that came in was cycled by another request. */
  readonly retired: boolean;
  /** The application stored the session itself. */
  readonly savedByHand: boolean;
  /** The session's own expiry lies in the past. */
  readonly expired: boolean;
  /** Why no new key can reach the client, or null. */
  readonly blocked: Blocked | null;
  readonly headersSent: boolean;
  readonly status: number;
  readonly saveEveryRequest: boolean;
}

/**
 * What becomes of a session at the end of a request.
 *
 * - `untouched`: nothing at all · `read`: only `Vary`
 * - `empty`: changed, but there is nothing to store · `failed`: the response is an error, changes are not stored
 * - `create` a first record · `update` the record · `touch`: a new time to live · `cycle`: a new record, the old retired
 * - `flush`: records and cookie go · `flush-failed`: the records go, but data set after it are not stored, because the
 *   response is an error or `modified = false` forgot them · `flush-blocked`: likewise, because no cookie can be sent · `replace`: they go, and a new record is created
 * - `expire`: its time is over, record and cookie go
 * - `saved`: the application has saved it, the cookie is still to be sent
 * - `blocked`: there is something new to store, but its cookie can't be sent
 * - `interrupted`: the session ended in another request
 */
export type Outcome =
  | 'untouched'
  | 'read'
  | 'empty'
  | 'failed'
  | 'create'
  | 'update'
  | 'touch'
  | 'cycle'
  | 'flush'
  | 'flush-failed'
  | 'flush-blocked'
  | 'replace'
  | 'expire'
  | 'saved'
  | 'blocked'
  | 'interrupted';

/** Django's rules (`SessionMiddleware.process_response`), with the differences that the README names. */
export function decide(facts: Facts): Outcome {
  const { changed, stored, cycled, empty, blocked, expired } = facts;
  const failed = facts.status >= 500;
  const unsaved = changed || cycled || facts.keyPending;
  const saved = facts.savedByHand && facts.modified;
  if (facts.flushed && !stored) {
    // What was set after the flush is over, or was when the application saved it.
    if (empty || expired || (saved && !unsaved)) return 'flush';
    if (failed || !unsaved) return 'flush-failed';
    return blocked ? 'flush-blocked' : 'replace';
  }
  if (unsaved && failed) return saved && (stored || cycled) ? 'saved' : 'failed';
  if (unsaved && facts.retired) return 'interrupted';
  if (unsaved && empty) return 'empty';
  if (unsaved && expired) return 'expire';
  if (unsaved && stored) return 'update';
  if (unsaved && blocked) return 'blocked';
  if (unsaved) return cycled ? 'cycle' : 'create';
  if (saved) return 'saved';
  if (facts.saveEveryRequest && stored && !failed && !facts.headersSent) return expired ? 'expire' : 'touch';
  return facts.accessed ? 'read' : 'untouched';
}

/** One request and its response, as far as the session is concerned. */
export interface Exchange {
  readonly session: Session<never>;
  readonly req: AnyRequest;
  readonly res: AnyResponse;
  readonly settings: SessionSettings;
}

type CookieAct = 'set' | 'erase' | 'leave';

/**
 * Decides and acts. Talks to the store only if it must, and only then returns a promise. What it gives sets the headers
 * of the response, once the record is safe.
 */
export function commitSession(exchange: Exchange, status: number, headersSent: boolean): SetHeaders | Promise<SetHeaders> {
  const work = workOf(exchange.session);
  // Most requests of most sites: what was not even looked at needs no decision.
  if (!exchange.session.accessed && !work.modified && !work.savedByHand && !work.takesOver && !exchange.settings.saveEveryRequest) {
    forbidNewKey(work);
    return nothing;
  }
  const finish = (cookie: CookieAct): SetHeaders => {
    if (headersSent) return nothing;
    // No new key under a response that can't carry it; decided here, because the headers of one response may be set twice.
    const possible = cookie === 'set' && work.blocked !== null ? 'leave' : cookie;
    return () => {
      setHeaders(exchange, work, possible);
      // Whoever answers with the error that a read has left: Express' own handler, or one of the application's.
      if (status === 503 && work.failure instanceof StoreUnavailableError) setMissingHeaders(exchange.res, work.failure.headers);
      forbidNewKey(work);
    };
  };
  const settled = settle(exchange, work, status, headersSent);
  return typeof settled === 'string' ? finish(settled) : settled.then(finish);
}

/** Decides and acts, until the application leaves nothing more to do. What becomes of the cookie, at once without the store. */
function settle(exchange: Exchange, work: UnitOfWork, status: number, headersSent: boolean): CookieAct | Promise<CookieAct> {
  const acted = act(decide(factsOf(exchange, work, status, headersSent)), work, exchange.settings);
  if (typeof acted === 'string') return acted;
  return acted.then((cookie) => {
    // A logout or a login after the answer, while the store was at work: the cookie must not be that of a key from before.
    if (!work.changed && !work.keyPending && !work.flushed) return cookie;
    const later = settle(exchange, work, status, headersSent);
    return typeof later === 'string' ? pick(later, cookie) : later.then((last) => pick(last, cookie));
  });
}

function pick(later: CookieAct, earlier: CookieAct): CookieAct {
  return later === 'leave' ? earlier : later;
}

function factsOf({ session, settings }: Exchange, work: UnitOfWork, status: number, headersSent: boolean): Facts {
  const { changed } = work;
  if (changed || work.keyPending) work.settleUser();
  const { keyPending } = work;
  // Stored before the application had its turn; the client doesn't have the cookie yet.
  const takenOver = work.takesOver && work.stored;
  return {
    accessed: session.accessed,
    modified: changed || work.modified || takenOver,
    changed,
    empty: work.empty,
    stored: work.stored,
    keyPending,
    cycled: work.cycled,
    flushed: work.flushed,
    retired: work.retired,
    savedByHand: work.savedByHand || takenOver,
    expired: (changed || keyPending || (settings.saveEveryRequest && work.stored)) && work.age <= 0,
    blocked: work.blocked,
    headersSent,
    status,
    saveEveryRequest: settings.saveEveryRequest,
  };
}

/** Carries the outcome out. What becomes of the cookie, at once if the store isn't needed. */
function act(outcome: Outcome, work: UnitOfWork, settings: SessionSettings): CookieAct | Promise<CookieAct> {
  switch (outcome) {
    case 'untouched':
    case 'read':
    case 'empty':
    case 'failed':
      return 'leave';
    case 'saved':
      // A cycle after the save is part of what an error response drops.
      if (work.cycled) work.cancelCycle();
      return work.key === null ? 'erase' : 'set';
    case 'blocked':
      // A cycle stays undone, and so do the changes with it and after it: they were not meant for the old key.
      if (work.blocked) warnBlocked(work.blocked);
      return 'leave';
    case 'touch':
      return work.touch().then((renewed) => (renewed ? 'set' : 'leave'));
    case 'create':
    case 'update':
    case 'cycle':
    case 'replace':
      return save('set', work, settings);
    case 'expire':
      return save('erase', work, settings);
    case 'flush':
      return carryOutFlush('erase', work);
    case 'flush-failed':
      return carryOutFlush('leave', work);
    case 'flush-blocked':
      if (work.blocked) warnBlocked(work.blocked);
      return carryOutFlush('erase', work);
    case 'interrupted':
      return interrupt(new UpdateError(), work, settings);
  }
}

async function save(cookie: CookieAct, work: UnitOfWork, settings: SessionSettings): Promise<CookieAct> {
  // A flush during this is another one, still to be carried out.
  const { flushed } = work;
  work.flushed = false;
  try {
    await work.save();
    return cookie;
  } catch (error) {
    work.flushed ||= flushed;
    if (error instanceof UpdateError) return interrupt(error, work, settings);
    throw error;
  }
}

async function carryOutFlush(cookie: CookieAct, work: UnitOfWork): Promise<CookieAct> {
  work.flushed = false;
  try {
    await work.carryOutFlush();
    return cookie;
  } catch (error) {
    work.flushed = true;
    throw error;
  }
}

/** The session ended in another request: an error for the client, unless the changes are to be dropped quietly. */
async function interrupt(error: UpdateError, work: UnitOfWork, { onInterrupted }: SessionSettings): Promise<CookieAct> {
  if (onInterrupted === 'error') throw new SessionInterrupted(error);
  if (work.cycled) work.cancelCycle();
  else work.forget();
  return 'leave';
}

function setHeaders({ session, req, res, settings }: Exchange, work: UnitOfWork, cookie: CookieAct): void {
  const { key } = work;
  if (cookie === 'set' && key !== null) {
    sendSetCookie(res, settings.cookie.write(key, cookieAge(session, work), isSecure(req)));
    if (!session.accessed) varyOnCookie(res);
  } else if (cookie === 'erase' && work.blocked !== 'path' && settings.cookie.cameIn(req.headers.cookie)) {
    sendSetCookie(res, settings.cookie.erase(isSecure(req)));
  }
  // What it led to is gone, or has a cookie of its own. Where that can't be sent, the old one leads to the session still.
  if (work.takesOver && work.loaded && (cookie === 'set' || key === null)) {
    sendSetCookie(res, (settings.takeOver as Predecessor).eraseCookie(isSecure(req)));
  }
  if (session.accessed) varyOnCookie(res);
}

/** The cookie's `Max-Age` in seconds, or null for one that ends with the browser. */
export function cookieAge(session: Pick<Session, 'getExpireAtBrowserClose'>, work: UnitOfWork): number | null {
  // A record may live longer than any cookie: by a fixed time in years, say.
  return session.getExpireAtBrowserClose() ? null : Math.min(wholeSeconds(work.age), MAX_COOKIE_AGE);
}

/** The headers are leaving: what is stored under a new key from here on would never be found again. */
function forbidNewKey(work: UnitOfWork): void {
  work.blocked ??= 'headers-sent';
}

function nothing(): void {}
