import crypto from 'node:crypto';
import express from 'express';
import { MemoryStore, RedisStore, Session, type Store } from 'sojourn';
import { createSessionKey, storeKeyOf } from '../../src/session-key.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { WatchedStore } from '../helpers/stores.js';
import { startApp } from './apps.js';

test('a million session keys are all different, 43 characters of base64url each', () => {
  const keys = new Set<string>();
  let illFormed = 0;
  for (let count = 0; count < 1_000_000; count += 1) {
    const key = createSessionKey();
    if (!/^[A-Za-z0-9_-]{43}$/.test(key)) illFormed += 1;
    keys.add(key);
  }
  expect([keys.size, illFormed]).toEqual([1_000_000, 0]);
});

test('without randomness from the system a request for a new session is a 500, and nothing is stored', async () => {
  const store = new WatchedStore();
  const app = await startApp({ store }, (routes) => {
    routes.get('/', (req, res) => void res.json(req.session.set('a', 1).size));
  });
  const failing = jest.spyOn(crypto, 'randomFillSync').mockImplementation(() => {
    throw new Error('no randomness');
  });
  // What is left of the last system call is used up first.
  expect(() => Array.from({ length: 1000 }, createSessionKey)).toThrow('no randomness');
  const reply = await app.client().get('/');
  expect([reply.status, reply.setCookies, store.calls]).toEqual([500, [], []]);
  failing.mockRestore();
  expect((await app.client().get('/')).status).toBe(200);
  await app.close();
});

describe('a session key that leads nowhere', () => {
  test('is never adopted, though its signature is good', async () => {
    const prefix = ownPrefix();
    const redis = connect();
    const app = await startApp({ store: new RedisStore(redis, { prefix }) }, (routes) => {
      routes.get('/', (req, res) => void res.json(req.session.set('a', 1).size));
    });
    // A key whose session has ended: nobody else can make a good signature.
    const { sessionKey, cookie } = await app.sessions.issue({ user: 'ann' });
    await redis.del(prefix + storeKeyOf(sessionKey));
    const reply = await app.client().get('/', { headers: { cookie } });
    expect(reply.status).toBe(200);
    expect(reply.setCookies).toHaveLength(1);
    expect(reply.setCookies[0]).not.toContain(sessionKey);
    expect(await redis.exists(prefix + storeKeyOf(sessionKey))).toBe(0);
    expect(await redis.keys(`${prefix}*`)).toHaveLength(1);
    await app.close();
  });

  test('is never adopted outside of a request either', async () => {
    const store = new MemoryStore();
    const sessionKey = createSessionKey();
    const session = await new Session({ store, sessionKey }).load();
    expect(session.sessionKey).toBe(null);
    await session.set('a', 1).save();
    expect(session.sessionKey).not.toBe(sessionKey);
    expect(await session.exists(sessionKey)).toBe(false);
  });
});

describe('what has not the shape of a signed key costs neither an HMAC nor a store call:', () => {
  const odd: [string, string][] = [
    ['nothing', ''],
    ['one character', 'a'],
    ['ten thousand characters', 'a'.repeat(10_000)],
    ['a NUL', 'a\0b'],
    ['dots', '..'],
    ['a pattern', '*'],
    ['an encoded line break', '%0d%0a'],
    ['a broken encoding', '%E0%A4%A'],
    ['what is not ASCII', 'é'],
    ['a dot', '.'],
    ['no signature', `${'a'.repeat(43)}.`],
    ['a key of other characters', `${'*'.repeat(43)}.${'a'.repeat(43)}`],
  ];
  const store = new WatchedStore();

  test.each(odd)('%s', async (_what, value) => {
    const app = await startApp({ store }, (routes) => {
      routes.get('/', (req, res) => void res.json(req.session.size));
    });
    const hmac = jest.spyOn(crypto, 'createHmac');
    // A header of a real request can't hold NUL, but a store of test requests and other front ends can.
    const loaded = await app.sessions.load({ headers: { cookie: `sessionid=${value}` } } as Parameters<typeof app.sessions.load>[0]);
    if (!value.includes('\0')) {
      const cookie = Buffer.from(`sessionid=${value}`).toString('latin1');
      const reply = await app.client().get('/', { headers: { cookie } });
      expect([reply.status, reply.body, reply.setCookies]).toEqual([200, '0', []]);
    }
    expect([loaded.sessionKey, hmac.mock.calls.length, store.calls]).toEqual([null, 0, []]);
    hmac.mockRestore();
    await app.close();
  });

  test.each(odd)('and as a key given to exists, destroy or a session of its own: %s', async (_what, key) => {
    const session = new Session({ store, sessionKey: key });
    expect([session.sessionKey, await session.exists(key), await session.destroy(key)]).toEqual([null, false, false]);
    expect(store.calls).toEqual([]);
  });
});

