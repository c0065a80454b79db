import { RedisStore, type SessionOptions } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import type { Client } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { startApp } from './apps.js';

const redis = connect();
const HOUR = 3600;

/** One of several servers on the same Redis, each with a clock of its own. Redis itself keeps real time. */
async function startNode(prefix: string, clock: TestClock, options: SessionOptions = {}) {
  const store = new RedisStore(redis, { prefix, clock: clock.read });
  const app = await startApp({ store, clock: clock.read, maxAge: { hours: 1 }, ...options }, (routes) => {
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/write', (req, res) => void res.json(req.session.set('at', clock.now).size));
    routes.get('/login', (req, res) => {
      req.session.cycleKey();
      res.json(req.session.set('user', 'ann').size);
    });
  });
  const userOf = async (client: Client) => {
    const reply = await app.client().get('/read', { headers: { cookie: client.cookie } });
    return [reply.status, JSON.parse(reply.body), reply.setCookies.length];
  };
  return { app, store, userOf };
}

const redisKeyOf = (prefix: string, client: Client) => prefix + storeKeyOf((client.jar.get('sessionid') as string).slice(0, 43));
const maxAgeOf = (line: string | undefined) => Number(/Max-Age=(\d+)/.exec(line ?? '')?.[1]);

test('without any option a session ends after 14 days without a change', async () => {
  const clock = new TestClock();
  const app = await startApp({ clock: clock.read }, (routes) => {
    routes.get('/login', (req, res) => void res.json(req.session.set('user', 'ann').size));
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
  });
  const client = app.client();
  await client.get('/login');
  clock.advance(14 * 86_400 - 1);
  expect((await client.get('/read')).body).toBe('"ann"');
  clock.advance(1);
  expect((await client.get('/read')).body).toBe('null');
  await app.close();
});

test('a session is over by its record, even where the cookie and the key in Redis live on', async () => {
  const prefix = ownPrefix();
  const clock = new TestClock();
  const { app, userOf } = await startNode(prefix, clock);
  const client = app.client();
  await client.get('/login');
  const key = redisKeyOf(prefix, client);
  expect(await redis.persist(key)).toBe(1);
  clock.advance(HOUR - 1);
  expect(await userOf(client)).toEqual([200, 'ann', 0]);
  clock.advance(2);
  expect(await userOf(client)).toEqual([200, null, 0]);
  // A read never writes, so the key is still there; it is as good as gone, and a write begins another session.
  expect(await redis.exists(key)).toBe(1);
  const reply = await client.get('/write');
  expect([reply.status, reply.setCookies.length]).toEqual([200, 1]);
  expect(redisKeyOf(prefix, client)).not.toBe(key);
  await app.close();
});

describe('the absolute timeout', () => {
  test('ends a session on every node, however busy it is; only a login begins it anew', async () => {
    const prefix = ownPrefix();
    const clock = new TestClock();
    const options = { absoluteTimeout: { hours: 5 }, maxAge: { hours: 2 }, saveEveryRequest: true };
    const [one, two] = [await startNode(prefix, clock, options), await startNode(prefix, clock, options)];
    const client = one.app.client();
    await client.get('/login');
    for (let hour = 1; hour < 5; hour += 1) {
      clock.advance(HOUR);
      const reply = await client.get(hour % 2 === 0 ? '/read' : '/write');
      // Renewed by each request, and never beyond the end.
      expect(maxAgeOf(reply.setCookies[0])).toBe(Math.min(2, 5 - hour) * HOUR);
    }
    clock.advance(HOUR - 1);
    expect((await one.userOf(client))[1]).toBe('ann');
    // Whatever Redis thinks of it.
    await redis.persist(redisKeyOf(prefix, client));
    clock.advance(1);
    for (const { userOf } of [one, two]) expect(await userOf(client)).toEqual([200, null, 0]);
    for (const { app } of [one, two]) await app.close();
  });

  test('counts on from the login that cycled the key', async () => {
    const clock = new TestClock();
    const { app, userOf } = await startNode(ownPrefix(), clock, { absoluteTimeout: { hours: 5 }, maxAge: { hours: 24 } });
    const client = app.client();
    await client.get('/write');
    clock.advance(3 * HOUR);
    await client.get('/login');
    clock.advance(5 * HOUR - 1);
    expect((await userOf(client))[1]).toBe('ann');
    clock.advance(1);
    expect((await userOf(client))[1]).toBe(null);
    await app.close();
  });

  test('is kept in the record where no change of the data reaches it', async () => {
    const clock = new TestClock();
    const prefix = ownPrefix();
    const { app, store } = await startNode(prefix, clock, { absoluteTimeout: { hours: 5 } });
    const { sessionKey } = await app.sessions.issue({ user: 'ann' });
    const { Session } = await import('sojourn');
    const options = { store, sessionKey, clock: clock.read, absoluteTimeout: { hours: 5 } };
    const session = await new Session(options).load();
    expect([...session.keys()]).toEqual(['user']);
    session.clear();
    await session.set('user', 'ann').save();
    clock.advance(5 * HOUR);
    expect((await new Session(options).load()).sessionKey).toBe(null);
    await app.close();
  });
});

