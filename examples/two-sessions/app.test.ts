import { createServer } from 'node:http';
import { type Client, listen, type Reply, type Running, SECRET } from '../../test/helpers/app.js';
import { TestClock } from '../../test/helpers/clock.js';
import { WatchedStore } from '../../test/helpers/stores.js';
import { ADMIN_PASSWORD, createApp } from './app.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

let running: Running;
let clock: TestClock;
let store: WatchedStore;
let client: Client;

beforeEach(async () => {
  clock = new TestClock();
  store = new WatchedStore({ clock: clock.read });
  running = await listen(createServer(createApp({ secret: SECRET, store, clock: clock.read })));
  client = running.client();
});
afterEach(() => running.close());

function post(path: string, fields: Record<string, string> = {}): Promise<Reply> {
  return client.get(path, { method: 'POST', body: new URLSearchParams(fields) });
}

const signIn = () => post('/admin/login', { password: ADMIN_PASSWORD });
const isAdmin = async () => (await client.get('/admin')).status === 200;

test('each has a cookie of its own: name, path, age and SameSite', async () => {
  expect((await client.get('/')).setCookies).toEqual([
    expect.stringMatching(/^sessionid=[^;]+; Max-Age=1209600; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);
  expect((await signIn()).setCookies).toEqual([
    expect.stringMatching(/^adminid=[^;]+; Max-Age=1800; Path=\/admin; HttpOnly; SameSite=Strict$/),
  ]);
});

test('signing out of one leaves the other as it is', async () => {
  await post('/language', { language: 'Deutsch' });
  await signIn();
  await post('/admin/logout');
  expect(await isAdmin()).toBe(false);
  expect((await client.get('/')).body).toContain('Visit 1, in Deutsch');

  await signIn();
  await post('/forget');
  expect(await isAdmin()).toBe(true);
  expect((await client.get('/')).body).toContain('Visit 1, in English');
});

test('signing in to one leaves the key of the other as it is', async () => {
  await client.get('/');
  const visitor = client.jar.get('sessionid');
  await signIn();
  const admin = client.jar.get('adminid');
  await signIn();
  expect(client.jar.get('adminid')).not.toBe(admin);
  expect(client.jar.get('sessionid')).toBe(visitor);
});

test('the administrator’s ends half an hour after the last request, and after eight hours whatever happens', async () => {
  await client.get('/');
  await signIn();
  for (let passed = 29 * MINUTE; passed < 9 * HOUR; passed += 29 * MINUTE) {
    clock.advance(29 * MINUTE);
    expect([passed, await isAdmin()]).toEqual([passed, passed < 8 * HOUR]);
  }

  await signIn();
  clock.advance(31 * MINUTE);
  expect(await isAdmin()).toBe(false);
  expect((await client.get('/')).body).toContain('Visit 2');
});

test('the cookie of one is worthless as that of the other, though both are in one store', async () => {
  await client.get('/');
  await signIn();
  const [visitor, admin] = [client.jar.get('sessionid'), client.jar.get('adminid')];
  const swapped = { cookie: `adminid=${visitor}; sessionid=${admin}` };
  store.calls.length = 0;
  expect((await client.get('/admin', { headers: swapped })).status).toBe(303);
  expect((await client.get('/', { headers: swapped })).body).toContain('Visit 1,');
  expect(store.calls).not.toContain('read');
});

test('the public’s pages ask nothing about administrators', async () => {
  await client.get('/');
  await signIn();
  store.calls.length = 0;
  await client.get('/');
  expect(store.calls).toEqual(['read', 'update']);
});

test.each(['guess', ''])('the password %j opens nothing', async (password) => {
  expect((await post('/admin/login', { password })).headers.get('location')).toBe('/admin/login');
  expect(client.jar.size).toBe(0);
});

test('a form of another site is refused', async () => {
  const forged = { method: 'POST', headers: { origin: 'http://elsewhere.example' } };
  expect((await client.get('/admin/logout', forged)).status).toBe(403);
});

test('a language that there isn’t changes nothing', async () => {
  await post('/language', { language: '<script>' });
  expect(client.jar.size).toBe(0);
});

test('each knows the keys of its own data only', () => {
  // What tsc refuses here, `npm run typecheck` would report as an error too few.
  const wrong = ({ session, admin }: Express.Request) => {
    // @ts-expect-error the administrator's
    session.get('adminId');
    // @ts-expect-error the visitor's
    admin.get('visits');
    // @ts-expect-error a number
    session.set('visits', '1');
    // @ts-expect-error not in the list
    session.set('language', 'Latin');
  };
  expect(wrong).toBeDefined();
});