test('the key is taken from the one cookie: not from the URL, the body, another header, or what a cookie parser left', async () => {
  const store = new WatchedStore();
  let value = '';
  const app = express();
  app.use(express.json(), (req, _res, next) => {
    Object.assign(req, { cookies: { sessionid: value }, signedCookies: { sessionid: value.slice(0, 43) }, sessionID: value.slice(0, 43) });
    next();
  });
  const running = await startApp({ store }, (routes) => {
    routes.all(/.*/, (req, res) => void res.json(req.session.get('user') ?? null));
  });
  app.use(running.app);
  const { cookie } = await running.sessions.issue({ user: 'ann' });
  value = cookie.slice('sessionid='.length);
  store.calls.length = 0;
  const outer = await startApp({ store }, (routes) => void routes.use(app));
  const client = outer.client();
  const headers = { 'x-session': value, authorization: `Bearer ${value}`, 'content-type': 'application/json', 'x-cookie': cookie };
  const body = JSON.stringify({ sessionid: value, session: value });
  const reply = await client.get(`/${value}/?sessionid=${value}&sid=${value}&session=${value}`, { method: 'POST', headers, body });
  expect([reply.status, reply.body, store.calls]).toEqual([200, 'null', []]);
  expect((await client.get('/', { headers: { cookie } })).body).toBe('"ann"');
  await running.close();
  await outer.close();
});

describe('a new key that is taken', () => {
  /** Somebody else has a record under each of the first new keys. */
  class TakenStore extends MemoryStore {
    readonly taken: string[] = [];
    constructor(readonly times: number) {
      super();
    }
    override async create(...[key, payload, ttl]: Parameters<Store['create']>) {
      if (this.taken.length < this.times) {
        this.taken.push(key);
        await super.create(key, 'theirs', ttl);
      }
      return super.create(key, payload, ttl);
    }
  }

  test('is left alone, and the session gets another', async () => {
    const store = new TakenStore(2);
    const session = await new Session({ store }).load();
    const before = session.set('a', 1).sessionKey;
    await session.save();
    expect(before).toBe(null);
    expect(store.taken).toHaveLength(2);
    for (const key of store.taken) expect(await store.read(key)).toMatchObject({ payload: 'theirs' });
    const again = await new Session({ store, sessionKey: session.sessionKey as string }).load();
    expect(again.get('a')).toBe(1);
  });

  test('three times over is no chance: the request fails, and no record is overwritten', async () => {
    const store = new TakenStore(3);
    const app = await startApp({ store }, (routes) => {
      routes.get('/', (req, res) => void res.json(req.session.set('a', 1).size));
    });
    const reply = await app.client().get('/');
    expect([reply.status, JSON.parse(reply.body).code, reply.setCookies]).toEqual([500, 'ERR_SESSION_CREATE', []]);
    for (const key of store.taken) expect(await store.read(key)).toMatchObject({ payload: 'theirs' });
    await app.close();
  });
});
