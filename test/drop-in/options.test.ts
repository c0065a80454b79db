import expressSession from 'express-session';
import session, { MemoryStore, type SessionOptions, type StoredData } from 'sojourn/express-session';
import { WatchedStore } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { SECRET, setting, signIn, start, startDropIn } from './app.js';

const OPTIONS = { secret: SECRET, resave: false, saveUninitialized: false };

test.each<[string, Record<string, unknown>]>([
  ['secret', { secret: [] }],
  ['genid', { genid: 'x' }],
  ['unset', { unset: 'forget' }],
  ['onInterrupted', { onInterrupted: 'ignore' }],
  ['maxBytes', { maxBytes: 0 }],
  ['maxBytes', { maxBytes: '5' }],
  ['takeOver', { takeOver: {} }],
  ['store', { store: {} }],
])('an impossible %s is an error at start that names it: %j', (option, options) => {
  const problem = expect.objectContaining({ code: 'ERR_SESSION_OPTION', option });
  expect(() => session({ ...OPTIONS, ...options } as SessionOptions)).toThrow(problem);
});

test('what nobody said, and what nobody knows, is a warning with the fix, once', () => {
  const warnings = recordWarnings();
  for (let round = 0; round < 2; round += 1) session({ secret: SECRET, maxage: 5 } as SessionOptions);
  expect(warnings.map(({ code }) => code)).toEqual(['SOJOURN_UNKNOWN_OPTION', 'SOJOURN_RESAVE', 'SOJOURN_SAVEUNINITIALIZED']);
  expect(warnings.map(({ message }) => message).join()).toMatch(/maxage is no option.*resave: false.*saveUninitialized: false/s);
});

test('memory as the store is a warning in production', () => {
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  const warnings = recordWarnings();
  session(OPTIONS);
  process.env.NODE_ENV = NODE_ENV as string;
  expect(warnings.map(({ code }) => code)).toEqual(['SOJOURN_MEMORY_STORE']);
});

test('a secret may come from cookie-parser; without any the request is an error', async () => {
  const before = (req: object, _res: unknown, next: () => void) => {
    Object.assign(req, { secret: 'from cookie-parser' });
    next();
  };
  const app = await start(new WatchedStore(), { options: { secret: undefined as never }, before });
  const client = await signIn(app);
  expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
  const without = await startDropIn({ secret: undefined as never });
  const reply = await without.ask(without.client(), () => 'hello');
  expect([reply.status, reply.body]).toEqual([500, expect.stringContaining('secret option required')]);
});

test('name and key name the cookie', async () => {
  for (const options of [{ name: 'sid' }, { key: 'sid' }, { name: 'sid', key: 'other' }]) {
    const app = await startDropIn(options);
    const client = await signIn(app);
    expect([...client.jar.keys()]).toEqual(['sid']);
  }
});

test('cookie may be a function of the request', async () => {
  const app = await startDropIn({ cookie: (req) => ({ path: req.url?.startsWith('/act') ? '/act' : '/elsewhere' }) });
  const { setCookies } = await app.ask(app.client(), setting({ user: 'ada' }));
  expect(setCookies).toEqual([expect.stringContaining('Path=/act;')]);
});

test('sessions of 65 KiB, which express-session has no limit for, are read and stored', async () => {
  const app = await startDropIn();
  const client = await signIn(app);
  await app.ask(client, setting({ text: 'x'.repeat(70_000) }));
  expect((await app.dataOf(client.cookie)).text).toHaveLength(70_000);
});

describe('MemoryStore', () => {
  const asked = <Value>(call: (done: (error?: unknown, value?: Value) => void) => void) =>
    new Promise<Value | undefined>((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
  const data = (expires: Date | null = null) => ({ cookie: new session.Cookie({ expires }).data, user: 'ada' });

  test('is what express-session’s is: copies in and out, lists, counts, clears', async () => {
    const store = new MemoryStore();
    store.set('a', data());
    await asked((done) => store.set('b', data(new Date(Date.now() + 60_000)), done));
    store.set('over', data(new Date(0)));
    const all = await asked<Record<string, StoredData>>((done) => store.all(done));
    expect([Object.keys(all ?? {}).sort(), all?.a?.user]).toEqual([['a', 'b'], 'ada']);
    expect(await asked((done) => store.length(done))).toBe(2);
    const later = new Date(Date.now() + 90_000);
    await asked((done) => store.touch('b', data(later), done));
    store.touch('none', data());
    store.touch('a', data());
    expect((await asked<{ cookie: { expires: string } }>((done) => store.get('b', done as never)))?.cookie.expires).toBe(
      later.toISOString(),
    );
    store.destroy('a');
    await asked((done) => store.destroy('b', done));
    expect(await asked((done) => store.get('b', done))).toBeNull();
    store.set('c', data());
    store.clear();
    await asked((done) => store.clear(done));
    expect(await asked((done) => store.length(done))).toBe(0);
  });

  test('has records without a cookie as well', async () => {
    const store = new MemoryStore();
    store.set('a', { user: 'ada' } as never);
    expect(await asked((done) => store.get('a', done))).toEqual({ user: 'ada' });
  });
});

test('stores of the older kind call Store as a function', () => {
  function OldStore(this: object) {
    session.Store.call(this);
  }
  Object.setPrototypeOf(OldStore.prototype, session.Store.prototype);
  const store = Reflect.construct(OldStore, []) as { on(event: string, act: () => void): void; emit(event: string): boolean };
  let heard = 0;
  store.on('connect', () => {
    heard += 1;
  });
  store.emit('connect');
  expect([heard, store instanceof session.Store]).toEqual([1, true]);
});

test('a store of the real express-session works as it is, and one is as good as the other', async () => {
  const store = new expressSession.MemoryStore();
  const app = await start(store);
  const client = await signIn(app);
  expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
});
