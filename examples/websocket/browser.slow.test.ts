import { createServer } from 'node:http';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { listen, type Running, SECRET } from '../../test/helpers/app.js';
import { launchChromium } from '../../test/helpers/chromium.js';
import { createChat } from './app.js';

let browser: Browser;
let running: Running;
let context: BrowserContext;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
beforeEach(async () => {
  running = await listen(createChat({ secret: SECRET }).server);
  context = await browser.newContext({ baseURL: running.origin });
  context.setDefaultTimeout(15_000);
});
afterEach(async () => {
  await context.close();
  await running.close();
});

const connected = (page: Page) => page.getByRole('status').getByText('Connected').waitFor();

test('two tabs hear each other, and a sign-out in one is a sign-out in the other at once', async () => {
  const one = await context.newPage();
  await one.goto('/');
  await one.getByLabel('Name').fill('<b>Ada');
  await one.getByRole('button', { name: 'Come in' }).click();
  await connected(one);
  const two = await context.newPage();
  await two.goto('/');
  await connected(two);

  await one.getByLabel('Message').fill('hello');
  await one.getByRole('button', { name: 'Say' }).click();
  await two.getByRole('listitem').getByText('<b>Ada: hello', { exact: true }).waitFor();

  await one.getByRole('button', { name: 'Sign out' }).click();
  await one.getByLabel('Name').waitFor();
  await two.getByLabel('Name').waitFor();
});

test('a page of another origin can’t open a socket with the visitor’s cookie', async () => {
  const page = await context.newPage();
  await page.goto('/');
  await page.getByLabel('Name').fill('Ada');
  await page.getByRole('button', { name: 'Come in' }).click();
  await connected(page);

  // The same host on another port is the same site: SameSite=Lax lets the cookie come along.
  const elsewhere = await listen(createServer((_req, res) => res.setHeader('content-type', 'text/html').end('<title>elsewhere</title>')));
  await page.goto(elsewhere.origin);
  const outcome = await page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket('${running.origin.replace('http', 'ws')}');
    socket.onopen = () => resolve('open');
    socket.onclose = ({ code }) => resolve(code);
  })`);
  expect(outcome).toBe(1006);
  await elsewhere.close();
});
