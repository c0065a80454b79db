import { createServer } from 'node:http';
import express, { type Request } from 'express';
import session from 'express-session';
import { MemoryStore, RedisStore, type Store, UpdateError } from 'sojourn';
import { fromExpressSessionStore } from '../../src/express-session/from-store.js';
import { type ToExpressSessionStoreOptions, toExpressSessionStore } from '../../src/express-session/to-store.js';
import { storeKeyOf } from '../../src/session-key.js';
import { type Client, listen, type Running, SECRET } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { eventNamesDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { type Deferred, deferred, WatchedStore } from '../helpers/stores.js';

// The real express-session on stores of Sojourn.

const MINUTE = 60_000;

/** What express-session puts on the request, which this repository's types know as Sojourn's. */
interface OtherSession {
  readonly id: string;
  readonly cookie: { maxAge: number; originalMaxAge: number };
  regenerate(done: (error?: unknown) => void): void;
  reload(done: (error?: unknown) => void): void;
  destroy(done: (error?: unknown) => void): void;
  save(done: (error?: unknown) => void): void;
  [key: string]: unknown;
}
const sessionOf = (req: Request) => (req as unknown as { session: OtherSession }).session;

let running: Running | undefined;
let errors: unknown[];
/** What requests to /slow wait for, and whether they have their session. */
let reached: Deferred[];
let gate: Deferred;
beforeEach(() => {
  errors = [];
  reached = [deferred(), deferred()];
  gate = deferred();
});
afterEach(() => running?.close());

type Settings = Partial<Parameters<typeof session>[0]> & Pick<ToExpressSessionStoreOptions<object>, 'ttl' | 'clock'>;

/** An app on express-session, as people have it. */
async function start(store: Store, { ttl, clock, ...settings }: Settings = {}): Promise<Client> {
  const given = { session, ...(ttl && { ttl }), ...(clock && { clock }) };
  const app = express();
  app.use(
    session({
      secret: SECRET,
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: MINUTE },
      store: toExpressSessionStore(store, given),
      ...settings,
    }),
  );
  app.get('/data', (req, res) => {
    const { cookie: _cookie, ...data } = sessionOf(req);
    res.json(data);
  });
  app.get('/set', (req, res) => {
    Object.assign(sessionOf(req), req.query);
    res.send('set');
  });
  app.get('/slow', async (req, res) => {
    const mine = sessionOf(req);
    reached.shift()?.resolve();
    await gate.promise;
    for (const [key, value] of Object.entries(req.query)) {
      if (value === '') delete mine[key];
      else mine[key] = value;
    }
    mine.save((error) => {
      if (error) errors.push(error);
      res.status(error ? 500 : 200).end();
    });
  });
  app.get('/login', (req, res, next) => {
    sessionOf(req).regenerate((error) => {
      if (error) return next(error);
      sessionOf(req).user = req.query.user;
      res.send('in');
    });
  });
  app.get('/logout', (req, res, next) => sessionOf(req).destroy((error) => (error ? next(error) : res.send('out'))));
  app.get('/age', (req, res) => {
    sessionOf(req).cookie.maxAge = Number(req.query.ms);
    Object.assign(sessionOf(req), { aged: true });
    res.send('set');
  });
  app.get('/twice', (req, res) => {
    const mine = sessionOf(req);
    mine.first = 1;
    mine.save(() => {
      mine.second = 2;
      mine.save(() => mine.reload(() => res.json([sessionOf(req).first, sessionOf(req).second])));
    });
  });
  app.use((error: Error & { status?: number }, _req: Request, res: express.Response, _next: express.NextFunction) => {
    errors.push(error);
    if (!res.headersSent) res.status(error.status ?? 500).end();
  });
  running = await listen(createServer(app));
  return running.client();
}

/** The id in a cookie of express-session: `s:<id>.<signature>`. */
const sidOf = (client: Client) =>
  decodeURIComponent(client.jar.get('connect.sid') as string)
    .slice(2)
    .split('.')[0] as string;
const keyOf = (client: Client) => storeKeyOf(sidOf(client));
const dataOf = async (client: Client) => JSON.parse((await client.get('/data')).body);

