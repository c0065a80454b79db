import type { Express } from 'express';
import { StoreUnavailableError } from 'sojourn';
import session from 'sojourn/express-session';
import { suspend, WatchedStore } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { ID, start, startDropIn } from './app.js';

function routes(app: Express): void {
  app.get('/set', (req, res) => {
    Object.assign(req.session, { [String(req.query.key)]: String(req.query.value) });
    res.redirect('/data');
  });
  app.get('/data', (req, res) => {
    const { cookie: _, ...data } = req.session;
    res.json(data);
  });
  app.get('/login', (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.user = String(req.query.user);
      res.redirect('/data');
    });
  });
  app.get('/logout', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.send('bye')));
  });
  app.get('/untouched', (_req, res) => void res.send('hello'));
}

test('the response leaves when the store has acknowledged the session, not before', async () => {
  const app = await startDropIn({}, routes);
  const create = suspend(app.store, 'create');
  let answered = false;
  const reply = app.client().get('/set?key=a&value=1');
  void reply.then(() => {
    answered = true;
  });
  await create.reached;
  expect((await app.client().get('/untouched')).status).toBe(200);
  expect(answered).toBe(false);
  create.release();
  expect((await reply).status).toBe(302);
});

test('a session that can’t be stored is an error, not a false 200, and sets no cookie', async () => {
  const app = await startDropIn({}, routes);
  app.store.before('create', () => Promise.reject(new StoreUnavailableError('down')));
  const reply = await app.client().get('/set?key=a&value=1');
  expect([reply.status, reply.headers.get('retry-after'), reply.setCookies]).toEqual([503, '1', []]);
});

test('parallel requests that change different properties both win, whatever resave says', async () => {
  for (const resave of [false, true]) {
    const app = await startDropIn({ resave }, routes);
    const browser = app.client();
    await browser.get('/login?user=ada');
    const update = suspend(app.store, 'update');
    const slow = browser.get('/set?key=slow&value=1');
    await update.reached;
    app.store.clearFaults();
    expect((await browser.get('/set?key=fast&value=1')).status).toBe(302);
    // One that only reads has nothing to say about the values, though it stores them under resave.
    expect((await browser.get('/data')).status).toBe(200);
    update.release();
    expect((await slow).status).toBe(302);
    expect(JSON.parse((await browser.get('/data')).body)).toEqual({ user: 'ada', fast: '1', slow: '1' });
  }
});

describe('a logout while another request is under way', () => {
  test('is not undone by it: who changed something gets a 400', async () => {
    const app = await startDropIn({}, routes);
    const browser = app.client();
    await browser.get('/login?user=ada');
    const { cookie } = browser;
    const update = suspend(app.store, 'update');
    const slow = app.client().get('/set?key=late&value=1', { headers: { cookie } });
    await update.reached;
    expect((await browser.get('/logout')).body).toBe('bye');
    update.release();
    expect([(await slow).status, (await slow).setCookies]).toEqual([400, []]);
    expect((await app.client().get('/data', { headers: { cookie } })).body).toBe('{}');
  });

  test('nor by one that only stores what it has read, which is no error', async () => {
    const app = await startDropIn({ resave: true }, routes);
    const browser = app.client();
    await browser.get('/login?user=ada');
    const { cookie } = browser;
    const update = suspend(app.store, 'update');
    const slow = app.client().get('/data', { headers: { cookie } });
    await update.reached;
    await browser.get('/logout');
    update.release();
    expect([(await slow).status, (await slow).body]).toEqual([200, '{"user":"ada"}']);
    expect((await app.client().get('/data', { headers: { cookie } })).body).toBe('{}');
  });

  test('drops the changes quietly with onInterrupted: discard', async () => {
    const app = await startDropIn({ onInterrupted: 'discard' }, routes);
    const browser = app.client();
    await browser.get('/login?user=ada');
    const { cookie } = browser;
    const update = suspend(app.store, 'update');
    const slow = app.client().get('/set?key=late&value=1', { headers: { cookie } });
    await update.reached;
    await browser.get('/logout');
    update.release();
    expect((await slow).status).toBe(302);
    expect((await app.client().get('/data', { headers: { cookie } })).body).toBe('{}');
  });
});

