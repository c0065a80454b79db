import { RedisStore as ConnectRedis } from 'connect-redis';
import type { Redis } from 'ioredis';
import { createClient } from 'redis';
import { type ExpressSessionsOptions, expressSessions, MemoryStore, type SessionOptions, session } from 'sojourn';
import { type Client, type Running, SECRET, startApp } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { OLD_SECRET, startOldApp } from '../helpers/express-session.js';
import { connect, ownPrefix, testRedisUrl } from '../helpers/redis-client.js';
import { suspend, WatchedStore } from '../helpers/stores.js';

const OLD_COOKIE = 'connect.sid';

/** Old app and new app on one Redis, and a browser that is signed in at the old one. */
async function moveIn(options: SessionOptions = {}, takeOver: Partial<ExpressSessionsOptions> = {}, prefix = ownPrefix()) {
  const redis = connect();
  const old = await startOldApp(prefix);
  const store = new WatchedStore();
  const app = await startApp(
    { store, takeOver: expressSessions({ secret: OLD_SECRET, client: redis, prefix, ...takeOver }), ...options },
    (routes) => {
      routes.get('/whoami', (req, res) => void res.send(String(req.session.get('user'))));
      routes.get('/data', (req, res) => void res.json(Object.fromEntries(req.session)));
      routes.get('/untouched', (_req, res) => void res.send('hello'));
      routes.get('/broken', (_req, res) => void res.status(500).send('broken'));
      routes.get('/set', (req, res) => {
        req.session.set(String(req.query.key), 1);
        res.send('set');
      });
      routes.get('/login', (req, res) => {
        req.session.cycleKey();
        res.send('logged in');
      });
      routes.get('/logout', (req, res) => {
        req.session.flush();
        res.send('logged out');
      });
    },
  );
  open.push(old, app);
  const browser = app.client();
  const signIn = async (client: Client, user: string) => {
    const there = old.client();
    await there.get(`/login?user=${user}`);
    client.jar.set(OLD_COOKIE, there.jar.get(OLD_COOKIE) as string);
  };
  await signIn(browser, 'ada');
  return { old, app, store, redis, prefix, browser, signIn, oldKeys: () => redis.keys(`${prefix}*`) };
}

const open: Running[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()));
});

