import type { IncomingMessage } from 'node:http';
import { RedisStore, type Session, type SessionMiddleware, session, UpdateError } from 'sojourn';
import { SECRET } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';

// What races with `revokeAll`, on a real Redis. Two middlewares with a client each are two processes, as far as Redis can tell.

const user = (one: { get(key: string): unknown }) => one.get('userId');
const prefix = ownPrefix();
const processes = [connect(), connect()].map((client) => session({ secret: SECRET, user, store: new RedisStore(client, { prefix }) }));
const [here, there] = processes as [SessionMiddleware, SessionMiddleware];

/** A request that comes in now. */
const visit = (sessions: SessionMiddleware, cookie?: string) =>
  sessions.load({ headers: cookie === undefined ? {} : { cookie } } as IncomingMessage) as Promise<Session>;
const cookieOf = (sessions: SessionMiddleware, { sessionKey }: Session) => sessions.cookie.pair(sessionKey as string);

/** The cookie of somebody who has just signed in. */
async function signIn(userId: string): Promise<string> {
  const login = await visit(here);
  await login.set('userId', userId).save();
  return cookieOf(here, login);
}

/** How many of these sessions a request would find. */
async function countAlive(sessions: readonly Session[]): Promise<number> {
  const found = await Promise.all(sessions.map(async (one) => (await visit(there, cookieOf(here, one))).sessionKey !== null));
  return found.filter(Boolean).length;
}

/** Runs all of them; the errors of those that were interrupted. Any other error fails the test. */
async function settled(acts: readonly Promise<unknown>[]): Promise<number> {
  const errors = (await Promise.allSettled(acts)).flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  for (const error of errors) if (!(error instanceof UpdateError)) throw error;
  return errors.length;
}

test('of 50 logins that race with one revokeAll, in 1000 rounds, no session older than the revocation survives', async () => {
  let stored = 0;
  let interrupted = 0;
  for (let round = 0; round < 1000; round += 1) {
    const userId = `user ${round}`;
    const logins = await Promise.all(Array.from({ length: 50 }, (_, index) => visit(processes[index % 2] as SessionMiddleware)));
    for (const login of logins) login.set('userId', userId);
    const early = logins.slice(0, round % 51).map((login) => login.save());
    const revocation = here.of(userId).revokeAll();
    const late = logins.slice(round % 51).map((login) => login.save());
    const lost = await settled([...early, revocation, ...late]);
    interrupted += lost;
    stored += 50 - lost;
    if ((await countAlive(logins)) > 0 || (await here.of(userId).list()).length > 0) throw new Error(`round ${round}: a session survived`);
    const next = await visit(there);
    await next.set('userId', userId).save();
    if ((await countAlive([next])) !== 1) throw new Error(`round ${round}: a login after the revocation is no good`);
  }
  // Both kinds were there, or nothing raced.
  expect(stored).toBeGreaterThan(1000);
  expect(interrupted).toBeGreaterThan(1000);
});

test('nor does one that is saved, cycled or renewed meanwhile', async () => {
  let interrupted = 0;
  for (let round = 0; round < 200; round += 1) {
    const userId = `member ${round}`;
    const cookies = await Promise.all(Array.from({ length: 12 }, () => signIn(userId)));
    const sessions = await Promise.all(cookies.map((cookie, index) => visit(processes[index % 2] as SessionMiddleware, cookie)));
    const act = (one: Session, index: number) => {
      if (index % 2 === 0) one.cycleKey();
      return one.set('n', index).save();
    };
    const early = sessions.slice(0, round % 13).map(act);
    const revocation = there.of(userId).revokeAll();
    const late = sessions.slice(round % 13).map(act);
    interrupted += await settled([...early, revocation, ...late]);
    if ((await countAlive(sessions)) > 0) throw new Error(`round ${round}: a session survived`);
    const found = await Promise.all(cookies.map(async (cookie) => (await visit(there, cookie)).sessionKey));
    expect(found.filter((key) => key !== null)).toEqual([]);
  }
  expect(interrupted).toBeGreaterThan(100);
});

