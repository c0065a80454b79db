import type { IncomingMessage } from 'node:http';
import type { Express } from 'express';
import { MemoryStore, RedisStore, Session, type SessionMiddleware, type Store, session, UpdateError } from 'sojourn';
import { SignInClock } from '../../src/stores/sign-in-clock.js';
import { SECRET, startApp } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { startRedis } from '../helpers/redis-server.js';

// Where the user in the data and the owner in the key could come apart, and what is lost or full.

const user = (one: { get(key: string): unknown }) => one.get('userId');
const visit = (sessions: SessionMiddleware, cookie?: string) =>
  sessions.load({ headers: cookie === undefined ? {} : { cookie } } as IncomingMessage) as Promise<Session>;
const cookieOf = (sessions: SessionMiddleware, { sessionKey }: Session) => sessions.cookie.pair(sessionKey as string);
const start = (store: Store = new MemoryStore(), more: object = {}) =>
  session({ secret: SECRET, user, store, ...more }) as SessionMiddleware;

async function signedIn(sessions: SessionMiddleware, userId: string, data: object = {}): Promise<string> {
  const one = await visit(sessions);
  await one.update({ userId, ...data }).save();
  return cookieOf(sessions, one);
}

describe('a user function that throws', () => {
  const odd = (one: { get(key: string): unknown }) => (one.get('profile') as { id: number }).id;

  test.each([undefined, { days: 1 }])('loses nothing of a session (absoluteTimeout %j)', async (absoluteTimeout) => {
    const store = new MemoryStore();
    const options = { secret: SECRET, store, ...(absoluteTimeout && { absoluteTimeout }) };
    const { cookie } = await session(options).issue({ note: 'kept' });
    const app = await startApp({ ...options, user: odd }, (routes) => {
      routes.get('/', (req, res) => {
        try {
          req.session.get('note');
        } catch {}
        req.session.set('flash', 'x');
        res.send('set');
      });
    });
    expect((await app.client().get('/', { headers: { cookie } })).status).toBe(500);
    const after = await visit(session(options) as SessionMiddleware, cookie);
    expect(Object.fromEntries(after.entries())).toEqual({ note: 'kept' });
    await app.close();
  });

  test('false is nobody', async () => {
    const sessions = session({ secret: SECRET, user: (one) => one.has('userId') && one.get('userId') });
    await sessions.issue({ cart: [] });
    await sessions.issue({ userId: 'ann' });
    expect(await sessions.of('ann').list()).toHaveLength(1);
  });
});

describe('a session whose key names another user than its data', () => {
  test('can’t come from a merge with another request', async () => {
    const store = new MemoryStore();
    const sessions = start(store);
    const first = await visit(sessions);
    await first.set('n', 1).save();
    const cookie = cookieOf(sessions, first);
    const [mine, theirs] = [await visit(sessions, cookie), await visit(sessions, cookie)];
    await theirs.set('otp', 'ann').save();
    const signIn = mine.update((one) => {
      if (one.has('otp')) one.set('userId', one.get('otp'));
    });
    await expect(signIn).rejects.toThrow(UpdateError);
    const after = await visit(sessions, cookie);
    expect(Object.fromEntries(after.entries())).toEqual({ n: 1, otp: 'ann' });
    await after.update((one) => void one.set('userId', one.get('otp')));
    expect(await sessions.of('ann').list({ current: after })).toEqual([expect.objectContaining({ current: true })]);
    expect((await visit(sessions, cookie)).sessionKey).toBeNull();
  });

  test('is set right by its next write: one from before the option, or taken over', async () => {
    const store = new MemoryStore();
    const { cookie } = await session({ secret: SECRET, store }).issue({ userId: 'ann' });
    const sessions = start(store);
    const before = await visit(sessions, cookie);
    expect(before.get('userId')).toBe('ann');
    expect(await sessions.of('ann').list()).toEqual([]);
    await before.set('n', 1).save();
    expect(await sessions.of('ann').list({ current: before })).toEqual([expect.objectContaining({ current: true })]);
    expect((await visit(sessions, cookie)).sessionKey).toBeNull();
  });

  test('keeps its owner where nobody says whose it is', async () => {
    const store = new MemoryStore();
    const sessions = start(store);
    const cookie = await signedIn(sessions, 'ann');
    const { sessionKey } = await visit(sessions, cookie);
    const elsewhere = await new Session({ store, sessionKey: sessionKey as string }).load();
    elsewhere.cycleKey();
    await elsewhere.save();
    expect(await sessions.of('ann').list()).toHaveLength(1);
    await sessions.of('ann').revokeAll();
    expect(await elsewhere.exists(elsewhere.sessionKey as string)).toBe(false);
  });
});

