import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import fc from 'fast-check';
import { type Session, session } from 'sojourn';
import { SECRET, startApp } from '../helpers/app.js';
import { WatchedStore } from '../helpers/stores.js';
import { wireRequest } from '../helpers/wire.js';
import { hostileCookieHeaders } from './cookie-headers.js';

const HEADERS = 100_000;
/** How long one of them may keep the process busy, in milliseconds. */
const LIMIT = 5;

/** How long `act` takes. The machine may stop at any time to do something else, but not each time: the best of ten counts. */
function timeOf(act: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 10 && best > LIMIT; attempt += 1) {
    const began = performance.now();
    act();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

test('of 100 000 hostile Cookie headers none reaches the store, throws, hinders the request, or takes over 5 ms', () => {
  const store = new WatchedStore();
  const sessions = session({ secret: SECRET, store });
  let served = 0;
  let slow: string | undefined;
  let refused = 0;
  const count = () => {
    refused += 1;
  };
  subscribe('sojourn:refused', count);
  // The header is data, so the sampled values go straight through the middleware, without a socket for each.
  for (const cookie of fc.sample(hostileCookieHeaders('sessionid'), HEADERS)) {
    let isServed = false;
    const serve = () => {
      // Another request each time: the session of one that has it already is left alone.
      const req = { headers: { cookie }, url: '/', socket: {} } as unknown as IncomingMessage;
      const res = { getHeaders: () => ({}) } as unknown as ServerResponse;
      sessions(req, res, (error) => {
        isServed = error === undefined && (req as { session?: Session }).session?.sessionKey === null;
      });
    };
    // No `expect` here: a hundred thousand of them take longer than all the rest.
    if (timeOf(serve) > LIMIT) slow = `${cookie.length} characters that begin with ${JSON.stringify(cookie.slice(0, 60))}`;
    if (slow !== undefined) break;
    if (isServed) served += 1;
  }
  unsubscribe('sojourn:refused', count);
  expect(slow).toBeUndefined();
  expect(served).toBe(HEADERS);
  expect(store.calls).toEqual([]);
  // Not all of it was noise: many headers held a cookie of our name that had to be refused.
  expect(refused).toBeGreaterThan(HEADERS / 20);
});

test('sent to a server, none causes a 5xx or a crash', async () => {
  const store = new WatchedStore();
  const app = await startApp({ store }, (routes) => routes.get('/', (req, res) => void res.json(req.session.get('user') ?? null)));
  const statuses = new Map<number, number>();
  for (const cookie of fc.sample(hostileCookieHeaders('sessionid'), 1000)) {
    // As bytes; what would end the header, or is no part of one, Node refuses before Sojourn sees it.
    const header = Buffer.from(cookie.replace(/[^\P{Cc}\t]/gu, '')).toString('latin1');
    const { status } = await wireRequest(app.port, '/', { headers: { Cookie: header } });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  // 431: more than the 16 KiB that Node takes.
  const { 200: served = 0, 431: tooLarge = 0, ...others } = Object.fromEntries(statuses);
  expect([served + tooLarge, others]).toEqual([1000, {}]);
  expect(served).toBeGreaterThan(900);
  expect(store.calls).toEqual([]);
  expect((await app.client().get('/')).body).toBe('null');
  await app.close();
});
