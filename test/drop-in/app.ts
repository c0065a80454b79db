import { createServer } from 'node:http';
import express, { type Express } from 'express';
import session, { type SessionOptions } from 'sojourn/express-session';
import { listen, type Running } from '../helpers/app.js';
import { WatchedStore } from '../helpers/stores.js';

export const SECRET = 'keyboard cat';

declare module 'sojourn/express-session' {
  interface SessionData {
    user: string;
    views: number;
    cart: string[];
  }
}

export interface DropIn extends Running {
  readonly store: WatchedStore;
}

const open: Running[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()));
});

/** An app on the drop-in with a store of Sojourn's, as express-session's documents advise: no `resave`, no `saveUninitialized`. */
export async function startDropIn(
  options: SessionOptions & { store?: WatchedStore },
  routes: (app: Express) => void,
  before: (app: Express) => void = () => {},
): Promise<DropIn> {
  const { store = new WatchedStore(), ...rest } = options;
  const app = express();
  before(app);
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store, ...rest }));
  routes(app);
  app.use((error: Error & { status?: number }, _req: express.Request, res: express.Response, next: express.NextFunction) => {
    if (res.headersSent) next(error);
    else res.status(error.status ?? 500).send(error.message);
  });
  const running = await listen(createServer(app));
  open.push(running);
  return { ...running, store };
}
