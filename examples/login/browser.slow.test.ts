import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import type { Browser, BrowserContext, BrowserContextOptions, Cookie, Page } from 'playwright-core';
import { MemoryStore, RedisStore, type Store } from 'sojourn';
import { listen, type Running, SECRET } from '../../test/helpers/app.js';
import { launchChromium } from '../../test/helpers/chromium.js';
import { TestClock } from '../../test/helpers/clock.js';
import { createApp } from './app.js';
import { DESKTOP, look, PHONE, signIn, signOutButton } from './steps.js';
import { DEMO_PASSWORDS } from './users.js';

const [ada] = DEMO_PASSWORDS;
const DAY = 24 * 60 * 60;
const PREFIX = 'browser-test:';

let browser: Browser;
let redis: Redis;

beforeAll(async () => {
  browser = await launchChromium();
  redis = new Redis(process.env.REDIS_URL as string);
});
afterAll(async () => {
  await browser.close();
  const keys = await redis.keys(`${PREFIX}*`);
  if (keys.length > 0) await redis.del(keys);
  redis.disconnect();
});

let running: Running;
const contexts: BrowserContext[] = [];

async function serve(store: Store, clock = Date.now): Promise<void> {
  running = await listen(createServer(createApp({ secret: SECRET, store, clock })));
}

afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
  await running.close();
});

/** A new browser profile: no cookies, no cache. */
async function openProfile(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ baseURL: running.origin, viewport: DESKTOP, ...options });
  contexts.push(context);
  // Less than a test has, so that what didn't come is named.
  context.setDefaultTimeout(15_000);
  return context.newPage();
}

async function signOut(page: Page): Promise<void> {
  await signOutButton(page).click();
  await page.getByRole('link', { name: 'Sign in' }).waitFor();
}

/** Puts one more piece into the cart, which then has this many. */
async function addToCart(page: Page, name: string, pieces: number): Promise<void> {
  await page.getByRole('button', { name: `Add to cart: ${name}` }).click();
  await page.getByRole('link', { name: `Cart ${pieces}`, exact: true }).waitFor();
}

async function sessionCookie(page: Page): Promise<Cookie | undefined> {
  return (await page.context().cookies()).find(({ name }) => name === 'sessionid');
}

const cart = (page: Page) => page.getByRole('region', { name: 'Your cart' });
const quantity = (page: Page, name: string) => cart(page).getByRole('listitem').filter({ hasText: name }).getByRole('status');

const STORES: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(redis, { prefix: PREFIX })],
];

describe.each(STORES)('sessions in %s', (_place, createStore) => {
  beforeEach(() => serve(createStore()));

  describe.each([
    ['with', true],
    ['without', false],
  ])('a browser %s JavaScript', (_name, javaScriptEnabled) => {
    let page: Page;
    beforeEach(async () => {
      page = await openProfile({ javaScriptEnabled });
    });

    test('signs in, after a wrong password', async () => {
      await signIn(page, { password: 'guess' });
      await page.waitForURL('/login');
      await page.getByRole('alert').waitFor();
      expect(await page.getByLabel('Name').inputValue()).toBe('ada');
      const before = await sessionCookie(page);

      await signIn(page);
      await page.waitForURL('/');
      await page.getByRole('heading', { name: 'Good to see you, Ada Lovelace' }).waitFor();
      const after = await sessionCookie(page);
      expect(after).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
      expect(after?.value).not.toBe(before?.value);

      await signOut(page);
      await page.goto('/login');
      expect(await page.getByRole('alert').count()).toBe(0);
    });

    test('keeps a cart that was changed in place, through a reload and a sign-in', async () => {
      await page.goto('/');
      await addToCart(page, 'Wool socks', 1);
      await addToCart(page, 'Rye bread', 2);
      await page.getByRole('button', { name: 'One more: Wool socks' }).click();
      await page.waitForURL('/#cart');
      await quantity(page, 'Wool socks').getByText('2').waitFor();
      expect(await cart(page).getByText('€42.80').count()).toBe(1);

      await page.reload();
      await quantity(page, 'Wool socks').getByText('2').waitFor();

      await signIn(page);
      await signOutButton(page).waitFor();
      await quantity(page, 'Wool socks').getByText('2').waitFor();
      await page.getByRole('button', { name: 'Remove: Wool socks' }).click();
      await quantity(page, 'Wool socks').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'One less: Rye bread' }).click();
      await cart(page).getByText('Nothing yet').waitFor();
    });

    test('counts its views, and a reload after a form sends no form again', async () => {
      await page.goto('/');
      await page.getByText('1 time').waitFor();
      await addToCart(page, 'Rye bread', 1);
      await page.getByText('2 times').waitFor();
      await page.reload();
      await page.getByText('3 times').waitFor();
      expect(await quantity(page, 'Rye bread').textContent()).toBe('1');
    });

    test('is signed out: Back shows no page of the account, and the old cookie is anonymous', async () => {
      await signIn(page);
      await page.getByRole('link', { name: 'Account' }).click();
      await page.getByText('Ada Lovelace').waitFor();
      const old = await sessionCookie(page);

      await signOut(page);
      await page.getByRole('heading', { name: 'Provisions for a long walk' }).waitFor();
      expect(await signOutButton(page).count()).toBe(0);

      await page.goBack();
      await page.waitForURL('/login');
      expect(await page.getByText('Ada Lovelace').count()).toBe(0);

      const thief = await openProfile({ javaScriptEnabled });
      await thief.context().addCookies([old as Cookie]);
      await thief.goto('/account');
      await thief.waitForURL('/login');
    });

    test('stays signed in for 30 days, or until it closes', async () => {
      await signIn(page);
      await signOutButton(page).waitFor();
      expect((await sessionCookie(page))?.expires).toBe(-1);
      await page.goto('/account');
      await page.getByText('you close the browser').waitFor();
      await signOut(page);

      await signIn(page, { stay: true });
      await signOutButton(page).waitFor();
      const days = ((await sessionCookie(page))?.expires ?? 0) / DAY - Date.now() / 1000 / DAY;
      expect(days).toBeGreaterThan(29.9);
      expect(days).toBeLessThan(30.1);
    });
  });

  test('two tabs of one browser share the cart, and a sign-out in one is a sign-out in the other', async () => {
    const one = await openProfile();
    await signIn(one);
    await signOutButton(one).waitFor();
    const other = await one.context().newPage();
    await other.goto('/');
    await addToCart(one, 'Brass lantern', 1);
    await addToCart(other, 'Brass lantern', 2);
    expect(await quantity(other, 'Brass lantern').textContent()).toBe('2');

    await signOut(one);
    await other.reload();
    await other.getByRole('link', { name: 'Sign in' }).waitFor();
  });
});

