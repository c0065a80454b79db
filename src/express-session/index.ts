import '../request.js';
import { Cookie } from './cookie.js';
import { session as middleware } from './middleware.js';
import { Session, type SessionData } from './session.js';
import { MemoryStore, Store } from './store.js';

export type { CookieData, CookieOptions } from './cookie.js';
export type { SessionHandler } from './middleware.js';
export type { SessionOptions } from './options.js';
export type { SessionData } from './session.js';
export type { StoredData } from './store.js';

const session = Object.assign(middleware, { Cookie, MemoryStore, Session, Store });

export default session;
// What `require('sojourn/express-session')` gives: the function itself, as with express-session.
export { Cookie, MemoryStore, Session, Store, session as 'module.exports' };

declare module '../request.js' {
  interface RequestSessions {
    expressSession: Session & Partial<SessionData>;
  }
}

declare global {
  namespace Express {
    interface Request {
      /** The ID in the cookie. A secret: who has it is signed in. */
      sessionID: string;
      sessionStore: Store;
    }
  }
}
