/**
 * As much of express-session as the tests use. Its own types would claim `req.session` for themselves, which is
 * Sojourn's in this repository.
 */
declare module 'express-session' {
  import type { EventEmitter } from 'node:events';
  import type { Request, RequestHandler } from 'express';

  function session(options: session.SessionOptions): RequestHandler;

  namespace session {
    interface SessionOptions {
      secret: string;
      resave: boolean;
      saveUninitialized: boolean;
      store: unknown;
      rolling?: boolean;
      cookie?: { maxAge?: number };
    }
    interface SessionData {
      cookie: Cookie;
    }
    interface Cookie {
      originalMaxAge: number | null;
      maxAge?: number;
      expires?: Date | null;
    }
    abstract class Store extends EventEmitter {
      abstract get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void;
      abstract set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void;
      abstract destroy(sid: string, callback?: (error?: unknown) => void): void;
      touch?(sid: string, session: SessionData, callback?: (error?: unknown) => void): void;
      createSession(req: object, session: SessionData): SessionData;
      regenerate(req: Request, callback: (error?: unknown) => void): void;
      load(sid: string, callback: (error: unknown, session?: SessionData) => void): void;
    }
    class MemoryStore extends Store {
      /** The JSON of each session. */
      readonly sessions: Record<string, string>;
      get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void;
      set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void;
      destroy(sid: string, callback?: (error?: unknown) => void): void;
    }
  }
  export = session;
}