describe('renewing a session (saveEveryRequest)', () => {
  test('brings nothing back that was deleted meanwhile, and sets no cookie for it', async () => {
    const prefix = ownPrefix();
    const clock = new TestClock();
    const { app } = await startNode(prefix, clock, { saveEveryRequest: true });
    app.app.get('/delete-then-answer', async (req, res) => {
      req.session.get('user');
      await redis.del(redisKeyOf(prefix, client));
      res.send('late');
    });
    const client = app.client();
    await client.get('/login');
    const reply = await client.get('/delete-then-answer');
    expect([reply.status, reply.setCookies]).toEqual([200, []]);
    expect(await redis.keys(`${prefix}*`)).toEqual([]);
    await app.close();
  });

  test('changes nothing but the time: what another request writes meanwhile survives', async () => {
    const prefix = ownPrefix();
    const { app, store } = await startNode(prefix, new TestClock(), { saveEveryRequest: true });
    const client = app.client();
    await client.get('/login');
    const before = await redis.get(redisKeyOf(prefix, client));
    await Promise.all(Array.from({ length: 20 }, (_, index) => client.get(index === 10 ? '/write' : '/read')));
    const session = await app.sessions.load({ headers: { cookie: client.cookie } } as Parameters<typeof app.sessions.load>[0]);
    expect([...session.keys()]).toEqual(['user', 'at']);
    expect((await redis.get(redisKeyOf(prefix, client)))?.slice(7)).not.toBe(before?.slice(7));
    expect(await store.exists(storeKeyOf(session.sessionKey as string))).toBe(true);
    await app.close();
  });
});

describe('with clocks that differ by 120 seconds', () => {
  test.each([
    ['ahead', 120],
    ['behind', -120],
  ])('a session that a node %s wrote ends at its time, give or take the difference', async (_where, skew) => {
    const prefix = ownPrefix();
    const right = new TestClock();
    const wrong = new TestClock(right.now + skew * 1000);
    const nodes = [await startNode(prefix, right), await startNode(prefix, wrong)] as const;
    const client = nodes[1].app.client();
    await client.get('/login');
    // Redis was told how long, not until when: its own clock doesn't count.
    expect(Math.abs((await redis.ttl(redisKeyOf(prefix, client))) - HOUR)).toBeLessThan(3);
    const usersAfter = async (seconds: number) => {
      right.advance(seconds);
      wrong.advance(seconds);
      return Promise.all(nodes.map(async ({ userOf }) => (await userOf(client))[1]));
    };
    expect(await usersAfter(HOUR - 121)).toEqual(['ann', 'ann']);
    expect(await usersAfter(242)).toEqual([null, null]);
    for (const { app } of nodes) await app.close();
  });

  test('the absolute timeout is kept, give or take the difference', async () => {
    const prefix = ownPrefix();
    const right = new TestClock();
    const ahead = new TestClock(right.now + 120_000);
    const options = { absoluteTimeout: { hours: 2 }, maxAge: { hours: 1 }, saveEveryRequest: true };
    const nodes = [await startNode(prefix, right, options), await startNode(prefix, ahead, options)] as const;
    const client = nodes[1].app.client();
    await client.get('/login');
    for (let half = 1; half < 4; half += 1) {
      for (const clock of [right, ahead]) clock.advance(HOUR / 2);
      expect((await nodes[half % 2]?.userOf(client))?.[1]).toBe('ann');
      await client.get('/read');
    }
    for (const clock of [right, ahead]) clock.advance(HOUR / 2 + 121);
    await redis.persist(redisKeyOf(prefix, client));
    for (const { userOf } of nodes) expect((await userOf(client))[1]).toBe(null);
    for (const { app } of nodes) await app.close();
  });

  test('a clock of Redis that jumps ahead ends the session, and nothing else', async () => {
    const prefix = ownPrefix();
    const { app, userOf } = await startNode(prefix, new TestClock());
    const client = app.client();
    await client.get('/login');
    await redis.pexpireat(redisKeyOf(prefix, client), 1);
    expect(await userOf(client)).toEqual([200, null, 0]);
    const reply = await client.get('/write');
    expect([reply.status, reply.setCookies.length]).toEqual([200, 1]);
    await app.close();
  });
});