describe('a request that ends sessions and signs in', () => {
  const routes = (app: Express, sessions: () => SessionMiddleware) => {
    app.get('/reset', async (req, res) => {
      await sessions().of('ann').revokeAll({ except: req.session });
      req.session.cycleKey();
      req.session.set('userId', 'ann');
      res.send('signed in');
    });
    app.get('/late', (req, res) => {
      res.write('begun');
      req.session.delete('userId');
      res.end();
    });
    app.get('/who', (req, res) => res.json(req.session.get('userId') ?? null));
  };
  async function open(options: object = {}) {
    let sessions: SessionMiddleware;
    const app = await startApp({ user, ...options }, (express) => routes(express, () => sessions));
    sessions = app.sessions;
    return app;
  }

  test.each([false, true])('may do so in this order (lazy: %j)', async (lazy) => {
    const app = await open({ lazy });
    const old = await signedIn(app.sessions, 'ann');
    const client = app.client();
    if (lazy) {
      // Nothing was loaded when all ended: it is loaded for that.
      expect((await client.get('/reset')).status).toBe(200);
    } else {
      expect((await client.get('/reset')).status).toBe(200);
      expect((await client.get('/who')).body).toBe('"ann"');
    }
    expect((await visit(app.sessions, old)).sessionKey).toBeNull();
    await app.close();
  });

  test('a logout after the headers left is stored under the old key', async () => {
    const app = await open();
    const cookie = await signedIn(app.sessions, 'ann', { kept: true });
    const client = app.client();
    await client.get('/late', { headers: { cookie } });
    expect((await client.get('/who', { headers: { cookie } })).body).toBe('null');
    await app.close();
  });
});

test('create() gives a revoked session no new life', async () => {
  // The clock of its process is ahead of that where all sessions end.
  const prefix = ownPrefix();
  const ahead = new TestClock(Date.now() + 5000);
  const sessions = start(new RedisStore(connect(), { prefix, clock: ahead.read }));
  const elsewhere = start(new RedisStore(connect(), { prefix }));
  const loaded = await visit(sessions, await signedIn(sessions, 'ann'));
  await elsewhere.of('ann').revokeAll();
  await expect(loaded.create()).rejects.toThrow(UpdateError);
  expect(await sessions.of('ann').list()).toEqual([]);
});

test('a login that nobody heard of leaves nothing that counts', async () => {
  const store = new MemoryStore();
  const { owned } = store;
  const deaf: Store = Object.assign(Object.create(store), {
    owned: {
      ...owned,
      async enter(...args: Parameters<typeof owned.enter>) {
        await owned.enter(...args);
        throw new Error('the connection was lost');
      },
    },
  });
  for (const method of ['read', 'create', 'update', 'touch', 'retire', 'delete', 'exists', 'clearExpired', 'close'] as const) {
    Object.assign(deaf, { [method]: (store[method] as () => unknown).bind(store) });
  }
  const sessions = start(deaf, { maxPerUser: { sessions: 1, then: 'refuse' } });
  const login = (await visit(sessions)).set('userId', 'ann');
  await expect(login.save()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(await sessions.of('ann').list()).toEqual([]);
});

describe('a Redis', () => {
  test('that is full refuses logins and lets sessions end', async () => {
    const server = await startRedis();
    const redis = connect({}, server.url);
    const sessions = start(new RedisStore(redis));
    const [mine, other] = [await signedIn(sessions, 'ann'), await signedIn(sessions, 'ann')];
    const current = await visit(sessions, mine);
    await redis.config('SET', 'maxmemory', '1');
    const login = (await visit(sessions)).set('userId', 'bob');
    await expect(login.save()).rejects.toThrow('OOM');
    await expect(current.set('n', 1).save()).rejects.toThrow('OOM');
    expect(await sessions.of('ann').revokeAll({ except: current })).toBe(1);
    expect((await visit(sessions, other)).sessionKey).toBeNull();
    expect((await visit(sessions, mine)).sessionKey).not.toBeNull();
    await server.stop();
  });

  test('keeps what it knows of a user as long as the longest session', async () => {
    const redis = connect();
    const prefix = ownPrefix();
    const sessions = start(new RedisStore(redis, { prefix }));
    await signedIn(sessions, 'ann');
    const [record] = (await redis.keys(`${prefix}*`)).filter((key) => /:[\w-]{43}$/.test(key)) as [string];
    for (let n = 0; n < 20; n += 1) {
      const short = (await visit(sessions)).set('userId', 'ann');
      short.setExpiry(60);
      await short.save();
    }
    const [userKey] = (await redis.keys(`${prefix}*:user`)) as [string];
    // Asked in this order, so that the time between the two counts against it.
    const ofRecord = await redis.pttl(record);
    expect(await redis.pttl(userKey)).toBeGreaterThan(ofRecord - 1000);
  });

  test('has a session in its list again that is merely seen', async () => {
    const redis = connect();
    const prefix = ownPrefix();
    const clock = new TestClock(Date.now());
    const sessions = start(new RedisStore(redis, { prefix, clock: clock.read }), { clock: clock.read });
    const cookie = await signedIn(sessions, 'ann');
    await redis.del(await redis.keys(`${prefix}*:index`));
    expect(await sessions.of('ann').list()).toEqual([]);
    clock.advance(301);
    await visit(sessions, cookie);
    // Sent before on the same connection.
    await redis.ping();
    expect(await sessions.of('ann').list()).toHaveLength(1);
  });
});

test('a clock that was ahead and is put right shuts nobody out', () => {
  const clock = new TestClock(10_000_000);
  const times = new SignInClock(clock.read);
  times.signIn();
  clock.now = 1_000_000;
  expect(times.end()).toBe(1_000_000);
  expect(times.signIn()).toBe(1_000_001);
  expect(times.end()).toBe(1_000_001);
});