describe.each<[string, () => Store]>([
  ['MemoryStore', () => new MemoryStore()],
  ['RedisStore', () => new RedisStore(connect(), { prefix: ownPrefix() })],
  ["an adapter of express-session's own MemoryStore", () => fromExpressSessionStore(new session.MemoryStore())],
])('express-session on %s', (_, open) => {
  let store: Store;
  let client: Client;
  beforeEach(async () => {
    store = open();
    client = await start(store);
  });
  afterEach(() => store.close());

  test('keeps what a request sets, under the hash of the id', async () => {
    await client.get('/set?name=ada');
    expect(await dataOf(client)).toEqual({ name: 'ada' });
    expect(await store.exists(keyOf(client))).toBe(true);
    expect(await store.exists(sidOf(client))).toBe(false);
    expect(JSON.parse((await store.read(keyOf(client)))?.payload as string)).toMatchObject({ name: 'ada', cookie: { path: '/' } });
  });

  test('gives a login a new id, and the old one is dead', async () => {
    await client.get('/set?name=ada');
    const { cookie } = client;
    const before = keyOf(client);
    await client.get('/login?user=ada');
    expect(keyOf(client)).not.toBe(before);
    expect(await dataOf(client)).toEqual({ user: 'ada' });
    expect(await store.exists(before)).toBe(false);
    expect((await client.get('/data', { headers: { cookie } })).body).toBe('{}');
  });

  test('ends a session by destroy()', async () => {
    await client.get('/login?user=ada');
    const { cookie } = client;
    await client.get('/logout');
    expect(await store.exists(keyOf(client))).toBe(false);
    expect((await client.get('/data', { headers: { cookie } })).body).toBe('{}');
  });

  test('saves by hand, more than once in a request, and reloads', async () => {
    expect((await client.get('/twice')).body).toBe('[1,2]');
    expect((await client.get('/twice')).body).toBe('[1,2]');
    expect(errors).toEqual([]);
  });

  test('loses no write of two parallel requests that change different keys', async () => {
    await client.get('/set?kept=yes&gone=yes');
    const suspended = [...reached];
    const requests = [client.get('/slow?one=1&gone='), client.get('/slow?two=2')];
    await Promise.all(suspended.map(({ promise }) => promise));
    gate.resolve();
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await dataOf(client)).toEqual({ kept: 'yes', one: '1', two: '2' });
  });

  test('undoes no logout by a late save, which fails and says why', async () => {
    await client.get('/login?user=ada');
    const { cookie } = client;
    const [suspended] = reached;
    const late = client.get('/slow?note=late', { headers: { cookie } });
    await suspended?.promise;
    await client.get('/logout');
    const events = await eventNamesDuring(async () => {
      gate.resolve();
      expect((await late).status).toBe(500);
    });
    expect(events).toEqual(['interrupted']);
    expect(errors).toEqual([expect.any(UpdateError)]);
    expect((await client.get('/data', { headers: { cookie } })).body).toBe('{}');
  });
});

describe('the life time', () => {
  let clock: TestClock;
  let store: WatchedStore;
  beforeEach(() => {
    // express-session itself goes by the real time.
    clock = new TestClock(Date.now());
    store = new WatchedStore({ clock: clock.read });
  });

  test('is what the cookie says, from the last save or touch', async () => {
    const client = await start(store);
    await client.get('/set?name=ada');
    const ages = jest.spyOn(store, 'touch');
    expect(await dataOf(client)).toEqual({ name: 'ada' });
    expect(ages.mock.calls).toEqual([[keyOf(client), expect.any(Number), expect.any(String)]]);
    expect(ages.mock.calls[0]?.[1]).toBeGreaterThan(59);
    clock.advance(61);
    expect(await dataOf(client)).toEqual({});
  });

  test('under `rolling` the cookie is renewed with the record', async () => {
    const client = await start(store, { rolling: true });
    await client.get('/set?name=ada');
    const [line] = (await client.get('/data')).setCookies;
    expect(line).toMatch(/^connect\.sid=.*Expires=/);
    expect(store.calls).toEqual(['create', 'read', 'touch']);
  });

  test('is what a request makes it', async () => {
    const client = await start(store);
    await client.get('/set?name=ada');
    await client.get(`/age?ms=${10 * MINUTE}`);
    clock.advance(9 * 60);
    expect(await store.exists(keyOf(client))).toBe(true);
    clock.advance(61);
    expect(await store.exists(keyOf(client))).toBe(false);
  });

  test('is a day for cookies that end with the browser, or the option `ttl` in seconds', async () => {
    const oneDay = await start(store, { cookie: {} });
    await oneDay.get('/set?name=ada');
    clock.advance(86_399);
    expect(await store.exists(keyOf(oneDay))).toBe(true);
    clock.advance(1);
    expect(await store.exists(keyOf(oneDay))).toBe(false);
    await running?.close();
    const short = await start(store, { cookie: {}, ttl: 10 });
    await short.get('/set?name=ada');
    clock.advance(10);
    expect(await store.exists(keyOf(short))).toBe(false);
  });

  test('in the past deletes the record', async () => {
    const client = await start(store);
    await client.get('/set?name=ada');
    await client.get('/age?ms=-1000');
    expect(store.calls.at(-1)).toBe('delete');
    const made = toExpressSessionStore(store, { session });
    await called((done) => made.set('sid', { cookie: { originalMaxAge: null }, a: 1 }, done));
    await called((done) => made.touch('sid', { cookie: { originalMaxAge: 1, expires: new Date(0) } }, done));
    expect(await store.exists(storeKeyOf('sid'))).toBe(false);
  });
});

