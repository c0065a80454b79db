import { createServer, type IncomingMessage } from 'node:http';
import express, { type Express, type Request } from 'express';
import { MemoryStore, Session, type SessionMiddleware, type SessionOptions, session } from 'sojourn';
import { listen, type Running, SECRET, startApp } from '../helpers/app.ts';
import { eventsDuring } from '../helpers/events.ts';
import { EXPRESS, startExpress } from '../helpers/express.ts';
import { WatchedStore } from '../helpers/stores.ts';
import { wireRequest } from '../helpers/wire.ts';

let running: Running | undefined;
let store: WatchedStore;

beforeEach(() => {
  store = new WatchedStore();
});
afterEach(() => running?.close());

async function serve(routes: (app: Express) => void, options: SessionOptions = {}) {
  const started = await startApp({ store, ...options }, routes);
  running = started;
  return started;
}

async function show(sessions: SessionMiddleware, cookie: string): Promise<Record<string, unknown> | null> {
  const session = await sessions.load({ headers: { cookie } } as IncomingMessage);
  return session.sessionKey === null ? null : Object.fromEntries(session);
}

describe.each(Object.entries(EXPRESS))('under %s', (_name, make) => {
  test('a session lives from request to request', async () => {
    const app = await startExpress(make, { store }, (routes) => {
      routes.get('/', (req, res) => {
        req.session.set('views', req.session.get('views', 0) + 1);
        res.send(`${req.session.get('views')}`);
      });
    });
    running = app;
    const client = app.client();
    expect((await client.get('/')).body).toBe('1');
    expect((await client.get('/')).body).toBe('2');
    expect((await app.client().get('/')).body).toBe('1');
    expect(store.calls).toEqual(['create', 'read', 'update', 'create']);
  });
});

test('a request without a cookie does not wait: next() is called at once', async () => {
  const order: string[] = [];
  const sessions = session({ secret: SECRET, store });
  running = await listen(
    createServer((req, res) => {
      sessions(req, res, () => order.push('next'));
      order.push('after');
      res.end();
    }),
  );
  await wireRequest(running.port, '/');
  expect(order).toEqual(['next', 'after']);
});

describe('untouched', () => {
  test('a request without a cookie costs no store call, no cookie and no Vary', async () => {
    const { port } = await serve((app) => app.get('/', (_req, res) => void res.send('hello')));
    const reply = await wireRequest(port, '/');
    expect(store.calls).toEqual([]);
    for (const name of ['set-cookie', 'vary', 'cache-control']) expect([name, reply.headers.has(name)]).toEqual([name, false]);
  });

  test('ill-formed and forged cookies cost no store call', async () => {
    const { port } = await serve((app) => app.get('/', (req, res) => void res.json([...req.session.keys()])));
    for (const value of ['', 'x', 'A'.repeat(43), `${'A'.repeat(43)}.${'A'.repeat(43)}`, 's%3Aabc.def', 'j:{}']) {
      expect((await wireRequest(port, '/', { headers: { cookie: `sessionid=${value}` } })).body).toBe('[]');
    }
    expect(store.calls).toEqual([]);
  });

  test('a session that is only read is not written, and its cookie is not sent again', async () => {
    const { port, sessions } = await serve((app) => app.get('/', (req, res) => void res.send(req.session.get('name'))));
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    const reply = await wireRequest(port, '/', { headers: { cookie } });
    expect(reply.body).toBe('Ada');
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(store.calls).toEqual(['read']);
  });
});

describe('several cookies of one name', () => {
  const start = () => serve((app) => app.get('/', (req, res) => void res.send(req.session.get('name', 'nobody'))));

  test('the one that is alive is the session, in either order', async () => {
    const { port, sessions } = await start();
    const [dead, alive] = [await sessions.issue({ name: 'Eve' }), await sessions.issue({ name: 'Ada' })];
    await new Session({ store }).destroy(dead.sessionKey);
    for (const cookie of [`${dead.cookie}; ${alive.cookie}`, `${alive.cookie}; ${dead.cookie}`]) {
      expect((await wireRequest(port, '/', { headers: { cookie } })).body).toBe('Ada');
    }
  });

  test('two that are alive are nobody’s, and an event says so', async () => {
    const { port, sessions } = await start();
    const [first, second] = [await sessions.issue({ name: 'Eve' }), await sessions.issue({ name: 'Ada' })];
    const events = await eventsDuring(async () => {
      expect((await wireRequest(port, '/', { headers: { cookie: `${first.cookie}; ${second.cookie}` } })).body).toBe('nobody');
    });
    expect(events).toContainEqual(['refused', { reason: 'ambiguous', cookies: 2 }]);
  });
});

describe('a store that can’t be read', () => {
  test('leaves the pages that do not touch the session, and is a 503 for those that do', async () => {
    const { port, sessions } = await serve((app) => {
      app.get('/about', (_req, res) => void res.send('about'));
      app.get('/me', (req, res) => void res.send(req.session.get('name')));
    });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.before('read', () => {
      throw new Error('connection lost');
    });
    expect(await wireRequest(port, '/about', { headers: { cookie } })).toMatchObject({ status: 200, body: 'about' });
    const reply = await wireRequest(port, '/me', { headers: { cookie } });
    expect(reply).toMatchObject({ status: 503, body: expect.stringContaining('ERR_STORE_UNAVAILABLE') });
    expect(reply.headers.has('set-cookie')).toBe(false);
  });
});

