/** As much of the real express-session as these tests use. Its own types would claim `req.session` for themselves. */
declare module 'express-session' {
  import type { RequestHandler } from 'express';
  import type { MemoryStore } from 'sojourn/express-session';

  const session: {
    (options: { secret: string; resave: boolean; saveUninitialized: boolean; store: unknown; cookie?: object }): RequestHandler;
    readonly MemoryStore: typeof MemoryStore;
  };
  export default session;
}
