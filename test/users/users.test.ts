import expressSession from 'express-session';
import { fromExpressSessionStore, MemoryStore, OptionError, RedisStore, session } from 'sojourn';
import { SECRET } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { eventsDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { signedInClient, startUserApp } from './app.js';

const stores = {
  MemoryStore: (clock: TestClock) => new MemoryStore({ clock: clock.read }),
  RedisStore: (clock: TestClock) => new RedisStore(connect(), { prefix: ownPrefix(), clock: clock.read }),
};

describe.each(Object.entries(stores))('the sessions of a user in a %s', (_, makeStore) => {
  let clock: TestClock;
  let app: Awaited<ReturnType<typeof startUserApp>>;
  const who = async (client: { get(path: string): Promise<{ body: string }> }) => JSON.parse((await client.get('/')).body).userId;

  beforeEach(async () => {
    // Redis expires by its own clock.
    clock = new TestClock(Date.now());
    app = await startUserApp({ store: makeStore(clock), clock: clock.read });
  });
  afterEach(() => app.close());

  test('are listed, the last seen first, with what the application noted', async () => {
    const phone = await signedInClient(app, 'ann', 'phone');
    clock.advance(60);
    const laptop = await signedInClient(app, 'ann', 'laptop');
    await signedInClient(app, 'bob', 'another');
    const list = JSON.parse((await phone.get('/sessions')).body);
    const start = Math.floor(clock.now / 1000) * 1000;
    const date = (time: number) => new Date(Math.floor(time / 1000) * 1000).toISOString();
    expect(list).toEqual([
      {
        ref: expect.stringMatching(/^[\w-]{12}$/),
        createdAt: date(start),
        lastSeenAt: date(start),
        expiresAt: expect.any(String),
        current: false,
        device: 'laptop',
      },
      {
        ref: expect.any(String),
        createdAt: date(start - 60_000),
        lastSeenAt: date(start - 60_000),
        expiresAt: expect.any(String),
        current: true,
        device: 'phone',
      },
    ]);
    expect(Math.abs(Date.parse(list[0].expiresAt) - clock.now - 14 * 86_400_000)).toBeLessThanOrEqual(1000);
    // Nothing that is listed leads to a session.
    const text = JSON.stringify(await app.sessions.of('ann').list());
    for (const client of [phone, laptop]) for (const part of client.cookie.split(/[=.~]/)) expect(text).not.toContain(part);
  });

  test('are ended one by one by their ref, for good', async () => {
    const [phone, laptop] = [await signedInClient(app, 'ann', 'phone'), await signedInClient(app, 'ann', 'laptop')];
    const list = JSON.parse((await laptop.get('/sessions')).body) as { ref: string; device: string }[];
    const { ref } = list.find(({ device }) => device === 'phone') as { ref: string };
    expect((await laptop.get(`/revoke/${ref}`)).body).toBe('true');
    expect((await laptop.get(`/revoke/${ref}`)).body).toBe('false');
    expect([await who(phone), await who(laptop)]).toEqual([null, 'ann']);
    expect(JSON.parse((await laptop.get('/sessions')).body)).toHaveLength(1);
  });

  test('a ref of somebody else’s session ends nothing', async () => {
    const [ann, bob] = [await signedInClient(app, 'ann'), await signedInClient(app, 'bob')];
    const [{ ref }] = JSON.parse((await bob.get('/sessions')).body);
    expect((await ann.get(`/revoke/${ref}`)).body).toBe('false');
    expect(await who(bob)).toBe('bob');
  });

  test('end together but for the one that asks, which goes on as it was', async () => {
    const clients = [];
    for (let n = 0; n < 4; n += 1) clients.push(await signedInClient(app, 'ann'));
    const bob = await signedInClient(app, 'bob');
    const [mine, ...others] = clients as [(typeof clients)[0], ...typeof clients];
    expect((await mine.get('/revoke-others')).body).toBe('3');
    expect(await Promise.all(others.map(who))).toEqual([null, null, null]);
    expect([await who(mine), await who(bob)]).toEqual(['ann', 'bob']);
    expect((await mine.get('/set/5')).status).toBe(200);
    expect((await mine.get('/cycle')).status).toBe(200);
    expect(JSON.parse((await mine.get('/')).body)).toEqual({ userId: 'ann', n: 5 });
    expect(JSON.parse((await mine.get('/sessions')).body)).toHaveLength(1);
  });

  test('a change of password takes a new key and ends the others in one request', async () => {
    const [mine, other] = [await signedInClient(app, 'ann'), await signedInClient(app, 'ann')];
    const stolen = app.client();
    for (const [name, value] of mine.jar) stolen.jar.set(name, value);
    expect((await mine.get('/password')).status).toBe(200);
    expect(await Promise.all([mine, other, stolen].map(who))).toEqual(['ann', null, null]);
  });

  test('a login may end all sessions from before, and stays', async () => {
    const old = await signedInClient(app, 'ann');
    await app.close();
    const other = await startUserApp({ store: app.sessions.store, clock: clock.read }, (routes, sessions) => {
      routes.get('/only', async (req, res) => {
        req.session.cycleKey();
        req.session.set('userId', 'ann');
        await sessions().of('ann').revokeAll({ except: req.session });
        res.send('signed in');
      });
    });
    const mine = other.client();
    expect((await mine.get('/only')).status).toBe(200);
    const again = other.client();
    for (const [name, value] of old.jar) again.jar.set(name, value);
    expect([await who(mine), await who(again)]).toEqual(['ann', null]);
    await other.close();
  });

  test('all end, also the one that asks', async () => {
    const clients = [await signedInClient(app, 'ann'), await signedInClient(app, 'ann')];
    expect((await clients[0]?.get('/revoke-all'))?.body).toBe('2');
    expect(await Promise.all(clients.map(who))).toEqual([null, null]);
    expect(await who(await signedInClient(app, 'ann'))).toBe('ann');
  });

  test('everything ends: of users and of visitors without a name', async () => {
    const [ann, bob, visitor] = [await signedInClient(app, 'ann'), await signedInClient(app, 'bob'), app.client()];
    await visitor.get('/set/7');
    expect(await app.sessions.revokeEverything()).toBeGreaterThanOrEqual(3);
    expect(await Promise.all([ann, bob].map(who))).toEqual([null, null]);
    expect(JSON.parse((await visitor.get('/')).body).n).toBe(0);
    expect(await who(await signedInClient(app, 'ann'))).toBe('ann');
  });

  test('everything ends for the login of a user that is under way, too', async () => {
    await signedInClient(app, 'ann');
    const login = await app.sessions.load({ headers: {} } as never);
    await app.sessions.revokeEverything();
    await expect(login.set('userId', 'ann').save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(await app.sessions.of('ann').list()).toEqual([]);
  });

  test('a change of user is a change of key, without a word from the application', async () => {
    const client = app.client();
    await client.get('/set/1');
    const anonymous = client.cookie;
    const keyOf = (cookie: string) => cookie.split('=')[1]?.split('.')[0] ?? '';
    await client.get('/set/2');
    expect(client.cookie).toBe(anonymous);
    await app.close();
    app = await startUserApp({ store: app.sessions.store, clock: clock.read }, (routes) => {
      routes.get('/become/:user', (req, res) => {
        if (req.params.user === 'nobody') req.session.delete('userId');
        else req.session.set('userId', req.params.user);
        res.send('done');
      });
    });
    const again = app.client();
    again.jar.set('sessionid', anonymous.split('=')[1] as string);
    const cookies = [anonymous];
    for (const user of ['ann', 'bob', 'nobody']) {
      await again.get(`/become/${user}`);
      cookies.push(again.cookie);
    }
    expect(new Set(cookies.map(keyOf)).size).toBe(4);
    expect(JSON.parse((await again.get('/')).body)).toEqual({ userId: null, n: 2 });
    for (const cookie of cookies.slice(0, 3)) {
      const replayed = app.client();
      expect(JSON.parse((await replayed.get('/', { headers: { cookie } })).body)).toEqual({ userId: null, n: 0 });
    }
    expect(await app.sessions.of('ann').list()).toEqual([]);
    expect(await app.sessions.of('bob').list()).toEqual([]);
  });

  test('are seen by requests that only look, at most every five minutes, and live no longer for that', async () => {
    const client = await signedInClient(app, 'ann');
    const [before] = await app.sessions.of('ann').list();
    clock.advance(299);
    await client.get('/hello');
    expect((await app.sessions.of('ann').list())[0]).toEqual(before);
    clock.advance(2);
    await client.get('/hello');
    // The note is not waited for; what comes after it on the same connection is.
    await client.get('/hello');
    const [after] = await app.sessions.of('ann').list();
    expect((after?.lastSeenAt.getTime() ?? 0) - (before?.lastSeenAt.getTime() ?? 0)).toBe(301_000);
    expect(after?.expiresAt).toEqual(before?.expiresAt);
    expect(after?.createdAt).toEqual(before?.createdAt);
  });

  test('with a limit that evicts, the oldest goes', async () => {
    const limited = await startUserApp({ store: makeStore(clock), clock: clock.read, maxPerUser: { sessions: 2, then: 'evict-oldest' } });
    const clients = [];
    for (let n = 0; n < 3; n += 1) {
      clients.push(await signedInClient(limited, 'ann'));
      clock.advance(1);
    }
    expect(await Promise.all(clients.map(who))).toEqual([null, 'ann', 'ann']);
    // A new key for a session that is there is no new session.
    expect((await clients[1]?.get('/cycle'))?.status).toBe(200);
    expect(await Promise.all(clients.map(who))).toEqual([null, 'ann', 'ann']);
    await limited.close();
  });

  test('with a limit that refuses, the login fails and says why', async () => {
    const limited = await startUserApp({ store: makeStore(clock), clock: clock.read, maxPerUser: { sessions: 1, then: 'refuse' } });
    const first = await signedInClient(limited, 'ann');
    const second = limited.client();
    const reply = await second.get('/login/ann');
    expect([reply.status, JSON.parse(reply.body).code, reply.setCookies]).toEqual([409, 'ERR_SESSION_LIMIT', []]);
    expect([await who(first), await who(second)]).toEqual(['ann', null]);
    expect((await first.get('/cycle')).status).toBe(200);
    await first.get('/logout');
    expect((await second.get('/login/ann')).status).toBe(200);
    await limited.close();
  });

  test('what ends is an event', async () => {
    const [ann] = [await signedInClient(app, 'ann'), await signedInClient(app, 'ann')];
    const revoked = (await eventsDuring(() => ann.get('/revoke-others'))).filter(([name]) => name === 'revoked');
    expect(revoked).toEqual([['revoked', { reason: 'user', sessions: 1 }]]);
  });
});

describe('the options', () => {
  const refused = (options: object) => {
    try {
      session({ secret: SECRET, ...options });
    } catch (error) {
      return error instanceof OptionError ? error.option : error;
    }
    return undefined;
  };

  test.each<[options: object, name: string]>([
    [{ user: 'userId' }, 'user'],
    [{ device: 'device' }, 'device'],
    [{ maxPerUser: { sessions: 3, then: 'refuse' } }, 'maxPerUser'],
    [{ user: () => 1, maxPerUser: { sessions: 0, then: 'refuse' } }, 'maxPerUser.sessions'],
    [{ user: () => 1, maxPerUser: { sessions: 3 } }, 'maxPerUser.then'],
    [{ user: () => 1, maxPerUser: 3 }, 'maxPerUser.sessions'],
    [{ user: () => 1, store: fromExpressSessionStore(new expressSession.MemoryStore()) }, 'user'],
  ])('%j are refused at start, naming %s', (options, option) => {
    expect(refused(options)).toBe(option);
  });

  test('of() needs the option user, and a user', () => {
    expect(() => session({ secret: SECRET }).of('ann')).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTION', option: 'user' }));
    const sessions = session({ secret: SECRET, user: (one) => one.get('userId') });
    for (const nobody of ['', null, undefined, {}, Number.NaN]) expect(() => sessions.of(nobody as string)).toThrow(TypeError);
    expect(() => sessions.of(0)).not.toThrow();
  });

  test('a user that is no text and no number fails the request that sets it, and stores nothing', async () => {
    const app = await startUserApp({}, (routes) => {
      routes.get('/odd', (req, res) => {
        req.session.set('userId', { id: 1 });
        res.send('signed in');
      });
    });
    const reply = await app.client().get('/odd');
    expect([reply.status, reply.setCookies]).toEqual([500, []]);
    await app.close();
  });
});
