import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { MemoryStore, RedisStore, Session, type Store } from 'sojourn';
import { WatchedStore } from '../helpers/stores.js';

// `await session.update(change)`: a read-modify-write that is made again until no other write comes between.

const run = promisify(execFile);
const redis = new Redis(process.env.REDIS_URL as string);
afterAll(() => redis.disconnect());

const prefix = `update-${process.pid}:`;
const stores: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(redis, { prefix })],
];

const addOne = (session: Session) => void session.set('n', session.get('n', 0) + 1);

async function makeSession(store: Store, data: Record<string, unknown> = {}): Promise<Session> {
  const session = new Session({ store });
  await session.update(data).save();
  return session;
}

const open = (store: Store, { sessionKey }: Session) => new Session({ store, sessionKey: sessionKey as string }).load();
const stored = async (store: Store, session: Session) => Object.fromEntries((await open(store, session)).entries());

describe.each(stores)('on %s', (_name, makeStore) => {
  test('200 updates at a time count to exactly 200', async () => {
    const store = makeStore();
    const session = await makeSession(store);
    const sessions = await Promise.all(Array.from({ length: 200 }, () => open(store, session)));
    await Promise.all(sessions.map((each) => each.update(addOne)));
    expect(await stored(store, session)).toEqual({ n: 200 });
  });

  test('the change is made on what others have written, beside the changes made before it', async () => {
    const store = makeStore();
    const session = await makeSession(store, { n: 1, kept: true });
    const mine = await open(store, session);
    await (await open(store, session)).update({ n: 10, theirs: true }).save();
    mine.set('mine', true);
    const seen: number[] = [];
    await mine.update((each) => {
      seen.push(each.get('n', 0));
      addOne(each);
    });
    expect(seen).toEqual([1, 10]);
    expect(await stored(store, session)).toEqual({ n: 11, kept: true, theirs: true, mine: true });
    expect(mine.get('n')).toBe(11);
  });

  test('a session that has no record yet gets one', async () => {
    const store = makeStore();
    const session = new Session({ store });
    await session.update(addOne);
    expect(await stored(store, session)).toEqual({ n: 1 });
  });

  test('an update of a deleted session rejects and brings nothing back', async () => {
    const store = makeStore();
    const session = await makeSession(store, { n: 1 });
    const other = await open(store, session);
    await session.destroy();
    await expect(other.update(addOne)).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(await session.exists(session.sessionKey as string)).toBe(false);
  });

  test('with a cycled key, what was written to the old one meanwhile is counted on', async () => {
    const store = makeStore();
    const session = await makeSession(store, { n: 1 });
    const mine = await open(store, session);
    mine.cycleKey();
    await (await open(store, session)).update(addOne);
    await mine.update(addOne);
    expect(await stored(store, mine)).toEqual({ n: 3 });
    expect(await session.exists(session.sessionKey as string)).toBe(false);
  });
});

test('an update that the store refuses has not happened, and can be tried again', async () => {
  const store = new WatchedStore();
  const session = await makeSession(store, { n: 1 });
  session.set('mine', true);
  store.before('update', () => {
    throw new Error('down');
  });
  await expect(session.update(addOne)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  expect(session.get('n')).toBe(1);
  expect(session.get('mine')).toBe(true);
  store.clearFaults();
  await session.update(addOne);
  expect(await stored(store, session)).toEqual({ n: 2, mine: true });
});

test('a change that throws has not happened either, and its error reaches the caller', async () => {
  const store = new WatchedStore();
  const session = await makeSession(store, { n: 1 });
  session.set('mine', true);
  const failing = (each: Session) => {
    each.set('n', 99);
    throw new RangeError('no');
  };
  await expect(session.update(failing)).rejects.toThrow(RangeError);
  expect(session.get('n')).toBe(1);
  await session.save();
  expect(await stored(store, session)).toEqual({ n: 1, mine: true });
});

test('a change must be synchronous', async () => {
  const session = await makeSession(new MemoryStore(), { n: 1 });
  await expect(session.update(async () => {})).rejects.toThrow(TypeError);
});

test('the conflicts of a commit end with the deadline of the store', async () => {
  let now = 0;
  const store = new WatchedStore();
  const first = new Session({ store, clock: () => now });
  await first.update({ n: 1 }).save();
  const second = await new Session({ store, clock: () => now, sessionKey: first.sessionKey as string }).load();
  // Somebody else writes before each attempt, and each takes 400 ms.
  const writeFirst = async () => {
    now += 400;
    store.clearFaults();
    await first.update({ n: now }).save();
    store.before('update', writeFirst);
  };
  store.before('update', writeFirst);
  await expect(second.update(addOne)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
});

test('50 updates from each of 4 processes count to exactly 200', async () => {
  const store = new RedisStore(redis, { prefix });
  const session = await makeSession(store);
  const env = { ...process.env, PREFIX: prefix, SESSION_KEY: session.sessionKey as string, UPDATES: '50' };
  const child = () => run(process.execPath, ['--import', 'tsx', 'test/concurrency/counter.ts'], { env });
  await Promise.all([child(), child(), child(), child()]);
  expect(await stored(store, session)).toEqual({ n: 200 });
});
