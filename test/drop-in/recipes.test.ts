import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import util from 'node:util';
import * as sojourn from 'sojourn';
import session, * as dropIn from 'sojourn/express-session';
import { storeKeyOf } from '../../src/session-key.js';
import { type Client, listen, type Reply, type Running } from '../helpers/app.js';
import { type Declared, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';
import { connect, testRedisUrl } from '../helpers/redis-client.js';
import { suspend, WatchedStore } from '../helpers/stores.js';
import { DROP_IN_RECIPES, recipeNamed } from '../recipes/recipes.js';
import { idOf, SECRET } from './app.js';

// The recipes of docs/recipes.md on the drop-in, as they stand, on the real packages.

const open: Running[] = [];
const { isArray } = util;
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()));
  Object.assign(util, { isArray });
  jest.resetModules();
});

interface Served {
  readonly running: Running;
  readonly store: WatchedStore;
}

async function serve(recipe: string, express = 'express'): Promise<Served> {
  const store = new WatchedStore();
  const sessions = session({ secret: SECRET, store, resave: false, saveUninitialized: false });
  return { store, running: await run(recipe, { sessions }, express) };
}

async function run(recipe: string, dropIn: Declared, express = 'express'): Promise<Running> {
  const load = (id: string): unknown => {
    if (id === './drop-in.js') return dropIn;
    if (id === './is-array.js') return runBlock(recipeNamed('is-array.ts'), load);
    return requireFromRoot(id === 'express' ? express : id);
  };
  const { app }: Declared = runBlock(recipeNamed(recipe), load);
  const running = await listen(createServer(app as RequestListener));
  open.push(running);
  return running;
}

const post = (client: Client, path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Reply> =>
  client.get(path, { method: 'POST', body: new URLSearchParams(fields), headers });
const ADA = { username: 'ada', password: 'lovelace' };

describe.each(['express5', 'express4'])('passport on %s', (express) => {
  let running: Running;
  let store: WatchedStore;
  beforeEach(async () => {
    ({ running, store } = await serve('passport', express));
  });

  test('a login gives a new ID, and the old one is dead before the redirect leaves', async () => {
    const client = running.client();
    await post(client, '/login', { ...ADA, password: 'wrong' });
    const before = client.cookie;
    const create = suspend(store, 'create');
    let redirected = false;
    const login = post(client, '/login', ADA).then((reply) => {
      redirected = true;
      return reply;
    });
    await create.reached;
    store.calls.length = 0;
    // Another request with the old ID: it finds no session, although the redirect is still to come.
    expect((await running.client().get('/account', { headers: { cookie: before } })).status).toBe(401);
    expect([redirected, store.calls]).toEqual([false, ['read']]);
    create.release();
    const { status, headers } = await login;
    expect([status, headers.get('location')]).toEqual([303, '/account']);
    expect(client.cookie).not.toBe(before);
    expect((await client.get('/account')).body).toBe('hello ada');
    expect((await running.client().get('/account', { headers: { cookie: before } })).status).toBe(401);
  });

  test('a login that can’t be stored signs nobody in, and is an error', async () => {
    const client = running.client();
    store.before('create', () => Promise.reject(new Error('down')));
    const { status, setCookies } = await post(client, '/login', ADA);
    expect([status, setCookies]).toEqual([503, []]);
  });

  test('what failed is said after the redirect, once, and keepSessionInfo takes it along into the login', async () => {
    const client = running.client();
    await post(client, '/login', { ...ADA, password: 'wrong' });
    expect((await client.get('/login')).body).toBe('Wrong name or password.');
    expect((await client.get('/login')).body).toBe('');
    await post(client, '/login', { ...ADA, password: 'wrong' });
    await post(client, '/login', ADA);
    expect((await client.get('/login')).body).toBe('Wrong name or password.');
    expect((await client.get('/account')).body).toBe('hello ada');
  });

  test('“remember me” lasts after the login, and with the next changes', async () => {
    const client = running.client();
    const days = ([line = '']: string[]) => (new Date(/Expires=([^;]+)/.exec(line)?.[1] ?? Number.NaN).valueOf() - Date.now()) / 86_400_000;
    const { setCookies } = await post(client, '/login', { ...ADA, remember: 'on' });
    expect(days(setCookies)).toBeCloseTo(30, 2);
    const { setCookies: later } = await post(client, '/login', { ...ADA, password: 'wrong' });
    expect(days(later)).toBeCloseTo(30, 2);
    expect(days((await post(running.client(), '/login', ADA)).setCookies)).toBeNaN();
  });

  test('a logout ends the session: its ID is dead before the redirect leaves', async () => {
    const client = running.client();
    await post(client, '/login', ADA);
    const before = client.cookie;
    expect((await post(client, '/logout')).headers.get('location')).toBe('/');
    expect(idOf(client)).not.toBe('');
    expect(client.cookie).not.toBe(before);
    for (const cookie of [before, client.cookie]) {
      expect((await running.client().get('/account', { headers: { cookie } })).status).toBe(401);
    }
  });

  test('who only reads costs one read and one renewal', async () => {
    const client = running.client();
    await post(client, '/login', ADA);
    store.calls.length = 0;
    const { setCookies } = await client.get('/account');
    expect([setCookies, store.calls]).toEqual([[], ['read', 'touch']]);
  });
});

describe('connect-flash', () => {
  test.each([true, false])('keeps a message over the redirect, whether Node has util.isArray or not: %s', async (there) => {
    if (!there) Reflect.deleteProperty(util, 'isArray');
    const { running } = await serve('With it');
    const client = running.client();
    expect((await post(client, '/cart')).status).toBe(303);
    expect((await client.get('/cart')).body).toBe('It is in the cart.');
    expect((await client.get('/cart')).body).toBe('');
  });

  test('has its message stored before the redirect leaves', async () => {
    const { running, store } = await serve('With it');
    store.before('create', () => Promise.reject(new Error('down')));
    expect((await post(running.client(), '/cart')).status).toBe(503);
  });
});

/** `new Redis(url)`, closed after the tests of this file. */
function OpenRedis(url: string) {
  return connect({}, url);
}

test('drop-in.ts, which they share, keeps the sessions in Redis', async () => {
  Object.assign(process.env, { REDIS_URL: testRedisUrl(), SESSION_SECRET: SECRET });
  const own: Record<string, unknown> = {
    ioredis: { Redis: OpenRedis },
    sojourn,
    'sojourn/express-session': { ...dropIn, __esModule: true },
  };
  const running = await run(
    'passport',
    runBlock(recipeNamed('drop-in.ts'), (id) => own[id]),
  );
  const client = running.client();
  await post(client, '/login', ADA);
  expect((await client.get('/account')).body).toBe('hello ada');
  const { 'connect.sid': cookie = '' } = Object.fromEntries(client.jar);
  expect(await connect().strlen(`sojourn:${storeKeyOf(decodeURIComponent(cookie).slice(2, 45))}`)).toBeGreaterThan(20);
});

test('each recipe is run here', () => {
  const here = readFileSync('test/drop-in/recipes.test.ts', 'utf8');
  expect(DROP_IN_RECIPES.filter(({ name }) => !here.includes(`'${name}'`))).toEqual([]);
});

test('each recipe compiles as it stands, in a program where req.session is express-session’s', () => {
  const files = DROP_IN_RECIPES.map(({ name, code }, index): [string, string] => [
    name.endsWith('.ts') ? name : `recipe-${index}.ts`,
    code,
  ]);
  expect(files).toHaveLength(4);
  expect(compile('recipes/drop-in', Object.fromEntries(files))).toBe('');
});