describe('a session that express-session and connect-redis have made', () => {
  test('stays logged in under Sojourn, with the same browser cookie, and is Sojourn’s from then on', async () => {
    const { browser, store, oldKeys } = await moveIn();
    const first = await browser.get('/whoami');
    expect(first.body).toBe('ada');
    expect(await oldKeys()).toEqual([]);
    expect([...browser.jar.keys()]).toEqual(['sessionid']);
    store.calls.length = 0;
    expect((await browser.get('/data')).body).toBe('{"user":"ada","cart":["pen"]}');
    expect(store.calls).toEqual(['read']);
  });

  test('is taken over by a page that doesn’t touch the session as well, and by one that fails', async () => {
    for (const path of ['/untouched', '/broken']) {
      const { browser } = await moveIn();
      await browser.get(path);
      expect([...browser.jar.keys()]).toEqual(['sessionid']);
      expect((await browser.get('/whoami')).body).toBe('ada');
    }
  });

  test('is taken over through connect-redis itself, or any other store of express-session', async () => {
    const prefix = ownPrefix();
    const client = await createClient({ url: testRedisUrl() }).connect();
    const { browser, oldKeys } = await moveIn({}, { store: new ConnectRedis({ client, prefix }) }, prefix);
    expect((await browser.get('/whoami')).body).toBe('ada');
    expect(await oldKeys()).toEqual([]);
    client.destroy();
  });

  test('is one session for all requests that come with its cookie at once, and every write of theirs is kept', async () => {
    const { app, browser, store, oldKeys } = await moveIn();
    const cookie = browser.cookie;
    const keys = Array.from({ length: 8 }, (_, index) => `k${index}`);
    const replies = await Promise.all(keys.map((key) => app.client().get(`/set?key=${key}`, { headers: { cookie } })));
    const cookies = new Set(replies.map(({ setCookies }) => setCookies[0]?.split(';')[0]));
    expect(replies.map(({ status }) => status)).toEqual(keys.map(() => 200));
    expect(cookies.size).toBe(1);
    expect(store.calls.filter((call) => call === 'create').length).toBeGreaterThan(0);
    const data = JSON.parse((await app.client().get('/data', { headers: { cookie: [...cookies][0] as string } })).body);
    expect(Object.keys(data).sort()).toEqual(['cart', ...keys, 'user']);
    expect(await oldKeys()).toEqual([]);
  });

  test('that was logged out can’t be taken over again with the old cookie', async () => {
    const { app, browser } = await moveIn();
    const old = browser.cookie;
    await browser.get('/whoami');
    await browser.get('/logout');
    const replay = await app.client().get('/whoami', { headers: { cookie: old } });
    expect(replay.body).toBe('undefined');
    // Dead as it is, the old cookie goes.
    expect(replay.setCookies).toEqual([expect.stringContaining(`${OLD_COOKIE}=; Max-Age=0`)]);
  });

  test('that logs out or logs in with its first request leaves neither old record nor old cookie', async () => {
    for (const path of ['/logout', '/login']) {
      const { app, browser, oldKeys } = await moveIn();
      const old = browser.cookie;
      await browser.get(path);
      expect(await oldKeys()).toEqual([]);
      expect(browser.jar.has(OLD_COOKIE)).toBe(false);
      expect((await app.client().get('/whoami', { headers: { cookie: old } })).body).toBe('undefined');
      expect((await browser.get('/whoami')).body).toBe(path === '/login' ? 'ada' : 'undefined');
    }
  });

  test('can’t be brought back by a request that has read the old record before a logout in another one', async () => {
    const { app, browser, store } = await moveIn();
    const cookie = browser.cookie;
    const create = suspend(store, 'create');
    const late = app.client().get('/whoami', { headers: { cookie } });
    await create.reached;
    store.clearFaults();
    await browser.get('/whoami');
    await browser.get('/logout');
    create.release();
    expect([(await late).body, (await late).setCookies.filter((line) => line.startsWith('sessionid='))]).toEqual(['undefined', []]);
  });

  test('isn’t lost when the process dies between the new record and the end of the old one', async () => {
    const { browser, redis, oldKeys } = await moveIn();
    const [key] = await oldKeys();
    const text = await redis.get(key as string);
    const cookie = browser.cookie;
    await browser.get('/set?key=later');
    // As if the deletion had not come through.
    await redis.set(key as string, text as string);
    browser.jar.clear();
    const again = await browser.get('/data', { headers: { cookie } });
    expect(JSON.parse(again.body)).toEqual({ user: 'ada', cart: ['pen'], later: 1 });
    expect(await oldKeys()).toEqual([]);
  });
});

describe('with a store that fails', () => {
  test('a page that needs the session is a 503, others are served, and both cookies stay for the next request', async () => {
    const down = connect({ retryStrategy: () => null, enableOfflineQueue: false, lazyConnect: true }, 'redis://127.0.0.1:1');
    const { browser, app, prefix } = await moveIn();
    const cookie = browser.cookie;
    const failing = await startApp({ takeOver: expressSessions({ secret: OLD_SECRET, client: down as Redis, prefix }) }, (routes) => {
      routes.get('/whoami', (req, res) => void res.send(String(req.session.get('user'))));
      routes.get('/untouched', (_req, res) => void res.send('hello'));
    });
    open.push(failing);
    const needs = await failing.client().get('/whoami', { headers: { cookie } });
    expect([needs.status, needs.headers.get('retry-after'), needs.setCookies]).toEqual([503, '1', []]);
    const other = await failing.client().get('/untouched', { headers: { cookie } });
    expect([other.status, other.body, other.setCookies]).toEqual([200, 'hello', []]);
    expect((await app.client().get('/whoami', { headers: { cookie } })).body).toBe('ada');
  });

  test('a new record that can’t be stored leaves the old one', async () => {
    const { browser, store, oldKeys } = await moveIn();
    store.before('create', () => Promise.reject(new Error('down')));
    const failed = await browser.get('/whoami');
    expect([failed.status, failed.setCookies]).toEqual([503, []]);
    expect(await oldKeys()).toHaveLength(1);
    store.clearFaults();
    expect((await browser.get('/whoami')).body).toBe('ada');
  });
});

