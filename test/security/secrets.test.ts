import crypto from 'node:crypto';
import { sign } from 'cookie-signature';
import { MemoryStore, type SessionOptions } from 'sojourn';
import { SECRET } from '../helpers/app.js';
import { eventsDuring } from '../helpers/events.js';
import { startApp } from './apps.js';

const store = new MemoryStore();
afterAll(() => store.close());

const start = (options: SessionOptions = {}) =>
  startApp({ store, ...options }, (routes) => {
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/write', (req, res) => void res.json(req.session.set('at', Math.random()).size));
  });

async function userOf(app: Awaited<ReturnType<typeof start>>, cookie: string) {
  const reply = await app.client().get('/read', { headers: { cookie } });
  expect(reply.status).toBe(200);
  return JSON.parse(reply.body);
}

describe('a value signed for another purpose with the same secret is worthless:', () => {
  test.each([
    ['signed by cookie-parser', (key: string) => `s%3A${encodeURIComponent(sign(key, SECRET))}`],
    ['signed by cookie-signature itself', (key: string) => sign(key, SECRET)],
  ])('%s', async (_what, value) => {
    const app = await start();
    const { sessionKey, cookie } = await app.sessions.issue({ user: 'ann' });
    const forged = `sessionid=${value(sessionKey)}`;
    const events = await eventsDuring(async () => expect(await userOf(app, forged)).toBe(null));
    expect(events).toEqual([['refused', { reason: 'signature', cookies: 1 }]]);
    expect(await userOf(app, cookie)).toBe('ann');
  });

  test('the cookie of another session middleware of the app, put in place of this one', async () => {
    const visitors = await start();
    const admins = await start({ cookie: { name: 'adminid' } });
    const { cookie } = await visitors.sessions.issue({ user: 'ann' });
    expect(await userOf(admins, cookie.replace('sessionid=', 'adminid='))).toBe(null);
    expect(await userOf(admins, (await admins.sessions.issue({ user: 'bob' })).cookie.replace('adminid=', 'sessionid='))).toBe(null);
  });
});

describe('a new secret', () => {
  const [old, fresh] = [`${SECRET}, the old one`, `${SECRET}, the new one`];

  test('logs nobody out while both are in the list, and signs the cookies that are sent from then on', async () => {
    const before = await start({ secret: old });
    const between = await start({ secret: [fresh, old] });
    const after = await start({ secret: fresh });
    const client = between.client();
    const { cookie } = await before.sessions.issue({ user: 'ann' });
    expect(await userOf(between, cookie)).toBe('ann');
    client.jar.set('sessionid', cookie.slice('sessionid='.length));
    await client.get('/write');
    expect(client.cookie.slice(0, 53)).toBe(cookie.slice(0, 53));
    expect(await userOf(after, client.cookie)).toBe('ann');
    // A cookie that only the old secret signed is a stranger's, and no error.
    expect(await userOf(after, cookie)).toBe(null);
  });

  test('can come while requests are served: of 200 during the change none loses its session', async () => {
    const [before, between] = [await start({ secret: old }), await start({ secret: [fresh, old] })];
    const { cookie } = await before.sessions.issue({ user: 'ann' });
    const users = await Promise.all(Array.from({ length: 200 }, (_, index) => userOf(index < 100 ? before : between, cookie)));
    expect(users.filter((user) => user !== 'ann')).toEqual([]);
  });

  test('with ten in the list a bad cookie costs ten HMACs, each compared in constant time, and a good one one, once', async () => {
    const secret = Array.from({ length: 10 }, (_, index) => `${SECRET}, number ${index}`);
    const { cookie } = await (await start({ secret })).sessions.issue({ user: 'ann' });
    const app = await start({ secret });
    const hmac = jest.spyOn(crypto, 'createHmac');
    const compare = jest.spyOn(crypto, 'timingSafeEqual');
    for (let round = 0; round < 3; round += 1) expect(await userOf(app, cookie)).toBe('ann');
    expect(hmac).toHaveBeenCalledTimes(1);
    expect(await userOf(app, cookie.replace(/[^.]{43}$/, 'A'.repeat(43)))).toBe(null);
    expect(hmac).toHaveBeenCalledTimes(11);
    expect(compare).toHaveBeenCalledTimes(11);
    hmac.mockRestore();
    compare.mockRestore();
  });
});