test('in Redis a session is one key with an end, and a sign-out deletes it', async () => {
  const prefix = `${PREFIX}keys:`;
  await serve(new RedisStore(redis, { prefix }));
  const page = await openProfile();
  await signIn(page, { stay: true });
  await signOutButton(page).waitFor();
  const keys = await redis.keys(`${prefix}*`);
  // What else there is belongs to the user: which sessions there are.
  const sessions = keys.filter((key) => /:[\w-]{43}$/.test(key));
  expect(sessions).toHaveLength(1);
  for (const key of keys) expect((await redis.ttl(key)) / DAY).toBeGreaterThan(29.9);

  await signOut(page);
  expect(await redis.exists(sessions)).toBe(0);
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  let clock: TestClock;
  beforeEach(async () => {
    clock = new TestClock(Date.now());
    await serve(new MemoryStore({ clock: clock.read }), clock.read);
  });
  const signInElsewhere = async (userAgent: string) => {
    const client = running.client();
    await client.get('/login', { method: 'POST', body: new URLSearchParams(ada), headers: { 'user-agent': userAgent } });
    return client;
  };

  test.each([
    ['phone', PHONE],
    ['desktop', DESKTOP],
  ])('the pages look right on a %s', async (device, viewport) => {
    const page = await openProfile({ colorScheme, viewport });
    const show = (name: string) => look(page, `${name}-${device}-${colorScheme}`);
    await signInElsewhere('Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/18.6 Mobile/15E148 Safari/604.1');
    clock.advance(DAY);
    await signInElsewhere('Mozilla/5.0 (Linux; Android 10; K) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36');
    await signInElsewhere('curl/8.14.1');
    clock.advance(1500);

    await page.goto('/');
    await show('shop');
    const background: string = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe(colorScheme === 'light' ? 'rgb(245, 243, 238)' : 'rgb(21, 25, 24)');

    await signIn(page, { password: 'guess' });
    await page.getByRole('alert').waitFor();
    await show('wrong-password');
    await signIn(page, { stay: true });
    await addToCart(page, 'Wool socks', 1);
    await addToCart(page, 'Wool socks', 2);
    await addToCart(page, 'Salt & pepper', 3);
    await show('cart');
    await page.goto('/account');
    await show('account');
    await page.getByRole('link', { name: 'Where you are signed in' }).click();
    await page.getByRole('button', { name: 'Sign out: An unknown device' }).click();
    await page.getByRole('status').waitFor();
    await show('sessions');
    await page.getByRole('button', { name: 'Sign out all others' }).click();
    await page.getByText('signed in nowhere else').waitFor();
    await show('sessions-one');
    const other = await signInElsewhere('curl/8.14.1');
    await other.get('/account/sessions/end-others', { method: 'POST' });
    await page.goto('/account');
    await page.getByRole('status').waitFor();
    await show('signed-out-elsewhere');
    await page.goto('/nowhere');
    await show('sorry');
  });
});

test('the keyboard is enough, and shows where it is', async () => {
  await serve(new MemoryStore());
  const page = await openProfile();
  await page.goto('/login');
  // The page asks for it; the browser does so with its first frame, which may come after the load.
  await page.locator('#name:focus').waitFor();
  await page.keyboard.type(ada.name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(ada.password);
  await page.keyboard.press('Tab');
  expect(await page.evaluate('getComputedStyle(document.activeElement).outlineWidth')).toBe('3px');
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Good to see you' }).waitFor();
  expect((await sessionCookie(page))?.expires).toBeGreaterThan(0);
});
