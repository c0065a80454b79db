import { createServer } from 'node:http';
import { type Client, listen, type Reply, type Running, SECRET } from '../../test/helpers/app.js';
import { WatchedStore } from '../../test/helpers/stores.js';
import { createApp } from './app.js';
import { DEMO } from './users.js';

const [ada, grace] = DEMO;

let running: Running;
let store: WatchedStore;
let client: Client;

beforeEach(async () => {
  store = new WatchedStore();
  running = await listen(createServer(createApp({ secret: SECRET, store })));
  client = running.client();
});
afterEach(() => running.close());

function post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Reply> {
  return client.get(path, { method: 'POST', body: new URLSearchParams(fields), headers });
}

function redirectsTo(path: string, reply: Reply): void {
  expect(Math.floor(reply.status / 100)).toBe(3);
  expect(reply.headers.get('location')).toBe(path);
}

test('who wanted a page signs in and gets it, under a new key', async () => {
  redirectsTo('/login', await client.get('/orders'));
  const before = client.cookie;
  redirectsTo('/orders', await post('/login', ada));
  expect(client.cookie).not.toBe(before);
  expect((await client.get('/orders')).body).toContain('Signed in as Ada Lovelace');

  // Whoever had the key from before has nothing.
  const old = await running.client().get('/account', { headers: { cookie: before } });
  expect(old.body).not.toContain('Ada');
});

test.each([{ username: 'ada', password: 'guess' }, { username: '__proto__', password: ada.password }, { username: 'ada' }, {}])(
  '%j opens nothing, and makes no session',
  async (fields) => {
    redirectsTo('/login?failed', await post('/login', fields as Record<string, string>));
    expect((await client.get('/login?failed')).body).toContain('Wrong name or password.');
    expect((await client.get('/login')).body).not.toContain('Wrong');
    expect(client.jar.size).toBe(0);
    expect(store.calls).toEqual([]);
  },
);

test('signing out ends the session, for an old cookie as well', async () => {
  await post('/login', ada);
  const old = client.cookie;
  redirectsTo('/', await post('/logout'));
  expect(client.jar.size).toBe(0);
  redirectsTo('/login', await running.client().get('/account', { headers: { cookie: old } }));
});

test('signing in as somebody else leaves what the first one had behind', async () => {
  await post('/login', ada);
  const adas = client.cookie;
  await post('/login', grace);
  expect((await client.get('/account')).body).toContain('Signed in as Grace Hopper');
  redirectsTo('/login', await running.client().get('/account', { headers: { cookie: adas } }));
});

test('a page without a user reads no session, though there is a cookie', async () => {
  await post('/login', ada);
  const { headers } = await client.get('/');
  expect(headers.get('vary')).toBeNull();
});

test('a sign-in from another site is refused', async () => {
  expect((await post('/login', ada, { origin: 'http://elsewhere.example' })).status).toBe(403);
  expect(client.jar.size).toBe(0);
});
