import { IncomingMessage, type ServerResponse } from 'node:http';
import { commitSession, cookieAge } from './commit.js';
import type { SessionCookie } from './cookie.js';
import { usageError } from './errors.js';
import { expectProperties } from './hidden-classes.js';
import { type AnyRequest, type AnyResponse, isInPath, isSecure } from './http.js';
import { resolveOptions, type SessionOptions } from './options.js';
import { responseGate } from './response-gate.js';
import { Session } from './session.js';
import type { SessionData, SessionEntriesOf } from './session-data.js';
import type { Store } from './stores/store.js';
import { claimIn } from './take-over.js';
import { UnitOfWork } from './unit-of-work.js';
import { revokeEverything, type UserSessions, userSessions } from './user-sessions.js';

/** What `session(options)` returns: a middleware for Express, Connect or plain `node:http`, and what belongs to it. */
export interface SessionMiddleware<Data extends object = SessionData> {
  (req: AnyRequest, res: AnyResponse, next: (error?: unknown) => void): void;
  /** The session of an upgrade request, a socket or a job: loaded, and stored by its own `save()`. */
  load(req: AnyRequest): Promise<Session<Data>>;
  /** A new stored session, the `Cookie` header that leads to it, and how many seconds a browser keeps it (null: until it closes). */
  issue(data: SessionEntriesOf<Data>): Promise<{ sessionKey: string; cookie: string; maxAge: number | null }>;
  /** The sessions of a user, to be listed and ended. Needs the option `user`. */
  of(user: string | number): UserSessions;
  /**
   * Ends all sessions in the store, whoever's; how many are known to have ended. Goes through all keys, so it may take a while. Rejects with
   * `StoreUnavailableError`, having ended some.
   */
  revokeEverything(): Promise<number>;
  readonly store: Store;
  /** @internal How the session's cookie is read and written, for `sojourn/testing`. */
  readonly cookie: SessionCookie;
}

/**
 * Sessions for an app. Throws an `OptionError` for options that can't work.
 *
 * This is the life of a request: the cookie gives a session key, the store its record, the handler works on the
 * session, and when the response begins, what was changed is stored before anything leaves.
 */
export function session<Data extends object = SessionData>(options?: SessionOptions<Data>): SessionMiddleware<Data> {
  const settings = resolveOptions(options);
  const gateResponse = responseGate();
  const { attach, isAttached } = attachment(settings.property);
  /** The session that a Cookie header asks for, still to be loaded. */
  const workFor = (header: string | undefined): UnitOfWork => {
    const keys = settings.cookie.read(header);
    const claim = keys.length === 0 ? claimIn(header, settings) : undefined;
    return claim ? new UnitOfWork(settings, [claim.sessionKey], claim.settle) : new UnitOfWork(settings, keys);
  };

  const middleware = (req: AnyRequest, res: AnyResponse, next: (error?: unknown) => void): void => {
    const present = (req as unknown as Record<string, unknown>)[settings.property];
    if (present !== undefined) {
      // Mounted twice: the first one does the work.
      next(present instanceof Session ? undefined : takenError(settings.property));
      return;
    }

    const inPath = isInPath(req, settings.cookie.path);
    const work = inPath ? workFor(req.headers.cookie) : new UnitOfWork(settings);
    if (!inPath) work.blocked = 'path';
    else if (settings.cookie.secure === true && !isSecure(req)) work.blocked = 'insecure';
    else if ((res as ServerResponse).headersSent) work.blocked = 'headers-sent';

    const session = new Session<never>(work, settings);
    attach(req, session);

    const exchange = { session, req, res, settings };
    const commit = (status: number, headersSent: boolean) =>
      // An application that deletes req.session wants nothing to be done.
      isAttached(req, session) ? commitSession(exchange, status, headersSent) : doNothing;
    gateResponse(res, commit, next);

    const proceed = () => next();
    if (work.loaded || settings.lazy) proceed();
    // A failed read comes up where the data are touched: pages that don't need the session are still served.
    else work.load().then(proceed, proceed);
  };

  return Object.assign(middleware, {
    store: settings.store,
    cookie: settings.cookie,
    of: (user: string | number) => userSessions(settings, user),
    revokeEverything: () => revokeEverything(settings),
    load: (req: AnyRequest) => new Session<Data>(workFor(req.headers.cookie), settings).load(),
    async issue(data: SessionEntriesOf<Data>) {
      const work = new UnitOfWork(settings);
      const session = new Session<Data>(work, settings);
      await session.update(data).save();
      const sessionKey = session.sessionKey as string;
      return { sessionKey, cookie: settings.cookie.pair(sessionKey), maxAge: cookieAge(session, work) };
    },
  });
}

/** How a session comes to hang on the request: as a property that says what is wrong when somebody assigns to it. */
function attachment(property: string) {
  const slot = Symbol(property);
  type Carrier = { [slot]?: unknown };
  // One accessor for all requests: a closure for each would give each request a shape of its own.
  const accessor: PropertyDescriptor & ThisType<Carrier> = {
    configurable: true,
    enumerable: true,
    get() {
      return this[slot];
    },
    set(value: unknown) {
      const hint =
        value === null || value === undefined
          ? `to log out, call req.${property}.flush()`
          : `to replace its data, call clear() and update(data)`;
      throw usageError(`req.${property} can't be assigned: ${hint}.`);
    },
  };
  return {
    attach(req: AnyRequest, session: Session<never>): void {
      expectProperties(req, 'method', IncomingMessage.prototype);
      (req as Carrier)[slot] = session;
      Object.defineProperty(req, property, accessor);
    },
    isAttached: (req: AnyRequest, session: Session<never>): boolean => (req as unknown as Record<string, unknown>)[property] === session,
  };
}

function takenError(property: string): TypeError {
  return usageError(
    `req.${property} is there already, and is no session of Sojourn. Take the other session middleware out, or give this one another name: ` +
      `session({ property: 'visit' }).`,
  );
}

function doNothing(): void {}
