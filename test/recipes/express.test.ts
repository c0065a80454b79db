import { createServer, type RequestListener } from 'node:http';
import { listen, type Running } from '../helpers/app.js';
import { storedData } from '../helpers/sessions.js';
import { type Kitchen, kitchen } from './recipes.js';

const down = () => Promise.reject(new Error('down'));
const POST = { method: 'POST' };

let kit: Kitchen;
let running: Running;

async function serve(recipe: string, express: string): Promise<void> {
  kit = kitchen({ express });
  running = await listen(createServer(kit.run(recipe).app as RequestListener));
}
afterEach(() => running.close());

describe.each(['express5', 'express4'])('a router with sessions, on %s', (version) => {
  beforeEach(() => serve('Routers, async handlers and errors', version));

  test('has them on its paths, and nowhere else', async () => {
    const client = running.client();
    expect((await client.get('/shop/cart?item=apple', POST)).body).toBe('1 in the cart');
    expect((await client.get('/shop/cart?item=apple', POST)).body).toBe('2 in the cart');
    kit.store.calls.length = 0;
    expect((await client.get('/')).body).toBe('no session here');
    expect(kit.store.calls).toEqual([]);
  });

  test('a store that is down gives a friendly page, which says when to come again', async () => {
    const client = running.client();
    const answer = async () => {
      const { status, headers, body } = await client.get('/shop/cart?item=apple', POST);
      return { status, retryAfter: headers.get('retry-after'), body };
    };
    const friendly = { status: 503, retryAfter: '1', body: 'Back in a moment.' };
    kit.store.before('create', down);
    expect(await answer()).toEqual(friendly);
    expect(client.cookie).toBe('');

    kit.store.clearFaults();
    await client.get('/shop/cart?item=apple', POST);
    kit.store.before('update', down);
    expect(await answer()).toEqual(friendly);
    kit.store.before('read', down);
    // The error comes up in the handler now, where Express 4 sees no rejection.
    if (version === 'express5') expect(await answer()).toEqual(friendly);
  });

  test('who was logged out meanwhile is sent to the login page', async () => {
    const { sessionKey, cookie } = await kit.sessions.issue({ cart: [] });
    kit.store.before('update', () => kit.open(cookie).then((session) => session.destroy(sessionKey)));
    const { status, headers } = await running.client().get('/shop/cart?item=apple', { ...POST, headers: { cookie } });
    expect({ status, location: headers.get('location') }).toEqual({ status: 303, location: '/login' });
  });
});

test('on Express 5 an async handler that throws reaches the error handler, and its changes are not stored', async () => {
  await serve('Routers, async handlers and errors', 'express5');
  const { sessionKey, cookie } = await kit.sessions.issue({ cart: ['pear'] });
  const { status, body } = await running.client().get('/shop/cart?item=plum', { ...POST, headers: { cookie } });
  expect({ status, body }).toEqual({ status: 500, body: 'Sorry.' });
  expect(await storedData({ store: kit.store }, sessionKey)).toEqual({ cart: ['pear'] });
});

test('on Express 4 so does one whose rejection is passed on', async () => {
  await serve('Express 4', 'express4');
  const { sessionKey, cookie } = await kit.sessions.issue({ name: 'Grace' });
  const rename = async (path: string) => (await running.client().get(path, { ...POST, headers: { cookie } })).status;
  expect(await rename('/rename?fail')).toBe(500);
  expect(await storedData({ store: kit.store }, sessionKey)).toEqual({ name: 'Grace' });
  expect(await rename('/rename')).toBe(200);
  expect(await storedData({ store: kit.store }, sessionKey)).toEqual({ name: 'Ada' });
});

describe.each(['express5', 'express4'])('the app that the recipes share, on %s', (version) => {
  beforeEach(() => serve('app.ts', version));

  test('logs in under a new key, and out', async () => {
    const client = running.client();
    const { sessionKey, cookie } = await kit.sessions.issue({ name: 'Ada' });
    await client.get('/login', { ...POST, headers: { cookie } });
    expect((await client.get('/account')).body).toBe('user 42');
    expect(await storedData({ store: kit.store }, sessionKey)).toBeNull();
    await client.get('/logout', POST);
    expect((await client.get('/account')).status).toBe(401);
  });
});
