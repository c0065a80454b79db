import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { BrowserContext, Page } from 'playwright-core';
import { MemoryStore, RedisStore, type Store } from 'sojourn';
import { listen, type Running, SECRET } from '../../test/helpers/app.js';
import { launchProfile } from '../../test/helpers/chromium.js';
import { createApp } from './app.js';
import { DESKTOP, look, PHONE, signIn, signOutButton } from './steps.js';

// One user, two browsers: each has a process and a profile of its own, as on two devices.

const PREFIX = 'profiles-test:';
const PHONE_AGENT = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36';
const LAPTOP = 'Chrome on Linux';
const MOBILE = 'Chrome on Android';

let redis: Redis;
let folder: string;
let running: Running;
let opened: BrowserContext[];

beforeAll(() => {
  redis = new Redis(process.env.REDIS_URL as string);
});
afterAll(() => redis.disconnect());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-profiles-'));
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((context) => context.close()));
  await running.close();
  const keys = await redis.keys(`${PREFIX}*`);
  if (keys.length > 0) await redis.del(keys);
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a profile by its name, as it was left. */
async function open(name: string, options: Parameters<typeof launchProfile>[1] = {}): Promise<Page> {
  const context = await launchProfile(join(folder, name), { baseURL: running.origin, viewport: DESKTOP, ...options });
  opened.push(context);
  // Less than a test has, so that what didn't come is named.
  context.setDefaultTimeout(15_000);
  return context.pages()[0] ?? context.newPage();
}
const openLaptop = () =>
  open('laptop', { userAgent: PHONE_AGENT.replace('Linux; Android 10; K', 'X11; Linux x86_64').replace(' Mobile', '') });
const openPhone = (javaScriptEnabled = true) =>
  open('phone', { userAgent: PHONE_AGENT, viewport: PHONE, isMobile: true, hasTouch: true, javaScriptEnabled });

const items = (page: Page) => page.getByRole('list').getByRole('listitem');

async function showSessions(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('link', { name: 'Where you are signed in' }).click();
  await page.getByRole('heading', { name: 'Where you are signed in' }).waitFor();
}

async function listed(page: Page): Promise<string[]> {
  const names = await items(page).getByRole('heading').allInnerTexts();
  return names.map((name) => name.replace(/\s+/g, ' '));
}

async function finds(page: Page, explanation: string): Promise<void> {
  await page.waitForURL('/login');
  await page.getByRole('status').filter({ hasText: explanation }).waitFor();
}

const STORES: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(redis, { prefix: PREFIX })],
];

describe.each(STORES)('two browser profiles with sessions in %s', (place, createStore) => {
  beforeEach(async () => {
    running = await listen(createServer(createApp({ secret: SECRET, store: createStore() })));
  });

  test.each([
    ['with', true],
    ['without', false],
  ])('see each other, and sign each other out, %s JavaScript on the phone', async (_name, javaScriptEnabled) => {
    const [laptop, phone] = [await openLaptop(), await openPhone(javaScriptEnabled)];
    for (const page of [laptop, phone]) {
      await signIn(page);
      await signOutButton(page).waitFor();
    }
    await showSessions(laptop);
    expect(await listed(laptop)).toEqual([`${LAPTOP} This browser`, MOBILE]);
    await showSessions(phone);
    expect(await listed(phone)).toEqual([`${MOBILE} This browser`, LAPTOP]);
    await look(phone, `two-profiles-${place}-phone`);

    // The laptop signs the phone out, whose next click leads to the sign-in.
    await laptop.getByRole('button', { name: `Sign out: ${MOBILE}` }).click();
    await laptop
      .getByRole('status')
      .filter({ hasText: `Signed out: ${MOBILE}.` })
      .waitFor();
    expect(await listed(laptop)).toEqual([`${LAPTOP} This browser`]);
    await look(laptop, `two-profiles-${place}-laptop`);
    await phone.getByRole('link', { name: 'Back to your account' }).click();
    await finds(phone, 'not signed in here any more');

    // It signs in again, and ends all others: this time it is the laptop that finds itself signed out, by a form that does nothing more.
    await signIn(phone);
    await showSessions(phone);
    expect(await listed(phone)).toEqual([`${MOBILE} This browser`, LAPTOP]);
    await laptop.reload();
    await phone.getByRole('button', { name: 'Sign out all others' }).click();
    await phone.getByRole('status').filter({ hasText: 'Signed out: one other.' }).waitFor();
    await phone.getByText('You are signed in nowhere else.').waitFor();
    await laptop.getByRole('button', { name: 'Sign out all others' }).click();
    await finds(laptop, 'not signed in here any more');
    await phone.reload();
    expect(await listed(phone)).toEqual([`${MOBILE} This browser`]);
  });

  test('one that is closed can be signed out as well, and finds that when it is opened again', async () => {
    const phone = await openPhone();
    await signIn(phone, { stay: true });
    await signOutButton(phone).waitFor();
    await phone.context().close();
    const again = await openPhone();
    await again.goto('/account');
    await again.getByText('Ada Lovelace').waitFor();
    await again.context().close();

    const laptop = await openLaptop();
    await signIn(laptop);
    await showSessions(laptop);
    await laptop.getByRole('button', { name: `Sign out: ${MOBILE}` }).click();
    await laptop.getByRole('status').waitFor();

    const lost = await openPhone();
    await lost.goto('/account');
    await finds(lost, 'not signed in here any more');
  });
});
