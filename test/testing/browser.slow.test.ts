import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import express from 'express';
import type { Browser, BrowserContext } from 'playwright-core';
import { MemoryStore, RedisStore, type SessionMiddleware, type SessionOptions, type Store, session } from 'sojourn';
import { sessionOf, signedIn } from 'sojourn/testing';
import { listen, type Running, SECRET } from '../helpers/app.js';
import { certificate } from '../helpers/certificate.js';
import { launchChromium } from '../helpers/chromium.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';

const redis = connect();
const STORES: [string, () => Store][] = [
  ['MemoryStore', () => new MemoryStore()],
  ['RedisStore', () => new RedisStore(redis, { prefix: ownPrefix() })],
];

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

let running: Running;
let origin: string;
let context: BrowserContext;
afterEach(async () => {
  await context.close();
  await running.close();
});

async function serve(options: SessionOptions, scheme: 'http' | 'https' = 'http'): Promise<SessionMiddleware> {
  const app = express();
  const sessions = session({ secret: SECRET, ...options });
  app.use(sessions);
  app.get('/', (req, res) => void res.send(`<p>user ${req.session.get('userId', 'nobody')}</p><p id=script></p>`));
  app.get('/rename', (req, res) => {
    req.session.set('name', 'Ada');
    res.redirect('/');
  });
  app.get('/logout', (req, res) => {
    req.session.flush();
    res.redirect('/');
  });
  running = await listen(scheme === 'https' ? createHttpsServer(certificate(), app) : createServer(app));
  origin = `${scheme}://127.0.0.1:${running.port}`;
  context = await browser.newContext({ baseURL: origin, ignoreHTTPSErrors: true });
  context.setDefaultTimeout(15_000);
  return sessions;
}

describe.each(STORES)('a real browser whose jar gets the cookie, with a %s', (_, createStore) => {
  test('is signed in, keeps its session, and is signed out by a logout', async () => {
    const sessions = await serve({ store: createStore() });
    const ada = await signedIn(sessions, { userId: 42 });
    const page = await context.newPage();
    await page.goto('/');
    expect(await page.textContent('p')).toBe('user nobody');

    await context.addCookies([ada.browserCookie(origin)]);
    await page.goto('/');
    expect(await page.textContent('p')).toBe('user 42');
    expect(await page.evaluate('document.cookie')).toBe('');

    await page.goto('/rename');
    expect(await sessionOf(sessions, await context.cookies())).toEqual({ userId: 42, name: 'Ada' });
    // The response set the same cookie again, in the same place.
    expect(await context.cookies()).toHaveLength(1);

    await page.goto('/logout');
    expect(await page.textContent('p')).toBe('user nobody');
    expect(await context.cookies()).toEqual([]);
  });
});

test('a cookie that only https gets is taken as well, __Host- and all', async () => {
  const sessions = await serve({ cookie: { secure: true, sameSite: 'strict' } }, 'https');
  const ada = await signedIn(sessions, { userId: 42 });
  await context.addCookies([ada.browserCookie(origin)]);
  const page = await context.newPage();
  await page.goto('/');
  expect(await page.textContent('p')).toBe('user 42');
  await page.goto('/rename');
  const [cookie, ...others] = await context.cookies();
  expect(cookie).toMatchObject({ name: '__Host-sessionid', secure: true, sameSite: 'Strict', domain: '127.0.0.1' });
  expect(others).toEqual([]);
});

test('the jar keeps it as long as a response would have it kept', async () => {
  const sessions = await serve({ maxAge: { hours: 1 } });
  await context.addCookies([(await signedIn(sessions, { userId: 42 })).browserCookie(origin)]);
  const [added] = await context.cookies();
  await (await context.newPage()).goto('/rename');
  const [renewed] = await context.cookies();
  expect({ ...renewed, expires: 0 }).toEqual({ ...added, expires: 0 });
  expect(Math.abs((renewed?.expires ?? 0) - (added?.expires ?? 0))).toBeLessThanOrEqual(60);
});
