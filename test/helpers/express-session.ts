import { createServer } from 'node:http';
import { RedisStore } from 'connect-redis';
import express from 'express';
import expressSession from 'express-session';
import { createClient } from 'redis';
import { listen, type Running } from './app.ts';
import { testRedisUrl } from './redis-client.ts';

export const OLD_SECRET = 'keyboard cat';

/** What express-session puts on a request is not what this repository's types say of `req.session`. */
interface OldSession {
  regenerate(done: (error: unknown) => void): void;
  [key: string]: unknown;
}

export function oldSessionOf(req: express.Request): OldSession {
  return (req as unknown as { session: OldSession }).session;
}

/** An app on the real express-session with connect-redis and node-redis, as their documents show it. */
export async function startOldApp(prefix: string): Promise<Running> {
  const client = createClient({ url: testRedisUrl() });
  await client.connect();
  const app = express();
  const store = new RedisStore({ client, prefix });
  app.use(expressSession({ secret: OLD_SECRET, resave: false, saveUninitialized: false, store }));
  app.get('/login', (req, res, next) => {
    oldSessionOf(req).regenerate((error) => {
      if (error) return next(error);
      oldSessionOf(req).user = String(req.query.user);
      oldSessionOf(req).cart = ['pen'];
      res.send('logged in');
    });
  });
  app.get('/whoami', (req, res) => void res.send(String(oldSessionOf(req).user)));
  const running = await listen(createServer(app));
  return {
    ...running,
    async close() {
      await running.close();
      client.destroy();
    },
  };
}
