import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import fc from 'fast-check';
import { type Session, session } from 'sojourn';
import { SECRET } from '../helpers/app.js';
import { WatchedStore } from '../helpers/stores.js';
import { hostileCookieHeaders } from './cookie-headers.js';

const HEADERS = 100_000;

test('of 100 000 hostile Cookie headers none reaches the store, throws, or hinders the request', () => {
  const store = new WatchedStore();
  const sessions = session({ secret: SECRET, store });
  let served = 0;
  let refused = 0;
  const count = () => {
    refused += 1;
  };
  subscribe('sojourn:refused', count);
  // The header is data, so the sampled values go straight through the middleware, without a socket for each.
  for (const cookie of fc.sample(hostileCookieHeaders('sessionid'), HEADERS)) {
    const req = { headers: { cookie }, url: '/', socket: {} } as unknown as IncomingMessage;
    const res = { getHeaders: () => ({}) } as unknown as ServerResponse;
    sessions(req, res, (error) => {
      // No `expect` here: a hundred thousand of them take longer than all the rest.
      if (error === undefined && (req as { session?: Session }).session?.sessionKey === null) served += 1;
    });
  }
  unsubscribe('sojourn:refused', count);
  expect(served).toBe(HEADERS);
  expect(store.calls).toEqual([]);
  // Not all of it was noise: many headers held a cookie of our name that had to be refused.
  expect(refused).toBeGreaterThan(HEADERS / 20);
});
