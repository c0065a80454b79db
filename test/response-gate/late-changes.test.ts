import type { SessionMiddleware } from 'sojourn';
import { type Running, startApp } from '../helpers/app.ts';
import { deferred, suspend, WatchedStore } from '../helpers/stores.ts';
import { recordWarnings, type Warning } from '../helpers/warnings.ts';
import { parseReply, requestText, Wire, wireRequest } from '../helpers/wire.ts';

let store: WatchedStore;
let running: Running & { sessions: SessionMiddleware };
let warnings: Warning[];
let proceed = deferred();
let acted = deferred();
let callback = deferred<unknown>();

beforeAll(() => {
  warnings = recordWarnings();
});
beforeEach(async () => {
  [proceed, acted, callback] = [deferred(), deferred(), deferred<unknown>()];
  store = new WatchedStore();
  running = await startApp({ store }, (app) => {
    app.get('/set', (req, res) => {
      res.write('begun, ');
      req.session.set('name', 'Grace');
      res.end('ended');
    });
    app.get('/cycle', (req, res) => {
      res.write('begun, ');
      req.session.cycleKey();
      req.session.set('name', 'Grace');
      res.end('ended');
    });
    app.get('/flush', (req, res) => {
      res.write('begun, ');
      req.session.flush();
      res.end('ended');
    });
    app.get('/callbacks', async (req, res) => {
      res.write('begun, ');
      await proceed.promise;
      req.session.set('name', 'Grace');
      res.end('ended', (...given: unknown[]) => callback.resolve(given[0]));
      res.write('more');
    });
    // In one breath with the answer, and while the store is at work.
    app.get('/:when/:begin/:change/:act', async (req, res) => {
      const { when, begin, change, act } = req.params;
      if (begin === 'streaming') res.write('begun, ');
      if (change === 'changed') req.session.set('name', 'Grace');
      res.end('ended');
      if (when === 'later') await proceed.promise;
      if (act === 'flush') req.session.flush();
      if (act === 'cycle') req.session.cycleKey();
      if (act === 'set') req.session.set('late', true);
      acted.resolve();
    });
    app.get('/show', (req, res) => {
      res.json(Object.fromEntries(req.session));
    });
  });
});
afterEach(() => running.close());

const show = async (cookie: string) => JSON.parse((await wireRequest(running.port, '/show', { headers: { cookie } })).body);

test('data that change after the headers have left are stored at the end', async () => {
  const { cookie } = await running.sessions.issue({ name: 'Ada' });
  const reply = await wireRequest(running.port, '/set', { headers: { cookie } });
  expect(reply).toMatchObject({ status: 200, body: 'begun, ended' });
  expect(await show(cookie)).toEqual({ name: 'Grace' });
});

test('a session flushed after the headers have left is gone', async () => {
  const { cookie } = await running.sessions.issue({ name: 'Ada' });
  await wireRequest(running.port, '/flush', { headers: { cookie } });
  expect(await show(cookie)).toEqual({});
});

test('a new session after the headers is not stored, and a warning says so once', async () => {
  for (const _ of [1, 2]) expect(await wireRequest(running.port, '/set')).toMatchObject({ status: 200, body: 'begun, ended' });
  expect(store.calls).toEqual([]);
  expect(warnings).toEqual([{ code: 'SOJOURN_HEADERS_SENT', message: expect.stringContaining('before the first write') }]);
});

test('a cycle after the headers is not carried out, and its data are not stored under the old key', async () => {
  const { cookie } = await running.sessions.issue({ name: 'Ada' });
  store.calls.length = 0;
  expect(await wireRequest(running.port, '/cycle', { headers: { cookie } })).toMatchObject({ status: 200, body: 'begun, ended' });
  expect(store.calls).toEqual(['read']);
  expect(await show(cookie)).toEqual({ name: 'Ada' });
});

test('a streaming response whose last commit fails is cut, never ended as if all were well', async () => {
  const { cookie } = await running.sessions.issue({ name: 'Ada' });
  store.before('update', () => {
    throw new Error('the disk is full');
  });
  const wire = new Wire(running.port).send(requestText('/callbacks', { headers: { cookie } }));
  await wire.until(/begun/);
  proceed.resolve();
  expect(() => parseReply(wire.text)).toThrow('cut');
  expect(await wire.closed).not.toContain('ended');
  expect(await callback.promise).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
});

describe.each(['held', 'streaming'])('when a handler has answered (%s),', (begin) => {
  describe.each(['at-once', 'later'])('what it does to the session %s', (when) => {
    /** Answers, acts while the store is at work, and reads the reply. */
    const run = async (act: string, cookie: string) => {
      const write = suspend(store, when === 'later' ? 'update' : 'read');
      if (when === 'at-once') write.release();
      const wire = new Wire(running.port).send(requestText(`/${when}/${begin}/changed/${act}`, { headers: { cookie } }));
      await write.reached;
      proceed.resolve();
      await acted.promise;
      write.release();
      return parseReply(await wire.closed);
    };

    test('is stored, too', async () => {
      const { cookie } = await running.sessions.issue({ name: 'Ada' });
      await run('set', cookie);
      expect(await show(cookie)).toEqual({ name: 'Grace', late: true });
    });

    test('logs out all the same', async () => {
      const { cookie } = await running.sessions.issue({ name: 'Ada' });
      const reply = await run('flush', cookie);
      expect(await show(cookie)).toEqual({});
      if (begin === 'held') expect(reply.headers.get('set-cookie')).toEqual([expect.stringMatching(/^sessionid=; Max-Age=0;/)]);
    });

    test('gives the client the key that is stored', async () => {
      const { cookie } = await running.sessions.issue({ name: 'Ada' });
      const reply = await run('cycle', cookie);
      const renewed = reply.headers.get('set-cookie')?.[0]?.split(';')[0];
      if (begin === 'streaming') expect(renewed).toBeUndefined();
      else {
        expect(await show(cookie)).toEqual({});
        expect(await show(renewed ?? '')).toEqual({ name: 'Grace' });
      }
    });
  });
});

test('a logout in one breath with an answer that had nothing to wait for is a logout', async () => {
  const { cookie } = await running.sessions.issue({ name: 'Ada' });
  const deletion = suspend(store, 'delete');
  expect(await wireRequest(running.port, '/at-once/held/unchanged/flush', { headers: { cookie } })).toMatchObject({ body: 'ended' });
  await deletion.reached;
  deletion.release();
  expect(await show(cookie)).toEqual({});
});

test('a store that fails after the answer does no harm', async () => {
  const { cookie } = await running.sessions.issue({ name: 'Ada' });
  const deletion = suspend(store, 'delete');
  await wireRequest(running.port, '/at-once/held/unchanged/flush', { headers: { cookie } });
  await deletion.reached;
  deletion.fail(new Error('the disk is full'));
  expect(await show(cookie)).toEqual({ name: 'Ada' });
});

test('a first session that is cycled while it is being stored leaves no orphan', async () => {
  const creation = suspend(store, 'create');
  const wire = new Wire(running.port).send(requestText('/later/held/changed/cycle'));
  await creation.reached;
  proceed.resolve();
  await acted.promise;
  creation.release();
  const cookie =
    parseReply(await wire.closed)
      .headers.get('set-cookie')?.[0]
      ?.split(';')[0] ?? '';
  expect(await show(cookie)).toEqual({ name: 'Grace' });
  expect(store.calls.filter((call) => call !== 'read')).toEqual(['create', 'create', 'retire']);
});
