import { createServer, type RequestListener } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { listen, type Running, SECRET } from '../../test/helpers/app.js';
import { launchChromium } from '../../test/helpers/chromium.js';
import { suspend, WatchedStore } from '../../test/helpers/stores.js';
import { createApi, PRODUCTS } from './api.js';
import { createShop } from './shop.js';

let browser: Browser;
let store: WatchedStore;
let open: Running[];
let shop: Running;
let api: Running;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

/** A server on an origin of its own, which has its app once it knows the others' origins. */
async function serve(create: () => RequestListener): Promise<Running> {
  const server = createServer((req, res) => create()(req, res));
  const running = await listen(server);
  open.push(running);
  return running;
}

beforeEach(async () => {
  open = [];
  store = new WatchedStore();
  shop = await serve(() => createShop(api.origin));
  let app: RequestListener | undefined;
  api = await serve(() => {
    app ??= createApi({ shop: shop.origin, secret: SECRET, store });
    return app;
  });
  page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(shop.origin);
  await status('Ready');
});
afterEach(async () => {
  await page.context().close();
  await Promise.all(open.map((running) => running.close()));
});

const status = (text: string) => page.getByRole('status').getByText(text, { exact: true }).waitFor();
const line = (product: string) => page.getByLabel(product);

async function setQuantity(product: string, quantity: number): Promise<void> {
  await line(product).fill(String(quantity));
  await line(product).blur();
}

async function quantities(): Promise<string[]> {
  return Promise.all(PRODUCTS.map((product) => line(product).inputValue()));
}

test('the page’s cart is kept by the API of another origin, under a cookie that its script can’t see', async () => {
  await setQuantity('socks', 2);
  await status('Saved: 2 socks');
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ name: 'sessionid', httpOnly: true, sameSite: 'Lax' });
  expect(await page.evaluate('document.cookie')).toBe('');

  await page.reload();
  await status('Ready');
  expect(await quantities()).toEqual(['2', '0', '0']);

  await page.getByRole('button', { name: 'Forget me' }).click();
  await status('Forgotten');
  expect(await quantities()).toEqual(['0', '0', '0']);
  expect(await page.context().cookies()).toEqual([]);
});

test('changes made at once, before the first has been answered, are all in one cart', async () => {
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PUT') sent.push(request.url());
  });
  const creating = suspend(store, 'create');
  await page.evaluate(`
    for (const [index, input] of document.querySelectorAll('input').entries()) {
      input.value = index + 1;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    }`);
  // Without its cookie the others would be sessions of their own.
  await creating.reached;
  expect(sent).toEqual([`${api.origin}/cart/socks`]);
  creating.release();
  // Each line is open again when its answer is there.
  for (const product of PRODUCTS) await page.locator(`[name=${product}]:not([readonly])`).waitFor();
  await page.reload();
  await status('Ready');
  expect(await quantities()).toEqual(['1', '2', '3']);
});

test('the page can read what the API says when the store is down', async () => {
  await setQuantity('socks', 2);
  await status('Saved: 2 socks');
  const said = jest.spyOn(console, 'error').mockImplementation(() => {});
  store.before('read', () => Promise.reject(new Error('down')));
  await page.reload();
  await status('That didn’t work: ERR_STORE_UNAVAILABLE');
  said.mockRestore();
});

describe('a page of another origin of the same host, which the browser sends the cookie for', () => {
  let other: Running;
  beforeEach(async () => {
    await setQuantity('socks', 2);
    await status('Saved: 2 socks');
    other = await serve(() => (_req, res) => res.setHeader('content-type', 'text/html').end('<!doctype html><title>elsewhere</title>'));
    await page.goto(other.origin);
    store.calls.length = 0;
  });
  afterEach(async () => {
    await page.goto(shop.origin);
    await status('Ready');
    expect(await quantities()).toEqual(['2', '0', '0']);
  });

  const call = (init: string) =>
    page.evaluate(`fetch('${api.origin}/cart/socks', { credentials: 'include', ${init} }).then(({ type }) => type, ({ name }) => name)`);

  test('can’t read the cart', async () => {
    const reading = `fetch('${api.origin}/cart', { credentials: 'include' }).then(() => 'read', ({ name }) => name)`;
    expect(await page.evaluate(reading)).toBe('TypeError');
    // It was asked, with the cookie; the answer is kept from the script.
    expect(store.calls).toEqual(['read']);
  });

  test.each([
    ['PUT', `method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: '{"quantity":9}'`],
    ['DELETE', `method: 'DELETE'`],
    ['POST', `method: 'POST', body: '{"quantity":9}'`],
  ])('can’t send a %s', async (_method, init) => {
    expect(await call(init)).toBe('TypeError');
    expect(store.calls).toEqual([]);
  });

  test('can’t send a form', async () => {
    await page.setContent(`<form method="post" enctype="text/plain" action="${api.origin}/cart/socks"><button>Win</button></form>`);
    const answer = page.waitForResponse(`${api.origin}/cart/socks`);
    await page.getByRole('button').click();
    expect((await answer).status()).toBe(403);
    // The browser asks for an icon of that page, too, with the cookie.
    expect(store.calls).not.toContain('update');
  });
});
