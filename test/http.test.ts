import type { Express } from 'express';
import type { SessionMiddleware, SessionOptions } from 'sojourn';
import { type AnyRequest, isInPath } from '../src/http.ts';
import { type Running, startApp } from './helpers/app.ts';
import { WatchedStore } from './helpers/stores.ts';
import { recordWarnings, type Warning } from './helpers/warnings.ts';
import { wireRequest } from './helpers/wire.ts';

let running: (Running & { sessions: SessionMiddleware; app: Express }) | undefined;
let store: WatchedStore;
let warnings: Warning[];

beforeAll(() => {
  warnings = recordWarnings();
});
beforeEach(() => {
  store = new WatchedStore();
  warnings.length = 0;
});
afterEach(() => running?.close());

/** `/touch` reads, `/change` writes, anything else leaves the session alone; each sets the given headers first. */
async function serve(headers: Record<string, string | string[]> = {}, options: SessionOptions = {}, trustProxy = false) {
  running = await startApp({ store, ...options }, (app) => {
    app.set('trust proxy', trustProxy);
    app.use((req, res) => {
      for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
      if (req.path.endsWith('/touch')) req.session.get('name');
      if (req.path.endsWith('/change')) req.session.set('name', 'Ada');
      if (req.path.endsWith('/flush')) req.session.flush();
      if (req.path.endsWith('/cycle')) req.session.cycleKey();
      if (req.path.endsWith('/stream')) {
        req.session.cycleKey();
        req.session.set('name', 'Grace');
        res.write('begun, ');
        req.session.set('more', true);
        res.end('ended');
        return;
      }
      if (req.path.endsWith('/restart')) {
        req.session.flush();
        req.session.set('name', 'Grace');
      }
      res.send(String(req.path.endsWith('/show') ? req.session.get('name') : ''));
    });
  });
  return running;
}

describe('Vary', () => {
  test.each([
    [undefined, 'Cookie'],
    ['Origin', 'Origin, Cookie'],
    [['Origin', 'Accept'], 'Origin,Accept, Cookie'],
    ['*', '*'],
    ['Origin, cookie', 'Origin, cookie'],
    ['COOKIE', 'COOKIE'],
    ['X-Cookie', 'X-Cookie, Cookie'],
    ['', 'Cookie'],
  ])('%p becomes "%s" when the session was read or changed', async (vary, expected) => {
    const { port } = await serve(vary === undefined ? {} : { Vary: vary });
    for (const path of ['/touch', '/change']) expect((await wireRequest(port, path)).headers.get('vary')?.join(', ')).toBe(expected);
  });

  test('is not set for a page that leaves the session alone, cookie or not', async () => {
    const { port, sessions } = await serve();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    for (const headers of [{}, { cookie }]) {
      const reply = await wireRequest(port, '/', { headers });
      for (const name of ['vary', 'set-cookie', 'cache-control']) expect(reply.headers.has(name)).toBe(false);
    }
  });
});

describe('Cache-Control of a response that sets the cookie', () => {
  const PUBLIC: Warning = { code: 'SOJOURN_PUBLIC_RESPONSE', message: expect.stringContaining('Mount static files before') };

  test.each([
    [undefined, 'no-store'],
    ['no-store', 'no-store'],
    ['no-cache', 'no-cache'],
    ['private, max-age=60', 'private, max-age=60'],
    ['public, max-age=0', 'public, max-age=0'],
    ['public, max-age=60, s-maxage=0', 'public, max-age=60, s-maxage=0'],
    ['public, no-store', 'public, no-store'],
    ['must-revalidate', 'must-revalidate'],
    ['public, max-age=soon', 'public, max-age=soon'],
  ])('%p stays or becomes "%s"', async (given, expected) => {
    const { port } = await serve(given === undefined ? {} : { 'Cache-Control': given });
    expect((await wireRequest(port, '/change')).headers.get('cache-control')).toEqual([expected]);
    expect(warnings).toEqual([]);
  });

  // One warning in the life of a process, so all of these are one test.
  test('never lets a shared cache keep it, and a warning says so once', async () => {
    for (const [given, expected] of [
      ['public, max-age=60', 'private, max-age=60'],
      ['Public, Max-Age="60"', 'private, max-age="60"'],
      ['public', 'private'],
      ['s-maxage=60', 'private'],
      ['max-age=0, s-maxage=60', 'private, max-age=0'],
      ['max-age=60', 'private, max-age=60'],
      ['public, immutable', 'private, immutable'],
    ] as const) {
      const { port, close } = await serve({ 'Cache-Control': given });
      expect((await wireRequest(port, '/change')).headers.get('cache-control')).toEqual([expected]);
      await close();
    }
    expect(warnings).toEqual([PUBLIC]);
  });

  test('is the application’s own on a page that only reads', async () => {
    const { port, sessions } = await serve({ 'Cache-Control': 'public, max-age=60' });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, '/touch', { headers: { cookie } });
    expect(reply.headers.get('cache-control')).toEqual(['public, max-age=60']);
  });
});