test('an absolute timeout counts from the take-over', async () => {
  const clock = new TestClock(Date.now());
  const { browser } = await moveIn({ absoluteTimeout: { hours: 1 }, clock: clock.read });
  expect((await browser.get('/whoami')).body).toBe('ada');
  clock.advance(3599);
  expect((await browser.get('/whoami')).body).toBe('ada');
  clock.advance(2);
  expect((await browser.get('/whoami')).body).toBe('undefined');
});

test('convert says what is kept, and may refuse', async () => {
  const convert = (old: Record<string, unknown>) => (old.user === 'ada' ? { user: `Dr. ${old.user}` } : null);
  const { browser, signIn, oldKeys } = await moveIn({}, { convert });
  expect((await browser.get('/data')).body).toBe('{"user":"Dr. ada"}');
  browser.jar.clear();
  await signIn(browser, 'bob');
  expect((await browser.get('/data')).body).toBe('{}');
  expect(browser.jar.size).toBe(0);
  expect(await oldKeys()).toEqual([]);
});

test('a cookie with a bad signature, a cookie of no session, or two old cookies are nobody', async () => {
  const { app, browser, store, signIn } = await moveIn();
  const [, value] = browser.cookie.split('=') as [string, string];
  const forged = `${OLD_COOKIE}=${value.slice(0, -3)}abc`;
  const other = app.client();
  await signIn(other, 'bob');
  const unknown = other.cookie;
  expect((await other.get('/logout')).status).toBe(200);
  store.calls.length = 0;
  for (const cookie of [forged, `${browser.cookie}; ${unknown}`]) {
    expect((await app.client().get('/whoami', { headers: { cookie } })).body).toBe('undefined');
  }
  expect(store.calls).toEqual([]);
  expect((await app.client().get('/whoami', { headers: { cookie: unknown } })).body).toBe('undefined');
});

test('a corrupt old record is no session', async () => {
  const { browser, redis, oldKeys } = await moveIn();
  const [key] = await oldKeys();
  for (const text of ['{bad', '"s"', 'null', '5']) {
    await redis.set(key as string, text);
    expect((await browser.get('/whoami')).body).toBe('undefined');
  }
});

test('a lazy session is taken over as it is loaded', async () => {
  const { browser, app, oldKeys } = await moveIn({ lazy: true });
  app.app.get('/load', async (req, res) => {
    await req.session.load();
    res.send(String(req.session.get('user')));
  });
  await browser.get('/untouched');
  expect(await oldKeys()).toHaveLength(1);
  expect((await browser.get('/load')).body).toBe('ada');
  expect([...browser.jar.keys()]).toEqual(['sessionid']);
});

test('a socket takes over as well, and the next page has the session and its cookie', async () => {
  const { app, browser, oldKeys } = await moveIn();
  const upgrade = { headers: { cookie: browser.cookie } } as Parameters<typeof app.sessions.load>[0];
  expect((await app.sessions.load(upgrade)).get('user')).toBe('ada');
  expect(await oldKeys()).toEqual([]);
  expect((await browser.get('/whoami')).body).toBe('ada');
  expect([...browser.jar.keys()]).toEqual(['sessionid']);
});

test('an option that can’t work is an error at start that names it', () => {
  const start = (takeOver: unknown) => () => session({ secret: SECRET, store: new MemoryStore(), takeOver: takeOver as never });
  expect(start({})).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTION', option: 'takeOver' }));
  // What sojourn/express-session needs no secret for, session() needs one.
  expect(start(expressSessions({ client: connect() }))).toThrow(expect.objectContaining({ option: 'takeOver.secret' }));
  expect(() => expressSessions({ secret: '', client: connect() })).toThrow(expect.objectContaining({ option: 'takeOver.secret' }));
  expect(() => expressSessions({ secret: [], client: connect() })).toThrow(expect.objectContaining({ option: 'takeOver.secret' }));
  expect(() => expressSessions({})).toThrow(expect.objectContaining({ option: 'takeOver.store' }));
});
