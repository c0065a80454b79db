import { RedisStore as ConnectRedis } from 'connect-redis';
import expressSession from 'express-session';
import { createClient } from 'redis';
import { MemoryStore, RedisStore, type Store } from 'sojourn';
import session, { type SessionOptions } from 'sojourn/express-session';
import { connect, ownPrefix, testRedisUrl } from '../helpers/redis-client.js';
import { WatchedStore } from '../helpers/stores.js';
import { type DropIn, ID, idOf, setting, signIn, start, withCookie } from './app.js';

// The same on Sojourn's stores and on express-session's.

const nodeRedis = createClient({ url: testRedisUrl() });
beforeAll(async () => {
  await nodeRedis.connect();
});
afterAll(() => nodeRedis.destroy());

const STORES: Record<string, () => NonNullable<SessionOptions['store']>> = {
  'Sojourn’s MemoryStore': () => new MemoryStore(),
  'Sojourn’s RedisStore': () => new RedisStore(connect(), { prefix: ownPrefix() }),
  'express-session’s MemoryStore': () => new expressSession.MemoryStore(),
  'connect-redis': () => new ConnectRedis({ client: nodeRedis, prefix: ownPrefix() }) as never,
  'the drop-in’s MemoryStore': () => new session.MemoryStore(),
};

describe.each(Object.entries(STORES))('on %s', (_, make) => {
  let app: DropIn<unknown>;
  beforeEach(async () => {
    app = await start(make());
  });

  test('a login gives a new ID, a change is kept, a logout ends it', async () => {
    const client = app.client();
    await app.ask(client, setting({ cart: ['pen'] }));
    const before = client.cookie;
    await app.ask(client, async (req) => {
      const { cart } = req.session;
      await req.session.regenerate();
      Object.assign(req.session, { cart, user: 'ada' });
    });
    expect([await app.dataOf(before), await app.dataOf(client.cookie)]).toEqual([{}, { cart: ['pen'], user: 'ada' }]);
    await app.ask(client, (req) => void req.session.cart?.push('ink'));
    expect(await app.dataOf(client.cookie)).toEqual({ cart: ['pen', 'ink'], user: 'ada' });
    const { cookie } = client;
    await app.ask(client, (req) => req.session.destroy());
    expect([client.cookie, await app.dataOf(cookie)]).toEqual(['', {}]);
  });

  test('parallel requests that set different properties both win', async () => {
    const client = await signIn(app);
    const slow = await app.suspended(client, setting({ slow: 1 }));
    await app.ask(client, setting({ fast: 1 }));
    slow.goOn();
    await slow.reply;
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', slow: 1, fast: 1 });
  });

  test('a request under way brings no session back that was logged out', async () => {
    const client = await signIn(app);
    const { cookie } = client;
    const slow = await app.suspended(withCookie(app, cookie), setting({ late: 1 }));
    await app.ask(client, (req) => req.session.destroy());
    slow.goOn();
    expect((await slow.reply).status).toBe(400);
    expect(await app.dataOf(cookie)).toEqual({});
  });

  test('cycleKey() keeps the data, and the old ID is dead', async () => {
    const client = await signIn(app);
    const { cookie } = client;
    await app.ask(client, (req) => req.session.cycleKey());
    expect([await app.dataOf(cookie), await app.dataOf(client.cookie)]).toEqual([{}, { user: 'ada' }]);
  });

  test('req.sessionStore reads, writes, renews and destroys sessions by their IDs', async () => {
    const [ada, bob] = [await signIn(app, 'ada'), await signIn(app, 'bob')];
    const { cookie } = bob;
    const id = idOf(bob);
    const { body } = await app.ask(ada, async (req) => {
      const { sessionStore: store } = req;
      const read = () =>
        new Promise<Record<string, unknown> | undefined>((resolve) => store.get(id, (_error, data) => resolve(data ?? undefined)));
      const there = await read();
      await new Promise<void>((resolve) => store.set(id, { ...there, user: 'eve' } as never, () => resolve()));
      const loaded = await new Promise<unknown>((resolve) => store.load(id, (_error, visit) => resolve(Reflect.get(visit ?? {}, 'user'))));
      await new Promise<void>((resolve) => store.destroy(id, () => resolve()));
      return [there?.user, loaded, (await read()) === undefined];
    });
    expect(JSON.parse(body)).toEqual(['bob', 'eve', true]);
    expect(await app.dataOf(cookie)).toEqual({});
  });

  test('store.generate(req), as older libraries call it, begins a session on the request', async () => {
    const client = await signIn(app);
    const old = idOf(client);
    await app.ask(client, (req) => {
      req.sessionStore.generate(req as never);
      req.session.user = 'bob';
    });
    expect(idOf(client)).not.toBe(old);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'bob' });
  });
});

