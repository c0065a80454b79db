import express, { type Express } from 'express';
import { type SessionOptions, session } from 'sojourn';
import { refuseOtherOrigins } from '../shared/pages.js';

declare module 'sojourn' {
  interface SessionData {
    name: string;
    /** A number of visits, which parallel requests count together. */
    visits: number;
    /** A note of its own under each `note:<id>`. */
    [note: `note:${string}`]: string;
  }
}

/** What each process of the cluster runs. Nothing of a visitor is in its memory, so any of them may answer. */
export function createApp(options: SessionOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((_req, res, next) => {
    res.set({ 'Cache-Control': 'no-store', 'X-Process': String(process.pid) });
    next();
  });
  app.use(refuseOtherOrigins, session(options));

  app.get('/', (req, res) => {
    res.json(Object.fromEntries(req.session));
  });

  app.post('/login/:name', (req, res) => {
    req.session.cycleKey();
    req.session.set('name', req.params.name);
    res.json({ name: req.params.name });
  });

  // Requests that change different keys of one session all win, whichever process each of them meets.
  app.put('/notes/:id/:text', (req, res) => {
    req.session.set(`note:${req.params.id}`, req.params.text);
    res.json({ note: req.params.id });
  });

  // Of requests that set the same key the last wins. Where the new value depends on the old, `update` makes the change anew on what another
  // process has stored meanwhile.
  app.post('/visits', async (req, res) => {
    await req.session.update((s) => s.set('visits', s.get('visits', 0) + 1));
    res.json({ visits: req.session.get('visits') });
  });

  app.post('/logout', (req, res) => {
    req.session.flush();
    res.status(204).end();
  });
  return app;
}
