import type { Session } from './session.js';

/**
 * What `req.session` is in a program. `sojourn/express-session` adds its own, and a program that imports that anywhere
 * means that one: a request can have but one type.
 */
export interface RequestSessions {
  sojourn: Session;
}

type RequestSession = RequestSessions extends { expressSession: infer DropIn } ? DropIn : Session;
type Assignable = RequestSessions extends { expressSession: infer DropIn } ? DropIn | null | undefined : never;

declare global {
  namespace Express {
    interface Request {
      /** The visitor's session: always there, and saved before the response leaves. */
      get session(): RequestSession;
      set session(session: Assignable);
    }
  }
}
