import { createServer } from 'node:http';
import { type Client, listen, type Reply, type Running, SECRET } from '../../test/helpers/app.js';
import { WatchedStore } from '../../test/helpers/stores.js';
import { createApi } from './api.js';

const SHOP = 'http://127.0.0.1:3000';

let running: Running;
let store: WatchedStore;
let client: Client;

beforeEach(async () => {
  store = new WatchedStore();
  running = await listen(createServer(createApi({ shop: SHOP, secret: SECRET, store })));
  client = running.client();
});
afterEach(() => running.close());
afterEach(() => jest.restoreAllMocks());

/** As the shop's page sends it, unless told otherwise. */
function send(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Reply> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  return client.get(path, { method, ...(body !== undefined && { body }), headers: { origin: SHOP, ...json, ...headers } });
}

const quantity = (count: unknown) => JSON.stringify({ quantity: count });
const cart = async () => JSON.parse((await send('GET', '/cart')).body);

test('a cart is kept from one call to the next, and forgotten when asked to', async () => {
  expect(await cart()).toEqual({});
  expect(client.jar.size).toBe(0);
  expect(JSON.parse((await send('PUT', '/cart/socks', quantity(2))).body)).toEqual({ product: 'socks', quantity: 2 });
  await send('PUT', '/cart/bread', quantity(1));
  expect(await cart()).toEqual({ socks: 2, bread: 1 });
  expect((await send('DELETE', '/cart')).status).toBe(204);
  expect(client.jar.size).toBe(0);
  expect(await cart()).toEqual({});
});

test('two changes that have read the same cart are both kept', async () => {
  await send('PUT', '/cart/socks', quantity(1));
  let readings = 0;
  let bothHaveRead: () => void;
  const both = new Promise<void>((resolve) => {
    bothHaveRead = resolve;
  });
  store.before('read', () => {
    readings += 1;
    if (readings === 2) bothHaveRead();
    return both;
  });
  await Promise.all([send('PUT', '/cart/bread', quantity(2)), send('PUT', '/cart/lantern', quantity(3))]);
  expect(await cart()).toEqual({ socks: 1, bread: 2, lantern: 3 });
});

describe('CORS', () => {
  test('names the shop, and lets its pages send and keep the cookie', async () => {
    const { headers, setCookies } = await send('PUT', '/cart/socks', quantity(1));
    expect(headers.get('access-control-allow-origin')).toBe(SHOP);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('vary')).toContain('Origin');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(setCookies[0]).toMatch(/; HttpOnly; SameSite=Lax$/);
  });

  test('answers a preflight without a session', async () => {
    await send('PUT', '/cart/socks', quantity(1));
    store.calls.length = 0;
    const { status, headers } = await send('OPTIONS', '/cart/socks');
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(SHOP);
    expect(headers.get('access-control-allow-methods')).toBe('GET, PUT, DELETE');
    expect(headers.get('access-control-allow-headers')).toBe('Content-Type');
    expect(store.calls).toEqual([]);
  });

  test.each(['http://127.0.0.1:3001', 'https://127.0.0.1:3000', 'null'])('allows nothing to %s', async (origin) => {
    await send('PUT', '/cart/socks', quantity(1));
    for (const [method, path] of [
      ['OPTIONS', '/cart/socks'],
      ['GET', '/cart'],
    ] as const) {
      const { headers } = await send(method, path, undefined, { origin });
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('vary')).toContain('Origin');
    }
    store.calls.length = 0;
    expect((await send('PUT', '/cart/socks', quantity(9), { origin })).status).toBe(403);
    expect((await send('DELETE', '/cart', undefined, { origin })).status).toBe(403);
    expect(store.calls).toEqual([]);
    expect(await cart()).toEqual({ socks: 1 });
  });

  test('is on errors as well, so that the page can read them', async () => {
    await send('PUT', '/cart/socks', quantity(1));
    jest.spyOn(console, 'error').mockImplementation(() => {});
    store.before('read', () => Promise.reject(new Error('connection lost')));
    const { status, headers, body } = await send('GET', '/cart');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toEqual({ error: 'ERR_STORE_UNAVAILABLE' });
    expect(headers.get('access-control-allow-origin')).toBe(SHOP);
    expect(headers.get('retry-after')).not.toBeNull();
  });
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
  'a body that a form could send, %s, is refused even from the shop',
  async (type) => {
    expect((await send('PUT', '/cart/socks', quantity(1), { 'content-type': type })).status).toBe(415);
    expect(await cart()).toEqual({});
  },
);

test.each([-1, 1.5, 100, '1', null, undefined])('the quantity %p is refused', async (count) => {
  const { status, body } = await send('PUT', '/cart/socks', quantity(count));
  expect({ status, ...JSON.parse(body) }).toEqual({ status: 400, error: 'BAD_QUANTITY' });
});

test.each(['yacht', '__proto__'])('there is no product %s', async (product) => {
  const { status, body } = await send('PUT', `/cart/${product}`, quantity(1));
  expect({ status, ...JSON.parse(body) }).toEqual({ status: 404, error: 'NO_SUCH_PRODUCT' });
});

test('what is no JSON, and what is no path, is answered in JSON', async () => {
  expect(JSON.parse((await send('PUT', '/cart/socks', '{')).body)).toEqual({ error: 'entity.parse.failed' });
  expect(JSON.parse((await send('GET', '/')).body)).toEqual({ error: 'NOT_FOUND' });
});
