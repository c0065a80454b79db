import { sign } from 'cookie-signature';
import expressSession from 'express-session';
import { storeKeyOf } from '../../src/session-key.js';
import { WatchedStore } from '../helpers/stores.js';
import { type DropIn, ID, SECRET, setting, start } from './app.js';

// What the store gives may be anything: an older version of the application, another program, an attacker wrote it.

const THE_ID = 'an ID of the test';
const inOneHour = new Date(Date.now() + 3_600_000).toISOString();
const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' };

/** Both kinds of stores, with a text under an ID. */
const stores: Record<string, (text: string) => Promise<DropIn<unknown>>> = {
  async 'a store of Sojourn'(text) {
    const store = new WatchedStore();
    await store.create(storeKeyOf(THE_ID), text, 60);
    return start(store);
  },
  async 'a store of express-session'(text) {
    const store = new expressSession.MemoryStore();
    Object.assign(store, { sessions: { [THE_ID]: text } });
    return start(store);
  },
};

function visitor(app: DropIn<unknown>) {
  const client = app.client();
  client.jar.set(ID, encodeURIComponent(`s:${sign(THE_ID, SECRET)}`));
  return client;
}

describe.each(Object.keys(stores))('in %s', (kind) => {
  const open = stores[kind] as (typeof stores)[string];

  test.each([
    ['a list', '[1, 2]'],
    ['a text', '"session"'],
    ['a number', '5'],
  ])('%s is no session: the visitor is anonymous, and can sign in', async (_, text) => {
    const app = await open(text);
    const client = visitor(app);
    const first = await app.ask(client, (req) => [req.session.id === THE_ID, Object.keys(req.session)]);
    expect([first.status, JSON.parse(first.body)]).toEqual([200, [false, ['cookie']]]);
    expect((await app.ask(client, setting({ user: 'ada' }))).status).toBe(200);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
  });

  test.each<[string, unknown]>([
    ['no cookie', undefined],
    ['null', null],
    ['a text', 'cookie'],
    ['a number', 5],
    ['a list', [1]],
    ['an empty object', {}],
    ['an end that is no date', { ...cookie, expires: 'tomorrow' }],
    ['an end that is an object', { ...cookie, expires: {} }],
    ['an age that is a text', { ...cookie, expires: inOneHour, originalMaxAge: 'x' }],
    ['an age beyond all dates', { ...cookie, expires: inOneHour, originalMaxAge: 1e300 }],
    ['a path that is none', { ...cookie, path: '/;HttpOnly=no' }],
    ['a domain that is an object', { ...cookie, domain: {} }],
    ['an unknown priority', { ...cookie, priority: 'soon' }],
    ['an unknown sameSite', { ...cookie, sameSite: 'perhaps' }],
    ['a maxAge of its own', { ...cookie, maxAge: 'x' }],
    ['methods', { ...cookie, serialize: 1, toJSON: 2, data: 3 }],
    ['a prototype', JSON.parse('{ "__proto__": { "expires": 1 }, "constructor": 2, "path": "/" }')],
  ])('a session with %s in the place of its cookie goes on with one that can be sent', async (_, stored) => {
    const app = await open(JSON.stringify({ user: 'ada', cookie: stored }));
    const client = visitor(app);
    const first = await app.ask(client, (req) => [req.session.user, req.session.cookie.serialize('name', 'value').includes('Path=/')]);
    expect([first.status, JSON.parse(first.body)]).toEqual([200, ['ada', true]]);
    expect((await app.ask(client, setting({ views: 1 }))).status).toBe(200);
    const last = await app.ask(client, (req) => [req.session.user, req.session.views]);
    expect([last.status, JSON.parse(last.body)]).toEqual([200, ['ada', 1]]);
  });

  test('values under names of the session’s own don’t show, and break nothing', async () => {
    const hostile = { cookie, user: 'ada', save: 1, id: 'x', req: {}, touch: 2, constructor: 3, toString: 4, hasOwnProperty: 5 };
    const text = `${JSON.stringify(hostile).slice(0, -1)},"__proto__":{"admin":true}}`;
    const app = await open(text);
    const client = visitor(app);
    const { status, body } = await app.ask(client, (req) => [
      Object.keys(req.session),
      req.session.id === THE_ID,
      Reflect.get(req.session, 'admin') ?? null,
    ]);
    expect([status, JSON.parse(body)]).toEqual([200, [['cookie', 'user'], true, null]]);
    expect((await app.ask(client, setting({ views: 1 }))).status).toBe(200);
  });

  test('an age that is kept for long goes on as it was', async () => {
    const app = await open(JSON.stringify({ user: 'ada', cookie: { ...cookie, expires: inOneHour, originalMaxAge: 7_200_000 } }));
    const { body } = await app.ask(visitor(app), (req) => {
      const { expires, originalMaxAge } = req.session.cookie;
      return [expires, originalMaxAge];
    });
    expect(JSON.parse(body)).toEqual([inOneHour, 7_200_000]);
  });
});

describe('in a store of Sojourn, as express-session’s own MemoryStore fails by itself,', () => {
  const open = stores['a store of Sojourn'] as (text: string) => Promise<DropIn>;

  test.each(['{"user":', 'null'])('%s is no session', async (text) => {
    const app = await open(text);
    expect((await app.ask(visitor(app), (req) => Object.keys(req.session))).body).toBe('["cookie"]');
  });

  test('a cookie that expires at a number can be sent', async () => {
    const app = await open(JSON.stringify({ user: 'ada', cookie: { ...cookie, expires: 5 } }));
    const client = visitor(app);
    expect((await app.ask(client, (req) => req.session.user)).body).toBe('"ada"');
    expect((await app.ask(client, setting({ views: 1 }))).status).toBe(200);
  });

  test('a record that can’t be read is deleted by a logout as well', async () => {
    const app = await open('{"user":');
    await app.ask(visitor(app), (req) => req.session.destroy());
    expect(await app.store.exists(storeKeyOf(THE_ID))).toBe(false);
  });
});
