import { IncomingMessage } from 'node:http';
import { usageError } from '../errors.js';
import { expectProperties } from '../hidden-classes.js';
import type { AnyRequest, AnyResponse } from '../http.js';
import { responseGate } from '../response-gate.js';
import { idsIn, isInPath, type LegacyRequest } from './http.js';
import { resolveOptions, type SessionOptions } from './options.js';
import type { Session } from './session.js';
import { Visit } from './visit.js';

export type SessionHandler = (req: AnyRequest, res: AnyResponse, next: (error?: unknown) => void) => void;

/** The visit a request is, for `store.generate(req)`, which stores call with nothing but the request. */
const VISIT = Symbol('visit');
type Carrier = { [VISIT]?: Visit };

/** express-session's `session(options)`, on Sojourn's unit of work and response gate. Throws an `OptionError`. */
export function session(options?: SessionOptions): SessionHandler {
  const settings = resolveOptions(options);
  const { store } = settings;
  const gateResponse = responseGate();
  let connected = true;
  store.on?.('disconnect', () => {
    connected = false;
  });
  store.on?.('connect', () => {
    connected = true;
  });
  store.generate = (req) => (req as Carrier)[VISIT]?.begin();

  return function session(request, res, next) {
    const req = request as unknown as LegacyRequest;
    // Mounted twice: the first one does the work. Not by req.session, which notices that it is looked at.
    if (VISIT in req || req.session || !connected || !isInPath(req, settings.cookieOf(req).path ?? '/')) return next();
    const secrets = settings.secrets ?? (req.secret ? [req.secret] : undefined);
    if (secrets === undefined) return next(usageError('secret option required for sessions', Error));

    expectProperties(request, 'method', IncomingMessage.prototype);
    const visit = new Visit(settings, req, res, secrets);
    const current = attach(req, visit);
    req.sessionStore = store;
    gateResponse(res, (_status, headersSent) => visit.commit(current, headersSent), next);

    const ids = idsIn(req, settings.name, secrets);
    if (ids.length > 0) {
      visit.load(ids).then(() => next(), next);
      return;
    }
    try {
      visit.begin();
    } catch (error) {
      return next(error);
    }
    next();
  };
}

/** Makes `req.session` a property that notices whether it is read. Returns what is there, unnoticed. */
function attach(req: LegacyRequest, visit: Visit): () => unknown {
  let value: Session | null | undefined;
  Object.defineProperty(req, VISIT, { value: visit });
  Object.defineProperty(req, 'session', {
    configurable: true,
    enumerable: true,
    get() {
      visit.accessed = true;
      return value;
    },
    set(session: Session | null | undefined) {
      value = session;
    },
  });
  const { get } = Object.getOwnPropertyDescriptor(req, 'session') as PropertyDescriptor;
  return () => {
    const present = Object.getOwnPropertyDescriptor(req, 'session');
    // Deleted, by destroy() say, and perhaps put there anew.
    return present?.get === get ? value : present?.value;
  };
}
