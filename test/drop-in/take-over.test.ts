import { RedisStore as ConnectRedis } from 'connect-redis';
import type { Redis } from 'ioredis';
import { createClient } from 'redis';
import { type ExpressSessionsOptions, expressSessions, RedisStore } from 'sojourn';
import type { SessionOptions } from 'sojourn/express-session';
import type { Running } from '../helpers/app.js';
import { OLD_SECRET, startOldApp } from '../helpers/express-session.js';
import { connect, ownPrefix, testRedisUrl } from '../helpers/redis-client.js';
import { suspend, WatchedStore } from '../helpers/stores.js';
import { ID, setting, start, withCookie } from './app.js';

// From the real express-session and connect-redis to the drop-in on a store of Sojourn's: nobody is logged out.

const open: Running[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()));
});

async function moveIn<Store extends NonNullable<SessionOptions['store']>>(
  store: Store,
  takeOver: (redis: Redis, prefix: string) => ExpressSessionsOptions = (client, prefix) => ({ client, prefix }),
) {
  const redis = connect();
  const prefix = ownPrefix();
  const old = await startOldApp(prefix);
  open.push(old);
  const app = await start(store, { options: { secret: OLD_SECRET, takeOver: expressSessions(takeOver(redis, prefix)) } });
  const browser = old.client();
  await browser.get('/login?user=ada');
  return { redis, old, app, client: withCookie(app, browser.cookie), oldKeys: () => redis.keys(`${prefix}*`), prefix };
}

const ADA = { user: 'ada', cart: ['pen'] };

test('the same browser cookie goes on, and the data move on first use', async () => {
  const prefix = ownPrefix();
  const { app, client, oldKeys, redis } = await moveIn(new RedisStore(connect(), { prefix }));
  const { cookie } = client;
  const first = await app.ask(client, (req) => [req.session.user, req.session.cart]);
  expect([JSON.parse(first.body), first.setCookies]).toEqual([['ada', ['pen']], []]);
  expect([await oldKeys(), await redis.keys(`${prefix}*`)]).toEqual([[], [expect.any(String)]]);
  await app.ask(client, setting({ views: 1 }));
  expect(client.cookie).toBe(cookie);
  expect(await app.dataOf(cookie)).toEqual({ ...ADA, views: 1 });
  await app.ask(client, (req) => req.session.destroy());
  expect(await app.dataOf(cookie)).toEqual({});
});

test('a session keeps its age and its cookie’s attributes', async () => {
  const { app, client, redis, oldKeys } = await moveIn(new WatchedStore());
  const [key] = (await oldKeys()) as [string];
  const record = JSON.parse((await redis.get(key)) as string);
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  Object.assign(record.cookie, { originalMaxAge: 7_200_000, expires, sameSite: 'strict' });
  await redis.set(key, JSON.stringify(record));
  const { body } = await app.ask(client, ({ session: { cookie } }) => [cookie.expires, cookie.originalMaxAge, cookie.sameSite]);
  expect(JSON.parse(body)).toEqual([expires, 7_200_000, 'strict']);
});

test('it works through connect-redis itself, and convert says what is kept', async () => {
  const client = await createClient({ url: testRedisUrl() }).connect();
  const moved = await moveIn(new WatchedStore(), (_, prefix) => ({
    store: new ConnectRedis({ client, prefix }) as never,
    convert: (data) => (data.user === 'ada' ? { user: 'Dr. ada' } : null),
  }));
  expect(await moved.app.dataOf(moved.client.cookie)).toEqual({ user: 'Dr. ada' });
  const bob = moved.old.client();
  await bob.get('/login?user=bob');
  expect(await moved.app.dataOf(bob.cookie)).toEqual({});
  expect(await moved.oldKeys()).toEqual([]);
  client.destroy();
});

test('requests at once take one session over, and each of their writes is kept', async () => {
  const { app, client } = await moveIn(new WatchedStore());
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const replies = await Promise.all(keys.map((key) => app.ask(withCookie(app, client.cookie), setting({ [key]: 1 }))));
  expect(replies.map(({ status }) => status)).toEqual(keys.map(() => 200));
  expect(Object.keys(await app.dataOf(client.cookie)).sort()).toEqual([...keys, 'cart', 'user'].sort());
});

test('a login with the first request ends the old ID in both stores', async () => {
  const { app, client, oldKeys } = await moveIn(new WatchedStore());
  const { cookie } = client;
  await app.ask(client, (req) => req.session.regenerate());
  expect(client.cookie).not.toBe(cookie);
  expect([await app.dataOf(cookie), await oldKeys()]).toEqual([{}, []]);
});

test('a request that has read the old record brings nothing back after a logout in another one', async () => {
  const { app, client } = await moveIn(new WatchedStore());
  const { cookie } = client;
  const create = suspend(app.store, 'create');
  const late = app.dataOf(cookie);
  await create.reached;
  app.store.clearFaults();
  await app.ask(client, (req) => req.session.destroy());
  create.release();
  expect(await late).toEqual({});
  expect(await app.dataOf(cookie)).toEqual({});
});

test('with the old store down it is an error, and the session is there when it is up again', async () => {
  const { app, client, prefix } = await moveIn(new WatchedStore());
  const down = connect({ retryStrategy: () => null, enableOfflineQueue: false, lazyConnect: true }, 'redis://127.0.0.1:1');
  const failing = await start(new WatchedStore(), {
    options: { secret: OLD_SECRET, takeOver: expressSessions({ client: down, prefix }) },
  });
  const reply = await failing.ask(withCookie(failing, client.cookie), () => 'hello');
  expect([reply.status, reply.setCookies]).toEqual([503, []]);
  expect(await app.dataOf(client.cookie)).toEqual(ADA);
});

test('a corrupt old record is no session, and a cookie of ours never asks the old store', async () => {
  const { app, client, redis, oldKeys } = await moveIn(new WatchedStore());
  const [key] = (await oldKeys()) as [string];
  for (const text of ['{bad', '"s"', '5', '[1]']) {
    await redis.set(key, text);
    expect([text, (await app.ask(withCookie(app, client.cookie), (req) => req.session.user ?? 'nobody')).body]).toEqual([text, '"nobody"']);
  }
  const own = app.client();
  await app.ask(own, setting({ user: 'eve' }));
  expect(own.jar.get(ID)).toBeDefined();
  expect(await app.dataOf(own.cookie)).toEqual({ user: 'eve' });
});
