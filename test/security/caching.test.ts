import { MemoryStore } from 'sojourn';
import { recordWarnings } from '../helpers/warnings.js';
import { startApp } from './apps.js';
import { SharedCache } from './shared-cache.js';

recordWarnings();

async function start(cacheControl: string | undefined, saveEveryRequest = false) {
  const app = await startApp({ store: new MemoryStore(), saveEveryRequest }, (routes) => {
    routes.use((_req, res, next) => {
      if (cacheControl !== undefined) res.set('Cache-Control', cacheControl);
      next();
    });
    routes.get('/static', (_req, res) => void res.send('a style sheet'));
    routes.get('/write', (req, res) => {
      req.session.set('at', Math.random());
      res.send('the same page for all');
    });
    routes.get('/who', (req, res) => void res.send(`hello ${req.session.get('user', 'nobody')}`));
  });
  return { app, cache: new SharedCache() };
}

const HEADERS: [string | undefined][] = [
  [undefined],
  ['public'],
  ['public, max-age=60'],
  ['max-age=60'],
  ['s-maxage=60'],
  ['public, s-maxage=60, max-age=0'],
  ['must-revalidate, max-age=60'],
  ['public, max-age=0'],
  ['no-cache'],
  ['private'],
  ['no-store'],
];

describe('a shared cache hands nobody the cookie of another visitor, with Cache-Control:', () => {
  test.each(HEADERS)('%s', async (cacheControl) => {
    const { app, cache } = await start(cacheControl);
    const [ann, bob] = [app.client(), app.client()];
    const first = await cache.get('/write', ann);
    expect(first.setCookies).toHaveLength(1);
    const second = await cache.get('/write', bob);
    expect(second.setCookies).toHaveLength(1);
    expect(second.setCookies).not.toEqual(first.setCookies);
    await app.close();
  });
});

describe('a shared cache hands nobody the page of another visitor, with Cache-Control:', () => {
  test.each(HEADERS)('%s', async (cacheControl) => {
    const { app, cache } = await start(cacheControl);
    const [ann, bob] = [app.client(), app.client()];
    ann.jar.set('sessionid', (await app.sessions.issue({ user: 'ann' })).cookie.slice('sessionid='.length));
    expect((await cache.get('/who', bob)).body).toBe('hello nobody');
    expect((await cache.get('/who', ann)).body).toBe('hello ann');
    expect((await cache.get('/who', bob)).body).toBe('hello nobody');
    expect((await cache.get('/who', app.client())).body).toBe('hello nobody');
    await app.close();
  });
});

test('what leaves the session alone stays in a shared cache, one copy for all', async () => {
  const { app, cache } = await start('public, max-age=60');
  const ann = app.client();
  ann.jar.set('sessionid', (await app.sessions.issue({ user: 'ann' })).cookie.slice('sessionid='.length));
  const first = await cache.get('/static', ann);
  expect(await cache.get('/static', app.client())).toBe(first);
  expect(first.headers.get('cache-control')).toBe('public, max-age=60');
  await app.close();
});

test('a cookie that is only renewed is kept out of shared caches, too', async () => {
  const { app, cache } = await start('public, max-age=60', true);
  const ann = app.client();
  ann.jar.set('sessionid', (await app.sessions.issue({ user: 'ann' })).cookie.slice('sessionid='.length));
  const reply = await cache.get('/static', ann);
  expect([reply.setCookies.length, reply.headers.get('vary'), cache.size]).toEqual([1, 'Cookie', 0]);
  expect((await cache.get('/static', app.client())).setCookies).toEqual([]);
  await app.close();
});
