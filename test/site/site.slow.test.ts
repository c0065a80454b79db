import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { deadLinks } from '../../docs/site/check.js';
import { serve } from '../../docs/site/serve.js';
import * as sojourn from '../../src/index.js';
import { launchChromium } from '../helpers/chromium.js';
import { LOW_CONTRAST, OVERFLOW } from './in-page.js';

// `npm run docs` builds the site, which is then looked at in a real browser. Its packages are installed if they are missing.

const FOLDER = 'artifacts/site';
let output: string;
let server: Server;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', 'docs/site/cli.ts'], { encoding: 'utf8' });
  output = stdout;
  if (status !== 0) throw new Error(`npm run docs ended with ${status}:\n${stdout}${stderr}`);
  server = await serve(FOLDER, 0);
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchChromium();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  server?.close();
});

const read = (address: string) => readFileSync(join(FOLDER, address), 'utf8');
/** The pages in the navigation. */
const pages = () => [
  ...new Set(
    [...(read('index.html').match(/<nav class="sidebar"[\s\S]*?<\/nav>/)?.[0] ?? '').matchAll(/href="([^"]+)"/g)].map(
      ([, href = '']) => href,
    ),
  ),
];

test('has a page for the README, for each document and each entry of the package, all in the navigation', () => {
  const documents = readdirSync('docs').filter((name) => name.endsWith('.md'));
  const expected = [
    'index.html',
    'CHANGELOG.html',
    'CONTRIBUTING.html',
    ...documents.map((name) => `docs/${name.replace('.md', '.html')}`),
  ];
  const entries = ['api/sojourn.html', 'api/testing.html', 'api/express-session.html'];
  expect(pages()).toEqual(expect.arrayContaining([...expected, ...entries]));
  expect(output).toMatch(/^\d+ pages in artifacts\/site\n$/);
});

test('the API reference has every export, with what its comment says', () => {
  const reference = read('api/sojourn.html');
  for (const name of Object.keys(sojourn)) expect(reference).toMatch(new RegExp(`<h3 id="${name.toLowerCase()}(-\\d)?"`));
  expect(reference).toContain('Logs out: data, record and key go.');
  expect(read('api/testing.html')).toContain('A visitor with a stored session');
});

test('what the documents link to is there, tests and sources included', () => {
  expect(existsSync(join(FOLDER, 'src/stores/store.ts.html'))).toBe(true);
  expect(existsSync(join(FOLDER, 'test/faults/index.html'))).toBe(true);
  expect(existsSync(join(FOLDER, 'docs/life-of-a-request.svg'))).toBe(true);
});

test('a link that leads nowhere is found, and so is an anchor', () => {
  const files = new Map([
    [
      'index.html',
      '<h1 id="top">A</h1><a href="docs/a.html#b">1</a><a href="gone.html">2</a><a href="#top">3</a><a href="https://x.test/">4</a>',
    ],
    ['docs/a.html', '<h2 id="a">A</h2><a href="../index.html#top">5</a><img src="no.svg">'],
  ]);
  expect(deadLinks(files)).toEqual([
    'index.html: docs/a.html#b: docs/a.html has no #b',
    'index.html: gone.html leads to no page',
    'docs/a.html: no.svg leads to no page',
  ]);
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test('no page is wider than a phone, and every text can be read', async () => {
    const context = await browser.newContext({ colorScheme, viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => void (request.url().startsWith(origin) || elsewhere.push(request.url())));
    page.on('console', (message) => void complaints.push(message.text()));
    for (const address of [...pages(), 'src/middleware.ts.html', 'test/faults/index.html']) {
      await page.goto(`${origin}/${address}`);
      expect([address, await page.evaluate(OVERFLOW)]).toEqual([address, 0]);
      expect([address, await page.evaluate(LOW_CONTRAST)]).toEqual([address, []]);
    }
    expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
    await context.close();
  });

  test('the menu of a phone leads to every page', async () => {
    const context = await browser.newContext({ colorScheme, viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    await page.goto(`${origin}/docs/redis.html`);
    await page.click('summary');
    expect(await page.evaluate(OVERFLOW)).toBe(0);
    expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
    await page.click('.menu a:has-text("Troubleshooting")');
    expect(await page.textContent('h1')).toBe('Troubleshooting');
    await context.close();
  });

  test('a wide window has the pages on one side and the headings on the other', async () => {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1400, height: 900 } });
    const page = await context.newPage();
    await page.goto(`${origin}/docs/security.html`);
    expect(await page.evaluate(OVERFLOW)).toBe(0);
    expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
    expect(await page.isVisible('.sidebar a[aria-current="page"]')).toBe(true);
    await page.click('.contents a:has-text("Storage")');
    expect(page.url()).toBe(`${origin}/docs/security.html#storage`);
    await context.close();
  });
});
