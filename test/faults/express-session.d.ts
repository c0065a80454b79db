/**
 * As much of express-session as the comparison uses. Its own types would claim `req.session` for themselves, which is
 * Sojourn's in this repository.
 */
declare module 'express-session' {
  import type { RequestHandler } from 'express';

  export interface Store {
    get(id: string, callback: (error: unknown, session?: unknown) => void): void;
  }
  export interface SessionData {
    cookie: object;
  }
  export default function session(options: { secret: string; resave: boolean; saveUninitialized: boolean; store: unknown }): RequestHandler;
}
