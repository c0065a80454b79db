import { seconds } from '../client.js';
import type { SetCookie } from '../scenario.js';
import type { ModelSession } from './session.js';
import { NamedError, type Setting } from './state.js';
import { StoreDown } from './store.js';

const MAX_COOKIE_AGE = 400 * 86_400;

/** What a response says of the session. */
export interface Reply {
  status: number;
  vary: boolean;
  cookie: SetCookie | null;
  /** An error took the place of the view's response: it has neither its Vary nor its cookies. */
  isNew?: boolean;
}

/** Django: `process_response`. */
export function respond(session: ModelSession, cookieCameIn: boolean, status: number): Reply {
  const { accessed } = session;
  try {
    const reply = commit(session, cookieCameIn, status);
    if (reply.cookie?.kind !== 'set' && session.on.differs('commit is no access')) session.accessed = accessed;
    return reply;
  } catch (error) {
    if (session.on.differs('commit is no access')) session.accessed = accessed;
    return { status: statusOf(error as Error, session.on), vary: false, cookie: null, isNew: true };
  }
}

function commit(session: ModelSession, cookieCameIn: boolean, status: number): Reply {
  const { accessed, modified, on } = session;
  const { differs, settings, store } = on;
  const failed = status >= 500;
  const { empty } = session;
  const leave: Reply = { status, vary: accessed, cookie: null };
  const erase = (): Reply => (cookieCameIn ? { status, vary: true, cookie: deletion(on) } : leave);

  session.carryOutFlush();
  if (session.retired && session.unsaved && !failed && differs('retired key')) throw new NamedError('UpdateError');
  // What was put into a flushed session and is over already changes nothing: it stays flushed.
  const over = differs('past expiry') && session.flushedHere && !session.stored && session.unsaved && session.age() <= 0;
  if (over) {
    if (!failed) session.slot = null;
    return erase();
  }
  if (cookieCameIn && empty && (session.flushedHere || !differs('erased by flush'))) return erase();
  // A cycle is carried out here, so that not even `modified = false` loses it.
  const pending = differs('at commit') && (session.cycled || session.keyPending);
  if (empty || !(modified || pending || settings.save_every_request)) return leave;
  if (session.failure && !session.unsaved) return leave;

  const byHand = session.savedByHand && modified;
  const unsaved = differs('saved once') ? session.unsaved : modified;
  if (failed) {
    session.age();
    const savedBefore = byHand && differs('saved by hand') && (!session.unsaved || session.stored || session.cycled);
    if (!savedBefore) return leave;
    if (session.cycled) session.cancelCycle();
    return session.key === null ? erase() : set(session, status);
  }
  if (!unsaved && !byHand && differs('touch')) {
    if (session.key === null || !store.touch(session.key, Math.max(1, Math.floor(session.age())), session.slot?.version)) return leave;
  } else if (unsaved || !byHand) {
    session.age();
    session.save();
  }
  if (session.key === null) return erase();
  return set(session, status);
}

function set(session: ModelSession, status: number): Reply {
  const { settings, differs, store } = session.on;
  const age = session.endsWithBrowser() ? null : Math.trunc(session.age());
  // Django also sends the date, in whole seconds.
  const ends = age === null ? null : seconds(Math.floor((store.now + session.age() * 1000) / 1000) * 1000 - store.now);
  const max_age = age === null || !differs('max-age') ? age : Math.min(Math.max(1, age), MAX_COOKIE_AGE);
  const cookie: SetCookie = {
    kind: 'set',
    name: settings.cookie_name,
    value: session.key as string,
    max_age,
    expires_in: differs('max-age') ? max_age : ends,
    path: settings.cookie_path,
    domain: settings.cookie_domain,
    secure: settings.cookie_secure,
    httponly: settings.cookie_httponly,
    samesite: settings.cookie_samesite,
  };
  return { status, vary: true, cookie };
}

function deletion({ settings, differs }: Setting): SetCookie {
  const { cookie_name: name, cookie_secure, cookie_samesite: samesite } = settings;
  const same = differs('deletion attributes');
  return {
    kind: 'deleted',
    name,
    value: '',
    max_age: 0,
    expires_in: 'epoch',
    path: settings.cookie_path,
    domain: settings.cookie_domain,
    secure: same ? cookie_secure : /^__(Secure|Host)-/.test(name) || samesite?.toLowerCase() === 'none',
    httponly: same && settings.cookie_httponly,
    samesite,
  };
}

function statusOf(error: Error, { differs }: Setting): number {
  if (error.name === 'UpdateError') return 400;
  return error instanceof StoreDown && differs('store down is 503') ? 503 : 500;
}