test('an app that still runs express-session sees the sessions of one on the drop-in and the other way round, on one store', async () => {
  const prefix = ownPrefix();
  const store = () => new ConnectRedis({ client: nodeRedis, prefix }) as never;
  const before = await start(store());
  const client = await signIn(before);
  const { default: express } = await import('express');
  const { createServer } = await import('node:http');
  const { listen } = await import('../helpers/app.js');
  const old = express();
  old.use(expressSession({ secret: 'keyboard cat', resave: false, saveUninitialized: false, store: store() }));
  old.get('/', (req, res) => {
    const visit = (req as unknown as { session: Record<string, unknown> }).session;
    visit.old = 1;
    res.json(visit.user);
  });
  const running = await listen(createServer(old));
  expect((await running.client().get('/', { headers: { cookie: client.cookie } })).body).toBe('"ada"');
  expect(await before.dataOf(client.cookie)).toEqual({ user: 'ada', old: 1 });
  await running.close();
});

describe('a RedisStore without Redis', () => {
  test('is a 503 with Retry-After for who has a cookie, and nothing for who hasn’t', async () => {
    const down = connect({ retryStrategy: () => null, enableOfflineQueue: false, lazyConnect: true }, 'redis://127.0.0.1:1');
    const app = await start(new RedisStore(down));
    const cookie = (await signIn(await start(new WatchedStore()))).cookie;
    const reply = await app.ask(withCookie(app, cookie), () => 'hello');
    expect([reply.status, JSON.parse(reply.body).code, reply.setCookies]).toEqual([503, 'ERR_STORE_UNAVAILABLE', []]);
    expect((await app.ask(app.client(), () => 'hello')).body).toBe('"hello"');
    expect((await app.ask(app.client(), setting({ user: 'ada' }))).status).toBe(503);
  });
});

test('the error of an express-session store that can’t read is handed on as it is', async () => {
  const store = new session.MemoryStore();
  const app = await start(store);
  const client = await signIn(app);
  store.get = (_id, done) => done(new Error('boom!'));
  const reply = await app.ask(client, () => 'hello');
  expect([reply.status, JSON.parse(reply.body).message]).toEqual([500, 'boom!']);
});

test('one that never answers is a 503 after its second', async () => {
  const store = new session.MemoryStore();
  const app = await start(store);
  const client = await signIn(app);
  store.get = () => {};
  expect((await app.ask(client, () => 'hello')).status).toBe(503);
});

test('a store without touch() stores with each change, and never else', async () => {
  const store = new session.MemoryStore();
  Object.assign(store, { touch: undefined });
  const app = await start(store, { options: { rolling: true } });
  const client = await signIn(app);
  let sets = 0;
  const { set } = store;
  store.set = (...args) => {
    sets += 1;
    set.apply(store, args);
  };
  expect((await app.ask(client, (req) => req.session.user)).setCookies).toEqual([expect.stringContaining(ID)]);
  expect(sets).toBe(0);
  await app.ask(client, setting({ views: 1 }));
  expect(sets).toBe(1);
});

test('what a store of Sojourn keeps is express-session’s JSON under the hash of the ID', async () => {
  const prefix = ownPrefix();
  const redis = connect();
  const app = await start(new RedisStore(redis, { prefix }) as Store);
  const client = await signIn(app);
  const keys = await redis.keys(`${prefix}*`);
  expect(keys).toHaveLength(1);
  const text = (await redis.get(keys[0] as string)) as string;
  expect(text).toContain('"user":"ada"');
  expect(`${keys[0]}${text}`).not.toContain(idOf(client));
});