test('a limit is exact under 50 parallel logins', async () => {
  for (const then of ['evict-oldest', 'refuse'] as const) {
    const limited = [connect(), connect()].map((client) =>
      session({ secret: SECRET, user, maxPerUser: { sessions: 3, then }, store: new RedisStore(client, { prefix: `${prefix}${then}:` }) }),
    ) as [SessionMiddleware, SessionMiddleware];
    const logins = await Promise.all(Array.from({ length: 50 }, (_, index) => visit(limited[index % 2] as SessionMiddleware)));
    const results = await Promise.allSettled(logins.map((login) => login.set('userId', 'ann').save()));
    const alive = await Promise.all(logins.map(async (login) => login.sessionKey && (await login.exists(login.sessionKey))));
    expect(alive.filter(Boolean)).toHaveLength(3);
    expect(await limited[0].of('ann').list()).toHaveLength(3);
    const codes = new Set(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'stored')));
    expect([...codes].sort()).toEqual(then === 'refuse' ? ['ERR_SESSION_LIMIT', 'stored'] : ['stored']);
  }
});

test('of 10 000 logins that expire, the index has no more than the living; without it all end just the same', async () => {
  const redis = connect();
  const clock = new TestClock(Date.now());
  const own = `${prefix}many:`;
  const sessions = session({
    secret: SECRET,
    user,
    maxAge: 60,
    clock: clock.read,
    store: new RedisStore(redis, { prefix: own, clock: clock.read }),
  });
  const logins: Session[] = [];
  const indexes = async () => redis.keys(`${own}*:index`);
  for (let batch = 0; batch < 100; batch += 1) {
    const visitors = await Promise.all(Array.from({ length: 100 }, () => visit(sessions)));
    await Promise.all(visitors.map((login) => login.set('userId', 'ann').save()));
    logins.push(...visitors);
    clock.advance(7);
    if (batch % 10 !== 9) continue;
    const [index] = await indexes();
    // One batch more may be due: it is trimmed by the next login.
    expect(await redis.zcard(index as string)).toBeLessThanOrEqual(1000);
    expect((await sessions.of('ann').list()).length).toBe(await redis.zcard(index as string));
  }
  const living = logins.slice(-900);
  const alive = async () => {
    const keys = await Promise.all(living.map((one) => visit(sessions, cookieOf(sessions, one)).then(({ sessionKey }) => sessionKey)));
    return keys.filter((key) => key !== null).length;
  };
  expect(await alive()).toBe(800);
  await redis.del(await indexes());
  expect(await sessions.of('ann').list()).toEqual([]);
  await sessions.of('ann').revokeAll();
  expect(await alive()).toBe(0);
});

test('what is lost of a user ends their sessions instead of bringing revoked ones back', async () => {
  const redis = connect();
  const own = `${prefix}lost:`;
  const sessions = session({ secret: SECRET, user, store: new RedisStore(redis, { prefix: own }) });
  const login = async () => (await visit(sessions)).set('userId', 'ann').save();
  const first = await visit(sessions);
  await first.set('userId', 'ann').save();
  await redis.del(await redis.keys(`${own}*:user`));
  expect((await visit(sessions, cookieOf(sessions, first))).sessionKey).toBeNull();
  await expect(first.set('n', 1).save()).rejects.toThrow(UpdateError);
  await login();
  expect(await sessions.of('ann').list()).toHaveLength(1);
});

test('with the index lost, a revocation wins against what is under way as well', async () => {
  const redis = connect();
  const own = `${prefix}no-index:`;
  const sessions = session({ secret: SECRET, user, store: new RedisStore(redis, { prefix: own }) });
  const logins = await Promise.all([1, 2, 3].map(() => visit(sessions)));
  await Promise.all(logins.map((login) => login.set('userId', 'ann').save()));
  const [written, cycled, idle] = (await Promise.all(logins.map((login) => visit(sessions, cookieOf(sessions, login))))) as [
    Session,
    Session,
    Session,
  ];
  await redis.del(await redis.keys(`${own}*:index`));
  await sessions.of('ann').revokeAll();
  await expect(written.set('n', 1).save()).rejects.toThrow(UpdateError);
  cycled.cycleKey();
  await expect(cycled.save()).rejects.toThrow(UpdateError);
  const idleKey = idle.sessionKey as string;
  expect(await idle.exists(idleKey)).toBe(false);
  expect(await Promise.all(logins.map(async (login) => (await visit(sessions, cookieOf(sessions, login))).sessionKey))).toEqual([
    null,
    null,
    null,
  ]);
});