describe('`resave: true`, which saves what nobody changed,', () => {
  test("is a touch: it undoes neither another request's write nor a logout, and is no error", async () => {
    const store = new WatchedStore();
    const client = await start(store, { resave: true });
    await client.get('/set?name=ada');
    store.calls.length = 0;
    await client.get('/data');
    expect(store.calls).toEqual(['read', 'touch']);

    const [suspended, second] = [...reached];
    const idle = client.get('/slow');
    await suspended?.promise;
    await client.get('/set?name=grace');
    gate.resolve();
    expect((await idle).status).toBe(200);
    expect(await dataOf(client)).toEqual({ name: 'grace' });

    gate = deferred();
    const late = client.get('/slow');
    await second?.promise;
    await client.get('/logout');
    gate.resolve();
    expect((await late).status).toBe(200);
    expect(errors).toEqual([]);
    expect(await store.exists(keyOf(client))).toBe(false);
  });
});

describe('a store that fails', () => {
  test('is a 503 where the session is read', async () => {
    const store = new WatchedStore();
    const client = await start(store);
    await client.get('/set?name=ada');
    store.before('read', () => Promise.reject(new Error('down')));
    const events = await eventNamesDuring(async () => expect((await client.get('/data')).status).toBe(503));
    expect(events).toEqual(['storeError']);
  });

  test('is an error of the callback, and no unhandled rejection where there is none', async () => {
    const store = new WatchedStore();
    const made = toExpressSessionStore(store, { session });
    for (const method of ['create', 'touch', 'delete'] as const) store.before(method, () => Promise.reject(new Error('down')));
    const plain = { cookie: { originalMaxAge: null } };
    const unavailable = expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' });
    await expect(called((done) => made.set('sid', plain, done))).rejects.toEqual(unavailable);
    await expect(called((done) => made.touch('sid', plain, done))).rejects.toEqual(unavailable);
    await expect(called((done) => made.destroy('sid', done))).rejects.toEqual(unavailable);
    made.set('sid', plain);
    made.touch?.('sid', plain);
    made.destroy('sid');
  });
});

