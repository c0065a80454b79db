import type { Express, Request } from 'express';
import type { SessionOptions } from 'sojourn';
import { type Running, startApp } from '../helpers/app.js';

/** What the routes below work with; `sessions` is the middleware. */
type Sessions = Awaited<ReturnType<typeof startApp>>['sessions'];

const userOf = (req: Request) => req.session.get('userId') as string;

/** An application with logins, and a page of where one is signed in. */
export async function startUserApp(
  options: SessionOptions,
  more?: (app: Express, sessions: () => Sessions) => void,
): Promise<Running & { sessions: Sessions }> {
  let sessions: Sessions;
  const running = await startApp(
    { user: (session) => session.get('userId'), device: (session) => session.get('device'), ...options },
    (app) => {
      app.get('/', (req, res) => res.json({ userId: req.session.get('userId', null), n: req.session.get('n', 0) }));
      app.get('/hello', (_req, res) => res.send('hello'));
      app.get('/login/:user', (req, res) => {
        req.session.cycleKey();
        req.session.update({ userId: req.params.user, device: String(req.query.device ?? 'a browser') });
        res.send('signed in');
      });
      app.get('/set/:n', (req, res) => {
        req.session.set('n', Number(req.params.n));
        res.send('set');
      });
      app.get('/cycle', (req, res) => {
        req.session.cycleKey();
        res.send('cycled');
      });
      app.get('/logout', (req, res) => {
        req.session.flush();
        res.send('signed out');
      });
      app.get('/sessions', async (req, res) => void res.json(await sessions.of(userOf(req)).list({ current: req.session })));
      app.get('/revoke/:ref', async (req, res) => void res.json(await sessions.of(userOf(req)).revoke(req.params.ref)));
      app.get('/revoke-others', async (req, res) => void res.json(await sessions.of(userOf(req)).revokeAll({ except: req.session })));
      app.get('/password', async (req, res) => {
        req.session.cycleKey();
        res.json(await sessions.of(userOf(req)).revokeAll({ except: req.session }));
      });
      app.get('/revoke-all', async (req, res) => void res.json(await sessions.of(userOf(req)).revokeAll()));
      more?.(app, () => sessions);
    },
  );
  sessions = running.sessions;
  return running;
}

/** A client that is signed in. */
export async function signedInClient(app: Running, user: string, device = 'a browser') {
  const client = app.client();
  const reply = await client.get(`/login/${user}?device=${encodeURIComponent(device)}`);
  if (reply.status !== 200) throw new Error(`the login was answered with ${reply.status}: ${reply.body}`);
  return client;
}