describe('the property on the request', () => {
  const attempt = async (act: (req: Request) => unknown, options: SessionOptions = {}) => {
    const { port } = await serve((app) => app.get('/', (req, res) => void res.send(act(req))), options);
    return wireRequest(port, '/');
  };

  test.each([null, undefined])('names flush() to who assigns %p', async (value) => {
    const reply = await attempt((req) => Object.assign(req, { session: value }));
    expect(reply).toMatchObject({
      status: 500,
      body: expect.stringContaining("req.session can't be assigned: to log out, call req.session.flush()"),
    });
  });

  test.each([{}, 5])('names clear() and update() to who assigns %p', async (value) => {
    const reply = await attempt((req) => Object.assign(req, { session: value }));
    expect(reply).toMatchObject({ status: 500, body: expect.stringContaining('call clear() and update(data)') });
  });

  test('names set() to who assigns a value to the session', async () => {
    const reply = await attempt((req) => Object.assign(req.session, { userId: 5 }));
    expect(reply).toMatchObject({ status: 500, body: expect.stringContaining("session.set('userId', value)") });
  });

  test('may be deleted by an application that wants nothing to be stored', async () => {
    const reply = await attempt((req) => {
      req.session.set('name', 'Ada');
      return String(Reflect.deleteProperty(req, 'session') && !('session' in req));
    });
    expect(reply).toMatchObject({ status: 200, body: 'true' });
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(store.calls).toEqual([]);
  });

  test('has the name that was asked for', async () => {
    const reply = await attempt(
      (req) => {
        (req as unknown as { visit: Session }).visit.set('name', 'Ada');
        return String('session' in req);
      },
      { property: 'visit' },
    );
    expect(reply.body).toBe('false');
    expect(reply.headers.get('set-cookie')).toHaveLength(1);
  });

  test('that something else has taken is an error, never another session in silence', async () => {
    const app = express();
    app.use((req, _res, next) => next(void Object.assign(req, { session: { userId: 5 } })));
    app.use(session({ secret: SECRET, store }));
    app.get('/', (_req, res) => void res.send('hello'));
    running = await listen(createServer(app));
    expect(await wireRequest(running.port, '/')).toMatchObject({ status: 500, body: expect.stringContaining('no session of Sojourn') });
  });
});

test('mounted twice, the first one does the work, once', async () => {
  const app = express();
  const second = new WatchedStore();
  const sessions = session({ secret: SECRET, store });
  app.use(sessions, sessions, session({ secret: SECRET, store: second }));
  app.get('/', (req, res) => {
    req.session.set('name', 'Ada');
    res.send('hello');
  });
  running = await listen(createServer(app));
  const reply = await wireRequest(running.port, '/');
  expect(reply.headers.get('set-cookie')).toHaveLength(1);
  expect(store.calls).toEqual(['create']);
  expect(second.calls).toEqual([]);
});

describe('lazy: true', () => {
  const start = () =>
    serve(
      (app) => {
        app.get('/about', (_req, res) => void res.send('about'));
        app.get('/touch', (req, res) => void res.send(req.session.get('name')));
        app.get('/load', async (req, res) => {
          await req.session.load();
          res.send(req.session.get('name', 'nobody'));
        });
        app.get('/flush', (req, res) => {
          req.session.flush();
          res.send('bye');
        });
      },
      { lazy: true },
    );

  test('reads nothing before load()', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    expect((await wireRequest(port, '/about', { headers: { cookie } })).body).toBe('about');
    expect(store.calls).toEqual([]);
    expect((await wireRequest(port, '/load', { headers: { cookie } })).body).toBe('Ada');
    expect(store.calls).toEqual(['read']);
  });

  test('makes data that are touched before load() an error that names it', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, '/touch', { headers: { cookie } });
    expect(reply).toMatchObject({ status: 500, body: expect.stringContaining('ERR_SESSION_NOT_LOADED') });
    expect((await wireRequest(port, '/load')).body).toBe('nobody');
  });

  test('lets a flush log out without a look at the data', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    const reply = await wireRequest(port, '/flush', { headers: { cookie } });
    expect(reply.headers.get('set-cookie')?.[0]).toMatch(/^sessionid=; Max-Age=0;/);
    expect(store.calls).toEqual(['delete']);
  });
});

describe('what the middleware carries', () => {
  test('load(req) gives the session of a socket, stored by its own save()', async () => {
    const sessions = session({ secret: SECRET, store });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const upgrade = { headers: { cookie } } as IncomingMessage;
    const loaded: Session = await sessions.load(upgrade);
    expect(loaded.get('name')).toBe('Ada');
    loaded.set('name', 'Grace');
    await loaded.save();
    expect(await show(sessions, cookie)).toEqual({ name: 'Grace' });
  });

  test('load(req) without a cookie gives an empty session, and no store call', async () => {
    const sessions = session({ secret: SECRET, store });
    expect((await sessions.load({ headers: {} } as IncomingMessage)).isEmpty()).toBe(true);
    expect(store.calls).toEqual([]);
  });

  test('load(req) rejects if the store fails', async () => {
    const sessions = session({ secret: SECRET, store });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.before('read', () => {
      throw new Error('connection lost');
    });
    await expect(sessions.load({ headers: { cookie } } as IncomingMessage)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  });

  test('issue(data) stores a session and gives the Cookie header that leads to it', async () => {
    const { port, sessions } = await serve((app) => app.get('/', (req, res) => void res.send(req.session.get('name'))));
    const { sessionKey, cookie } = await sessions.issue({ name: 'Ada' });
    expect(cookie).toMatch(new RegExp(`^sessionid=${sessionKey}\\.`));
    expect((await wireRequest(port, '/', { headers: { cookie } })).body).toBe('Ada');
  });

  test('store is the store, the one that was made if none was given', () => {
    expect(session({ secret: SECRET, store }).store).toBe(store);
    expect(session({ secret: SECRET }).store).toBeInstanceOf(MemoryStore);
  });
});