describe('objects that did not come from the store', () => {
  const plain = (data: object) => ({ cookie: { originalMaxAge: null }, ...data });
  let store: WatchedStore;
  beforeEach(() => {
    store = new WatchedStore();
  });
  const stored = async () => JSON.parse((await store.read(storeKeyOf('sid')))?.payload as string) as object;

  test('are put there, in the place of what is there', async () => {
    const made = toExpressSessionStore(store, { session });
    await called((done) => made.set('sid', plain({ a: 1 }), done));
    await called((done) => made.set('sid', plain({ b: 2 }), done));
    expect(await stored()).toEqual(plain({ b: 2 }));
  });

  test('and live for a day without a cookie', async () => {
    const made = toExpressSessionStore(store, { session });
    const create = jest.spyOn(store, 'create');
    await called((done) => made.set('sid', { a: 1 } as unknown as session.SessionData, done));
    expect(create.mock.calls).toEqual([[storeKeyOf('sid'), '{"a":1}', 86_400]]);
  });

  test('whatever comes between: a logout, or another write', async () => {
    const made = toExpressSessionStore(store, { session });
    await called((done) => made.set('sid', plain({ a: 1 }), done));
    let turns = 0;
    store.before('update', async () => {
      turns += 1;
      if (turns === 1) await store.delete(storeKeyOf('sid'));
    });
    await called((done) => made.set('sid', plain({ b: 2 }), done));
    expect(await stored()).toEqual(plain({ b: 2 }));
    expect(store.calls).toEqual(['create', 'create', 'read', 'update', 'delete', 'create', 'read']);
  });

  test("never take the place of a cycled session's marker", async () => {
    const made = toExpressSessionStore(store, { session });
    const version = (await store.create(storeKeyOf('sid'), JSON.stringify(plain({})), 60)) as string;
    await store.retire(storeKeyOf('sid'), version, 60);
    await expect(called((done) => made.set('sid', plain({}), done))).rejects.toBeInstanceOf(UpdateError);
  });

  test('a session that load() made is saved like any other', async () => {
    const made = toExpressSessionStore(store, { session });
    await called((done) => made.set('sid', plain({ a: 1 }), done));
    const loaded = await new Promise<object>((resolve, reject) =>
      made.load('sid', (error, found) => (found ? resolve(found) : reject(error))),
    );
    await store.delete(storeKeyOf('sid'));
    await expect(called((done) => made.set('sid', Object.assign(loaded, { a: 2 }), done))).rejects.toBeInstanceOf(UpdateError);
    await expect(called((done) => made.load('sid', done))).resolves.toBeUndefined();
  });

  test('a save that met the write of another request is followed by saves that keep it, too', async () => {
    const [here, there] = [toExpressSessionStore(store, { session }), toExpressSessionStore(store, { session })];
    await called((done) => here.set('sid', plain({ a: 1 }), done));
    const load = (made: typeof here) =>
      new Promise<object>((resolve, reject) => made.load('sid', (error, found) => (found ? resolve(found) : reject(error))));
    const [mine, theirs] = [await load(here), await load(there)];
    await called((done) => there.set('sid', Object.assign(theirs, { b: 2 }), done));
    await called((done) => here.set('sid', Object.assign(mine, { c: 3 }), done));
    await called((done) => here.set('sid', Object.assign(mine, { d: 4 }), done));
    expect(await stored()).toMatchObject({ a: 1, b: 2, c: 3, d: 4 });
  });

  test('a session written over and over by others is an error in the end, not a hang', async () => {
    const clock = new TestClock();
    const made = toExpressSessionStore(store, { session, clock: clock.read });
    await called((done) => made.set('sid', plain({ a: 1 }), done));
    const found = await new Promise<session.SessionData>((resolve) =>
      made.get('sid', (_error, data) => resolve(data as session.SessionData)),
    );
    store.before('update', async () => {
      clock.advance(0.3);
      const there = await store.read(storeKeyOf('sid'));
      if (there) await MemoryStore.prototype.update.call(store, storeKeyOf('sid'), JSON.stringify(plain({ a: 3 })), there.version, 60);
    });
    await expect(called((done) => made.set('sid', Object.assign(made.createSession({}, found), { a: 2 }), done))).rejects.toEqual(
      expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }),
    );
    await expect(called((done) => made.set('sid', plain({ a: 2 }), done))).rejects.toEqual(
      expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }),
    );
  });

  test.each(['no JSON', '5', 'null', '{"user":"no cookie"}'])('a record that is no session reads as none: %s', async (payload) => {
    const made = toExpressSessionStore(store, { session });
    await store.create(storeKeyOf('sid'), payload, 60);
    const events = await eventNamesDuring(async () => {
      expect(await new Promise((resolve) => made.get('sid', (_error, data) => resolve(data)))).toBeNull();
    });
    expect(events).toEqual(['corrupt']);
  });
});

test.each<[string, unknown, unknown, string]>([
  ['no store', undefined, { session }, 'store: must be a Sojourn store'],
  ["express-session's own store", new session.MemoryStore(), { session }, 'store: must be a Sojourn store; this one has no read'],
  ['no express-session', new MemoryStore(), {}, 'session: must be express-session itself'],
  ['no options', new MemoryStore(), undefined, 'options: must be an object'],
  ['a bad ttl', new MemoryStore(), { session, ttl: 0 }, 'ttl: must be a number of seconds above 0'],
  ['a bad clock', new MemoryStore(), { session, clock: 5 }, 'clock: '],
  ['an unknown option', new MemoryStore(), { session, prefix: 'a' }, 'prefix: is no option. There are: session, ttl, clock'],
])('refuses %s', (_, store, options, message) => {
  expect(() => toExpressSessionStore(store as Store, options as never)).toThrow(
    expect.objectContaining({ code: 'ERR_SESSION_OPTION', message: expect.stringContaining(message) }),
  );
});

test("is an instance of express-session's Store", () => {
  expect(toExpressSessionStore(new MemoryStore(), { session })).toBeInstanceOf(session.Store);
});

function called(call: (done: (error?: unknown, value?: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
}
