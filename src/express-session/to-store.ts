import { OptionError } from '../errors.js';
import { assertKnown } from '../known-options.js';
import { checkedStore } from '../options.js';
import type { Store } from '../stores/store.js';
import { KeptSessions } from './kept-sessions.js';

export interface ToExpressSessionStoreOptions<Base extends object> {
  /** express-session itself: what comes out extends its `Store`, as express-session wants it. */
  session: { readonly Store: abstract new () => Base };
  /** How long a session without `cookie.expires` is kept, in seconds. A day unless told. */
  ttl?: number;
  /** The time in milliseconds, like `Date.now`, which it is unless told. */
  clock?: () => number;
}

/** The methods of a store that express-session calls. Sessions are objects with a `cookie`. */
export interface ExpressSessionStoreMethods {
  get(sid: string, callback: (error: unknown, session?: object | null) => void): void;
  set(sid: string, session: object, callback?: (error?: unknown) => void): void;
  touch(sid: string, session: object, callback?: (error?: unknown) => void): void;
  destroy(sid: string, callback?: (error?: unknown) => void): void;
}

const OPTIONS: Record<keyof ToExpressSessionStoreOptions<object>, true> = { session: true, ttl: true, clock: true };
const DAY = 86_400;

/**
 * Makes any `Store` (a `RedisStore`, a `MemoryStore`, ...) a store for express-session, for applications that keep it.
 *
 * - The store sees the SHA-256 of a session id, never the id.
 * - Parallel requests don't lose each other's writes: a save writes the keys of the session that this request has changed,
 *   by compare-and-swap. On the same key the last one wins.
 * - A save of a session that was destroyed since this request read it fails with an `UpdateError` and writes nothing. If
 *   nothing was changed (`resave: true`), it is no error and writes nothing.
 * - A session that express-session didn't get from this store by `get`, `load` or `reload` has no version to compare with:
 *   `store.set(id, objectOfYourOwn)` replaces what is there, or puts it there.
 *
 * When it is saved is express-session's own doing: a response begins before that, and a save that fails doesn't change
 * its status.
 */
export function toExpressSessionStore<Base extends object>(
  store: Store,
  options: ToExpressSessionStoreOptions<Base>,
): Base & ExpressSessionStoreMethods {
  checkedStore(store);
  assertKnown(options, OPTIONS, '');
  const { session, ttl = DAY, clock = Date.now } = options;
  if (typeof session?.Store !== 'function') {
    throw new OptionError('session', 'must be express-session itself: toExpressSessionStore(store, { session })');
  }
  if (!Number.isFinite(ttl) || ttl <= 0) throw new OptionError('ttl', 'must be a number of seconds above 0');
  if (typeof clock !== 'function') throw new OptionError('clock', 'must be a function like Date.now');

  const sessions = new KeptSessions({ store, ttl, clock });
  // The types of express-session say no more of its class than that it can be extended.
  const Parent = session.Store as unknown as new () => { createSession(req: object, data: object): object };

  class SojournStore extends Parent implements ExpressSessionStoreMethods {
    get(sid: string, callback: (error: unknown, session?: object | null) => void): void {
      sessions.read(sid).then(
        (data) => process.nextTick(callback, null, data),
        (error) => process.nextTick(callback, error),
      );
    }

    set(sid: string, session: object, callback?: (error?: unknown) => void): void {
      callBack(sessions.write(sid, session), callback);
    }

    touch(sid: string, session: object, callback?: (error?: unknown) => void): void {
      callBack(sessions.touch(sid, session), callback);
    }

    destroy(sid: string, callback?: (error?: unknown) => void): void {
      callBack(sessions.destroy(sid), callback);
    }

    override createSession(req: object, data: object): object {
      const session = super.createSession(req, data);
      sessions.becomes(data, session);
      return session;
    }
  }
  return new SojournStore() as unknown as Base & ExpressSessionStoreMethods;
}

/** Calls back in a turn of its own: what a callback throws is the application's. Faults are published as events, too. */
function callBack(promise: Promise<void>, callback: (error?: unknown) => void = nothing): void {
  promise.then(
    () => process.nextTick(callback, null),
    (error) => process.nextTick(callback, error),
  );
}

function nothing(): void {}