describe('a login', () => {
  test('changes the ID, and the old one is dead before the redirect leaves', async () => {
    const app = await startDropIn({}, routes);
    const browser = app.client();
    await browser.get('/set?key=cart&value=pen');
    const before = browser.cookie;
    const create = suspend(app.store, 'create');
    const login = browser.get('/login?user=ada');
    await create.reached;
    expect((await app.client().get('/data', { headers: { cookie: before } })).body).toBe('{}');
    create.release();
    await login;
    expect(browser.cookie).not.toBe(before);
    expect((await browser.get('/data')).body).toBe('{"user":"ada"}');
  });

  test('is not replaced by a late request with the old ID, not even with saveUninitialized', async () => {
    const app = await startDropIn({ saveUninitialized: true, resave: true }, routes);
    const browser = app.client();
    await browser.get('/set?key=cart&value=pen');
    const { cookie } = browser;
    await browser.get('/login?user=ada');
    const read = await app.client().get('/data', { headers: { cookie } });
    expect([read.status, read.setCookies]).toEqual([200, []]);
    const write = await app.client().get('/set?key=late&value=1', { headers: { cookie } });
    expect([write.status, write.setCookies]).toEqual([400, []]);
  });
});

test('who stores nothing costs nothing: no call, no cookie, no Vary', async () => {
  const app = await startDropIn({}, routes);
  const reply = await app.client().get('/untouched');
  expect([reply.setCookies, reply.headers.get('vary'), app.store.calls]).toEqual([[], null, []]);
});

test('a response that depends on the session says so to caches, and one that sets the cookie is kept by none', async () => {
  const app = await startDropIn({}, routes);
  const browser = app.client();
  expect((await browser.get('/data')).headers.get('vary')).toBe('Cookie');
  const reply = await browser.get('/set?key=a&value=1');
  expect([reply.headers.get('vary'), reply.headers.get('cache-control')]).toEqual([expect.stringContaining('Cookie'), 'no-store']);
});

test('a logout deletes the cookie as well', async () => {
  const app = await startDropIn({ cookie: { path: '/', maxAge: 60_000 } }, routes);
  const browser = app.client();
  await browser.get('/login?user=ada');
  const reply = await browser.get('/logout');
  expect(reply.setCookies).toEqual([expect.stringMatching(/^connect\.sid=; Path=\/; Expires=Thu, 01 Jan 1970/)]);
  expect(browser.jar.size).toBe(0);
});

test('a Secure cookie on an insecure connection is a warning, once, and nothing is stored', async () => {
  const warnings = recordWarnings();
  const app = await startDropIn({ cookie: { secure: true } }, routes);
  for (let round = 0; round < 3; round += 1) {
    expect((await app.client().get('/set?key=a&value=1')).setCookies).toEqual([]);
  }
  expect(app.store.calls).toEqual([]);
  expect(warnings.filter(({ code }) => code === 'SOJOURN_INSECURE')).toHaveLength(1);
});

test('the store knows the ID by its hash only', async () => {
  const keys: string[] = [];
  const store = new (class extends WatchedStore {
    override create(key: string, payload: string, ttl: number) {
      keys.push(key, payload);
      return super.create(key, payload, ttl);
    }
  })();
  const app = await start(store, { routes });
  const browser = app.client();
  await browser.get('/login?user=ada');
  const id = decodeURIComponent(browser.jar.get(ID) as string).slice(2, 45);
  expect(id).toMatch(/^[\w-]{43}$/);
  expect(keys.join()).not.toContain(id);
});

test('what is no session is refused where it is put in place of one', async () => {
  const app = await startDropIn({}, (express) => {
    express.get('/', (req, res) => {
      Object.assign(req, { session: { user: 'ada' } });
      res.send('stored?');
    });
  });
  const reply = await app.client().get('/');
  expect([reply.status, reply.body]).toEqual([500, expect.stringContaining('req.session was replaced')]);
});

test('the function carries the constructors that express-session’s does', () => {
  expect(typeof session.Store).toBe('function');
  expect(new session.MemoryStore()).toBeInstanceOf(session.Store);
  expect(new session.Cookie({ maxAge: 1000 }).originalMaxAge).toBeGreaterThan(900);
  expect(typeof session.Session).toBe('function');
});