describe('the cookie’s path', () => {
  const inside = (path: string, url: string) => isInPath({ url, originalUrl: url } as AnyRequest, path);

  test.each([
    ['/', '/anything', true],
    ['/admin', '/admin', true],
    ['/admin', '/admin/', true],
    ['/admin', '/admin/users?x=1', true],
    ['/admin', '/admin?x=/admin', true],
    ['/admin/', '/admin/users', true],
    ['/admin/', '/admin', false],
    ['/admin', '/administrator', false],
    ['/admin', '/Admin', false],
    ['/admin', '/', false],
    ['/admin', '/x?/admin', false],
    ['/admin', '/adm', false],
    ['/admin', 'http://example.com/admin/users', true],
    ['/admin', 'http://example.com/admin?x=1', true],
    ['/admin', 'http://admin/', false],
  ])('%s and a request for %s: %p', (path, url, expected) => {
    expect(inside(path, url)).toBe(expected);
  });

  test('is compared with the whole path under a mounted app, and with the url without Express', () => {
    expect(isInPath({ url: '/users', originalUrl: '/admin/users' } as AnyRequest, '/admin')).toBe(true);
    expect(isInPath({ url: '/admin/users' } as AnyRequest, '/admin')).toBe(true);
    expect(isInPath({} as AnyRequest, '/admin')).toBe(false);
  });

  test('keeps requests outside of it without a session: nothing is read, stored or sent, and a warning says so', async () => {
    const { port, sessions } = await serve({}, { cookie: { path: '/admin' } });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    const reply = await wireRequest(port, '/administrator/change', { headers: { cookie } });
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(store.calls).toEqual([]);
    expect(warnings).toEqual([{ code: 'SOJOURN_PATH', message: expect.stringContaining('cookie.path') }]);
    expect((await wireRequest(port, '/admin/show', { headers: { cookie } })).body).toBe('Ada');
    expect((await wireRequest(port, '/admin/change')).headers.get('set-cookie')?.[0]).toContain('; Path=/admin;');
  });
});

test('a flush outside of the cookie’s path deletes neither the cookie nor the session', async () => {
  const { port, sessions } = await serve({}, { cookie: { path: '/admin' } });
  const { cookie } = await sessions.issue({ name: 'Ada' });
  expect((await wireRequest(port, '/flush', { headers: { cookie } })).headers.has('set-cookie')).toBe(false);
  expect((await wireRequest(port, '/admin/show', { headers: { cookie } })).body).toBe('Ada');
  expect((await wireRequest(port, '/admin/flush', { headers: { cookie } })).headers.get('set-cookie')?.[0]).toMatch(/; Path=\/admin;/);
});

describe('a connection that is not secure', () => {
  const https = { 'X-Forwarded-Proto': 'https' };

  test('makes a cookie without Secure by default, whatever X-Forwarded-Proto says', async () => {
    const { port } = await serve();
    const reply = await wireRequest(port, '/change', { headers: https });
    expect(reply.headers.get('set-cookie')?.[0]).toMatch(/^sessionid=[^;]+; Max-Age=1209600; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test('is secure if a trusted proxy says so', async () => {
    const { port } = await serve({}, {}, true);
    const [reply, plain] = [await wireRequest(port, '/change', { headers: https }), await wireRequest(port, '/change')];
    expect(reply.headers.get('set-cookie')?.[0]).toMatch(/; HttpOnly; Secure; SameSite=Lax$/);
    expect(plain.headers.get('set-cookie')?.[0]).not.toContain('Secure');
  });

  test('is enough for secure: true behind a trusted proxy', async () => {
    const { port } = await serve({}, { cookie: { secure: true } }, true);
    const reply = await wireRequest(port, '/change', { headers: https });
    expect(reply.headers.get('set-cookie')).toEqual([
      expect.stringMatching(/^__Host-sessionid=[^;]+; Max-Age=1209600; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect(warnings).toEqual([]);
  });

  test('gets nothing stored with secure: true, and one warning that says so, X-Forwarded-Proto or not', async () => {
    const { port } = await serve({}, { cookie: { secure: true } });
    for (const headers of [{}, https, {}]) {
      const reply = await wireRequest(port, '/change', { headers });
      expect(reply.status).toBe(200);
      expect(reply.headers.has('set-cookie')).toBe(false);
    }
    expect(store.calls).toEqual([]);
    expect(warnings).toEqual([{ code: 'SOJOURN_INSECURE', message: expect.stringContaining("app.set('trust proxy', 1)") }]);
  });

  test('still updates a session that exists, with secure: true', async () => {
    const { port, sessions } = await serve({}, { cookie: { secure: true } });
    const { cookie } = await sessions.issue({ name: 'Grace' });
    const reply = await wireRequest(port, '/change', { headers: { cookie } });
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect((await wireRequest(port, '/show', { headers: { cookie } })).body).toBe('Ada');
  });

  test('does not carry out a cycle with secure: true, which would log the user out', async () => {
    const { port, sessions } = await serve({}, { cookie: { secure: true } });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    expect((await wireRequest(port, '/cycle', { headers: { cookie } })).headers.has('set-cookie')).toBe(false);
    expect(store.calls).toEqual(['read']);
    expect((await wireRequest(port, '/show', { headers: { cookie } })).body).toBe('Ada');
  });

  test('stores nothing under the old key after a cycle that was not carried out, however long the response goes on', async () => {
    const { port, sessions } = await serve({}, { cookie: { secure: true } });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    await wireRequest(port, '/stream', { headers: { cookie } });
    expect(store.calls).toEqual(['read']);
    expect((await wireRequest(port, '/show', { headers: { cookie } })).body).toBe('Ada');
  });

  test('carries out a flush with secure: true, and stores nothing that came after it', async () => {
    const { port, sessions } = await serve({}, { cookie: { secure: true } });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    const reply = await wireRequest(port, '/restart', { headers: { cookie } });
    expect(store.calls).toEqual(['read', 'delete']);
    expect(reply.headers.get('set-cookie')).toEqual([expect.stringMatching(/^__Host-sessionid=; Max-Age=0;/)]);
  });
});
