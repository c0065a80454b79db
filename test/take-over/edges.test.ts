import { sign } from 'cookie-signature';
import expressSession from 'express-session';
import { expressSessions, type SessionOptions } from 'sojourn';
import { type Running, startApp } from '../helpers/app.js';
import { OLD_SECRET } from '../helpers/express-session.js';
import { type Deferred, deferred, WatchedStore } from '../helpers/stores.js';

const ID = 'an-old-session';
const OLD_COOKIE = `connect.sid=s:${sign(ID, OLD_SECRET)}`;

/** The store of express-session itself, with one session in it; what it finds can be held back. */
class OldStore extends expressSession.MemoryStore {
  /** What a `get` waits for, after it has looked. */
  held: Deferred | undefined;
  readonly reached = deferred();

  constructor() {
    super();
    this.sessions[ID] = JSON.stringify({ cookie: {}, user: 'ada' });
  }

  get ids(): string[] {
    return Object.keys(this.sessions);
  }

  override get(id: string, callback: (error: unknown, session?: expressSession.SessionData | null) => void): void {
    const { held } = this;
    super.get(id, (error, session) => {
      if (held === undefined) return callback(error, session);
      this.reached.resolve();
      void held.promise.then(() => callback(error, session));
    });
  }
}

let running: Running | undefined;
afterEach(() => running?.close());

async function serve(options: SessionOptions = {}) {
  const old = new OldStore();
  const store = new WatchedStore();
  const app = await startApp({ store, takeOver: expressSessions({ secret: OLD_SECRET, store: old }), ...options }, (routes) => {
    routes.set('trust proxy', true);
    routes.get('/public', (_req, res) => void res.set('Cache-Control', 'public, max-age=3600').send('hello'));
    routes.get('/untouched', (_req, res) => void res.send('hello'));
    routes.get('/whoami', (req, res) => void res.send(String(req.session.get('user'))));
    routes.get('/logout', (req, res) => {
      req.session.flush();
      res.send('logged out');
    });
    routes.get('/login-and-logout', (req, res) => {
      req.session.cycleKey();
      req.session.flush();
      res.send('logged out');
    });
    routes.get('/destroy', async (req, res) => {
      res.send(String(await req.session.destroy()));
    });
    routes.get('/load-and-destroy', async (req, res) => {
      const [, deleted] = await Promise.all([req.session.load(), req.session.destroy()]);
      res.send(String(deleted));
    });
    routes.get('/load', async (req, res) => {
      await req.session.load();
      res.send(String(req.session.get('user')));
    });
    routes.get('/load-and-logout', (req, res) => {
      void req.session.load();
      req.session.flush();
      res.send('logged out');
    });
  });
  running = app;
  const ask = (path: string, cookie: string, headers: Record<string, string> = {}) =>
    app.client().get(path, { headers: { cookie, ...headers } });
  return { old, store, ask };
}

test.each(['/logout', '/login-and-logout'])(
  'a request that has read the old session before another one’s %s doesn’t bring it back',
  async (path) => {
    const { old, ask } = await serve();
    const held = deferred();
    old.held = held;
    const late = ask('/whoami', OLD_COOKIE);
    await old.reached.promise;
    old.held = undefined;
    const [cookie] = (await ask('/whoami', OLD_COOKIE)).setCookies[0]?.split(';') ?? [];
    expect((await ask(path, cookie as string)).status).toBe(200);
    held.resolve();
    expect((await late).body).toBe('undefined');
    expect((await ask('/whoami', cookie as string)).body).toBe('undefined');
    expect((await ask('/whoami', OLD_COOKIE)).body).toBe('undefined');
  },
);

test.each(['/logout', '/destroy', '/load-and-logout'])('a lazy session that ends unseen by %s ends where it was, too', async (path) => {
  const { old, ask } = await serve({ lazy: true });
  expect((await ask(path, OLD_COOKIE)).status).toBe(200);
  expect(old.ids).toEqual([]);
  expect((await ask('/load', OLD_COOKIE)).body).toBe('undefined');
});

test('a lazy session that is destroyed while it is being loaded doesn’t come here afterwards', async () => {
  const { old, store, ask } = await serve({ lazy: true });
  const [reached, held] = [deferred(), deferred()];
  // The load's own; what else is created doesn't wait.
  store.before('create', () => {
    store.clearFaults();
    reached.resolve();
    return held.promise;
  });
  const destroyed = ask('/load-and-destroy', OLD_COOKIE);
  await reached.promise;
  for (const _ of [1, 2]) await ask('/untouched', '');
  held.resolve();
  expect((await destroyed).body).toBe('true');
  expect(old.ids).toEqual([]);
  expect((await ask('/load', OLD_COOKIE)).body).toBe('undefined');
});

test('where the new cookie can’t be sent, the old one stays, and leads to the session until it can', async () => {
  const { ask } = await serve({ cookie: { secure: true, name: 'sid' } });
  for (const path of ['/whoami', '/whoami', '/untouched']) expect((await ask(path, OLD_COOKIE)).setCookies).toEqual([]);
  expect((await ask('/whoami', OLD_COOKIE)).body).toBe('ada');
  const secure = await ask('/whoami', OLD_COOKIE, { 'X-Forwarded-Proto': 'https' });
  expect(secure.body).toBe('ada');
  expect(secure.setCookies.map((line) => line.split('=')[0])).toEqual(['sid', 'connect.sid']);
});

test('a response that takes the cookie of an old session away is not for shared caches', async () => {
  const { old, ask } = await serve();
  old.destroy(ID);
  const reply = await ask('/public', OLD_COOKIE);
  expect(reply.setCookies).toEqual([expect.stringContaining('connect.sid=; Max-Age=0')]);
  expect(reply.headers.get('cache-control')).toBe('private, max-age=3600');
});
