import { createServer, type RequestListener } from 'node:http';
import { listen, type Running } from '../helpers/app.js';
import { type Kitchen, kitchen } from './recipes.js';

let kit: Kitchen;
let running: Running;

beforeEach(async () => {
  kit = kitchen();
  running = await listen(createServer(kit.run('express-rate-limit').app as RequestListener));
});
afterEach(() => running.close());

/** How often each status came. */
async function statuses(count: number, path: string, init: RequestInit = {}): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(Array.from({ length: count }, () => running.client().get(path, init)))) {
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

async function signedIn(userId: number): Promise<{ headers: Record<string, string> }> {
  const { cookie } = await kit.sessions.issue({ userId });
  return { headers: { cookie } };
}

test('a user is counted as one, with however many sessions; others are not', async () => {
  expect(await statuses(60, '/', await signedIn(1))).toEqual({ 200: 60 });
  expect(await statuses(60, '/', await signedIn(1))).toEqual({ 200: 40, 429: 20 });
  expect(await statuses(1, '/', await signedIn(2))).toEqual({ 200: 1 });
  expect(await statuses(1, '/')).toEqual({ 200: 1 });
});

test('visitors without a cookie are counted by address, and cost no call of the store', async () => {
  expect(await statuses(101, '/')).toEqual({ 200: 100, 429: 1 });
  expect(kit.store.calls).toEqual([]);
});

test('guesses at passwords are counted by address, in however many sessions', async () => {
  const { headers } = await signedIn(1);
  expect(await statuses(5, '/login', { method: 'POST', headers })).toEqual({ 303: 5 });
  expect(await statuses(6, '/login', { method: 'POST' })).toEqual({ 303: 5, 429: 1 });
});

test('with the store down, visitors with a cookie get a 503, others their page', async () => {
  const init = await signedIn(1);
  kit.store.before('read', () => Promise.reject(new Error('down')));
  expect(await statuses(1, '/', init)).toEqual({ 503: 1 });
  expect(await statuses(1, '/')).toEqual({ 200: 1 });
});
