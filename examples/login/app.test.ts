import { createServer } from 'node:http';
import { type Client, listen, type Reply, type Running, SECRET } from '../../test/helpers/app.js';
import { WatchedStore } from '../../test/helpers/stores.js';
import { createApp } from './app.js';
import { DEMO_PASSWORDS } from './users.js';

let running: Running;
let store: WatchedStore;
let client: Client;

beforeEach(async () => {
  store = new WatchedStore();
  running = await listen(createServer(createApp({ secret: SECRET, store })));
  client = running.client();
});
afterEach(() => running.close());
afterEach(() => jest.restoreAllMocks());

const [ada, grace] = DEMO_PASSWORDS;

function post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Reply> {
  return client.get(path, { method: 'POST', body: new URLSearchParams(fields), headers });
}

function redirectsTo(path: string, reply: Reply): void {
  expect({ status: reply.status, location: reply.headers.get('location') }).toEqual({ status: 303, location: path });
}

/** A copy of the client as it is now: somebody who has seen its cookie. */
function eavesdropper(): Client {
  const copy = running.client();
  for (const [name, value] of client.jar) copy.jar.set(name, value);
  return copy;
}

test('pages of the session are not kept by any cache; the style sheet needs no session', async () => {
  const page = await client.get('/');
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.headers.get('vary')).toContain('Cookie');

  store.calls.length = 0;
  const style = await client.get('/style.css');
  expect(style.status).toBe(200);
  expect(style.headers.get('vary')).toBeNull();
  expect(store.calls).toEqual([]);
});

test('every visit of the shop counts', async () => {
  expect((await client.get('/')).body).toContain('<strong>1 time</strong>');
  expect((await client.get('/')).body).toContain('<strong>2 times</strong>');
});

describe('the cart', () => {
  test('changes in place, and stays changed', async () => {
    redirectsTo('/', await post('/cart', { product: 'socks' }));
    await post('/cart', { product: 'socks' });
    await post('/cart', { product: 'bread' });
    expect((await client.get('/')).body).toContain('<span class="badge">3</span>');

    redirectsTo('/#cart', await post('/cart/socks', { quantity: '5' }));
    expect((await client.get('/')).body).toContain('<span class="badge">6</span>');

    await post('/cart/socks', { quantity: '0' });
    const { body } = await client.get('/');
    expect(body).toContain('<span class="badge">1</span>');
    expect(body).not.toContain('action="/cart/socks"');
  });

  test('ignores a change of what another tab has removed', async () => {
    redirectsTo('/#cart', await post('/cart/lantern', { quantity: '2' }));
    expect((await client.get('/')).body).toContain('<span class="badge">0</span>');
  });

  test.each(['-1', '1.5', '100', '', 'many', 'Infinity'])('refuses the quantity %j', async (quantity) => {
    await post('/cart', { product: 'socks' });
    expect((await post('/cart/socks', { quantity })).status).toBe(400);
    expect((await client.get('/')).body).toContain('<span class="badge">1</span>');
  });

  test('refuses what the shop does not have', async () => {
    expect((await post('/cart', { product: 'yacht' })).status).toBe(400);
    expect((await post('/cart')).status).toBe(400);
  });
});

describe('signing in', () => {
  test('a wrong password is said once, with the name kept and escaped', async () => {
    redirectsTo('/login', await post('/login', { name: '"><script>', password: 'guess' }));

    const { body } = await client.get('/login');
    expect(body).toContain('role="alert"');
    expect(body).toContain('value="&#34;&#62;&#60;script&#62;"');
    expect(body).not.toContain('<script');
    expect((await client.get('/login')).body).not.toContain('role="alert"');
  });

  test.each([{}, { name: 'ada' }, { name: 'ada', password: '' }, { name: '__proto__', password: 'x' }])(
    '%j opens nothing',
    async (fields) => {
      redirectsTo('/login', await post('/login', fields as Record<string, string>));
      redirectsTo('/login', await client.get('/account'));
    },
  );

  test('keeps the cart, and leaves the key from before worthless', async () => {
    await post('/cart', { product: 'lantern' });
    const before = eavesdropper();

    redirectsTo('/', await post('/login', ada));
    const { body } = await client.get('/account');
    expect(body).toContain('Ada Lovelace');
    expect(body).toContain('<span class="badge">1</span>');

    redirectsTo('/login', await before.get('/account'));
    // A write under a key that was just given up is no new session, whose cookie would replace the one of the sign-in.
    const late = await before.get('/');
    expect(late.status).toBe(400);
    expect(late.setCookies).toEqual([]);
    expect(late.body).toContain('signed in or out');
  });

  test('as somebody else leaves the first one’s cart behind', async () => {
    await post('/login', ada);
    await post('/cart', { product: 'lantern' });

    await post('/login', grace);
    const { body } = await client.get('/account');
    expect(body).toContain('Grace Hopper');
    expect(body).toContain('<span class="badge">0</span>');
  });

  test('lasts until the browser closes, or 30 days on request', async () => {
    const short = await post('/login', ada);
    expect(short.setCookies[0]).not.toMatch(/max-age|expires/i);
    expect((await client.get('/account')).body).toContain('you close the browser');

    const long = await post('/login', { ...ada, stay: 'yes' });
    expect(long.setCookies[0]).toContain('Max-Age=2592000;');
    expect((await client.get('/account')).body).toContain('<time');
  });

  test('is not offered to who is signed in', async () => {
    await post('/login', ada);
    redirectsTo('/account', await client.get('/login'));
  });
});

test('signing out ends the session: an old cookie is anonymous', async () => {
  await post('/login', ada);
  await post('/cart', { product: 'bread' });
  const old = eavesdropper();

  redirectsTo('/', await post('/logout'));
  expect(client.jar.size).toBe(0);
  redirectsTo('/login', await old.get('/account'));
  expect((await old.get('/')).body).toContain('<span class="badge">0</span>');
});

test('a form of another origin is refused, and so is signing out by a link', async () => {
  await post('/login', ada, { origin: running.origin });
  for (const origin of ['http://elsewhere.example', 'null']) {
    expect((await post('/logout', {}, { origin })).status).toBe(403);
  }
  expect((await client.get('/logout')).status).toBe(404);
  expect((await client.get('/account')).status).toBe(200);
});

test('with the store down the error page says so', async () => {
  await client.get('/');
  jest.spyOn(console, 'error').mockImplementation(() => {});
  store.before('read', () => {
    throw new Error('connection lost');
  });

  const { status, body } = await client.get('/');
  expect(status).toBe(503);
  expect(body).toContain('Try again soon');
  expect(body).not.toContain('connection lost');
  expect((await client.get('/nowhere')).status).toBe(404);
});

test('a form too large is an error page, too', async () => {
  expect((await post('/login', { name: 'x'.repeat(5000) })).status).toBe(413);
});
