import type { AddressInfo } from 'node:net';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';

/** The same routes on express-session with connect-redis, as far as the comparison needs them. */
const { port, secret } = JSON.parse(process.env.FAULTS_APP ?? '') as { port: number; secret: string };
const client = createClient({ url: `redis://127.0.0.1:${port}` });
await client.connect();

const app = express();
app.use(session({ secret, resave: false, saveUninitialized: false, store: new RedisStore({ client, prefix: 'compare:' }) }));

/** What express-session puts there is not what this repository's types say of `req.session`. */
interface OtherSession {
  regenerate(done: (error: unknown) => void): void;
  [key: string]: unknown;
}
const sessionOf = (req: express.Request) => (req as unknown as { session: OtherSession }).session;

app.get('/data', (req, res) => {
  const { cookie: _cookie, ...data } = sessionOf(req);
  res.json(data);
});
app.get('/set', (req, res) => {
  sessionOf(req)[String(req.query.key)] = String(req.query.value);
  res.send('set');
});
app.get('/login', (req, res, next) => {
  sessionOf(req).regenerate((error: unknown) => {
    if (error) return next(error);
    sessionOf(req).user = String(req.query.user);
    res.send('logged in');
  });
});

const server = app.listen(0, '127.0.0.1', () => process.send?.({ kind: 'listening', port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
