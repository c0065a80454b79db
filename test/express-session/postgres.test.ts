import connectPgSimple from 'connect-pg-simple';
import type { Express } from 'express';
import session from 'express-session';
import type { Session } from 'sojourn';
import { type FromExpressSessionStoreOptions, fromExpressSessionStore } from '../../src/express-session/from-store.js';
import { type Client, type Running, startApp } from '../helpers/app.js';
import { eventNamesDuring } from '../helpers/events.js';
import { type PostgresServer, startPostgres } from '../helpers/postgres.js';
import { type Deferred, deferred } from '../helpers/stores.js';

// Sojourn's middleware on Express, on connect-pg-simple, on a real PostgreSQL.

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

let schemas = 0;
/** A schema of this test's own: connect-pg-simple gives the index of any table the same name. */
let schema: string;
let app: Running;
let client: Client;
/** What requests to /slow/... wait for, and whether they have their session. */
let reached: Deferred[];
let gate: Deferred;

function openStore(options?: FromExpressSessionStoreOptions) {
  const PgStore = connectPgSimple(session);
  const pgStore = new PgStore({ pool: postgres.pool, schemaName: schema, createTableIfMissing: true, pruneSessionInterval: false });
  return fromExpressSessionStore(pgStore, options);
}

function routes(express: Express): void {
  express.get('/data', (req, res) => void res.json(Object.fromEntries(req.session)));
  express.get('/untouched', (_req, res) => void res.send('served'));
  express.get('/set/:key/:value', (req, res) => {
    req.session.set(req.params.key, req.params.value);
    res.send('set');
  });
  express.get('/slow/:key/:value', async (req, res) => {
    const { session }: { session: Session } = req;
    session.get('user');
    reached.shift()?.resolve();
    await gate.promise;
    session.set(req.params.key, req.params.value);
    res.send('set');
  });
  express.get('/login/:user', (req, res) => {
    req.session.cycleKey();
    req.session.set('user', req.params.user);
    res.send('in');
  });
  express.get('/logout', (req, res) => {
    req.session.flush();
    res.send('out');
  });
}

beforeEach(async () => {
  schemas += 1;
  schema = `test_${schemas}`;
  await postgres.pool.query(`CREATE SCHEMA ${schema}`);
  app = await startApp({ store: openStore(), cookie: { secure: false } }, routes);
  client = app.client();
  reached = [deferred(), deferred()];
  gate = deferred();
});
afterEach(() => app.close());

const rows = async () =>
  (await postgres.pool.query(`SELECT sess FROM ${schema}.session`)).rows as { sess: { sojourn: { payload: string } } }[];

test('login, reading, renewal and logout', async () => {
  await client.get('/set/cart/full');
  const anonymous = client.cookie;
  await client.get('/login/ada');
  expect(client.cookie).not.toBe(anonymous);
  expect(JSON.parse((await client.get('/data')).body)).toEqual({ cart: 'full', user: 'ada' });
  // The old key leads to a marker.
  expect((await rows()).map(({ sess }) => sess.sojourn.payload === '').sort()).toEqual([false, true]);
  expect((await client.get('/data', { headers: { cookie: anonymous } })).body).toBe('{}');
  const { cookie } = client;
  await client.get('/logout');
  expect((await client.get('/data', { headers: { cookie } })).body).toBe('{}');
  expect(await rows()).toHaveLength(1);
});

test('two parallel requests that change different keys both win', async () => {
  await client.get('/login/ada');
  const suspended = [...reached];
  const [one, two] = [client.get('/slow/one/1'), client.get('/slow/two/2')];
  await Promise.all(suspended.map(({ promise }) => promise));
  const events = await eventNamesDuring(async () => {
    gate.resolve();
    expect([(await one).status, (await two).status]).toEqual([200, 200]);
  });
  expect(events).toContain('conflict');
  expect(JSON.parse((await client.get('/data')).body)).toEqual({ user: 'ada', one: '1', two: '2' });
});

test("a request in flight doesn't undo a logout", async () => {
  await client.get('/login/ada');
  const { cookie } = client;
  const [suspended] = reached;
  const late = client.get('/slow/note/late', { headers: { cookie } });
  await suspended?.promise;
  await client.get('/logout');
  gate.resolve();
  expect(JSON.parse((await late).body).code).toBe('ERR_SESSION_INTERRUPTED');
  expect((await late).status).toBe(400);
  expect(await rows()).toEqual([]);
});

test('an error of PostgreSQL is a 503 for those who need the session, and sets no cookie', async () => {
  await client.get('/login/ada');
  const { cookie } = client;
  await postgres.pool.query(`DROP TABLE ${schema}.session`);
  for (const path of ['/data', '/set/a/1', '/logout']) {
    const reply = await client.get(path);
    expect([path, reply.status, JSON.parse(reply.body).code, reply.setCookies]).toEqual([path, 503, 'ERR_STORE_UNAVAILABLE', []]);
  }
  expect(client.cookie).toBe(cookie);
  expect((await client.get('/untouched')).body).toBe('served');
});

describe('a PostgreSQL that does not answer', () => {
  const TIMEOUT = 300;
  let impatient: Running;
  beforeEach(async () => {
    impatient = await startApp({ store: openStore({ timeout: TIMEOUT }), cookie: { secure: false } }, routes);
    client = impatient.client();
    await client.get('/login/ada');
  });
  afterEach(() => impatient.close());

  test('is a 503 at the deadline, and what was given up undoes no logout when it runs later', async () => {
    const { cookie } = client;
    // Readers pass this lock; who writes waits for it.
    const holder = await postgres.pool.connect();
    try {
      await holder.query(`BEGIN; LOCK TABLE ${schema}.session IN SHARE MODE`);
      const began = performance.now();
      const save = await client.get('/set/note/late');
      const took = performance.now() - began;
      expect([save.status, JSON.parse(save.body).code]).toEqual([503, 'ERR_STORE_UNAVAILABLE']);
      expect(took).toBeGreaterThan(TIMEOUT * 0.9);
      expect(took).toBeLessThan(TIMEOUT + 2000);
      const logout = client.get('/logout');
      await holder.query('COMMIT');
      expect((await logout).status).toBe(200);
    } finally {
      holder.release();
    }
    expect((await client.get('/data', { headers: { cookie } })).body).toBe('{}');
    expect(await rows()).toEqual([]);
  });

  test('that was stopped is a 503 as well', async () => {
    const second = await startPostgres();
    const PgStore = connectPgSimple(session);
    const pgStore = new PgStore({ pool: second.pool, createTableIfMissing: true, pruneSessionInterval: false });
    const doomed = await startApp({ store: fromExpressSessionStore(pgStore, { timeout: TIMEOUT }), cookie: { secure: false } }, routes);
    const visitor = doomed.client();
    await visitor.get('/login/ada');
    await second.crash();
    const began = performance.now();
    const reply = await visitor.get('/data');
    expect([reply.status, reply.setCookies]).toEqual([503, []]);
    expect(performance.now() - began).toBeLessThan(TIMEOUT + 2000);
    await doomed.close();
    await second.stop();
  });
});
