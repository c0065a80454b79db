import { Readable } from 'node:stream';
import compression from 'compression';
import express, { type NextFunction, type Request, type Response } from 'express';
import { json } from 'sojourn';
import type { Running } from '../helpers/app.ts';
import { startExpress } from '../helpers/express.ts';
import { deferred, suspend, WatchedStore } from '../helpers/stores.ts';
import { parseReply, requestText, Wire, wireRequest } from '../helpers/wire.ts';

type Route = (req: Request, res: Response) => unknown;

let store: WatchedStore;
let running: Running | undefined;

beforeEach(() => {
  store = new WatchedStore();
});
afterEach(() => running?.close());

async function serve(route: Route) {
  running = await startExpress(express, { store }, (app) => {
    app.get('/', (req, res) => void route(req, res));
    app.use((error: { code?: string }, _req: Request, res: Response, _next: NextFunction) => {
      res.json({ code: error.code });
    });
  });
  return running;
}

const failing = () =>
  store.before('create', () => {
    throw new Error('the disk is full');
  });

/** What a handler may go on to do when it doesn't know that its response is lost. */
const PERSISTENT: [name: string, goOn: (res: Response) => unknown][] = [
  ['writes and ends', (res) => res.write('more') || res.end('end')],
  ['ends', (res) => res.end('')],
  ['flushes the headers', (res) => res.flushHeaders()],
  ['pipes a stream', (res) => Readable.from(['more']).pipe(res)],
];

test.each(PERSISTENT)('a handler that %s after the failure does not disturb the error response', async (_what, goOn) => {
  failing();
  const done = deferred();
  const { port } = await serve(async (req, res) => {
    req.session.set('name', 'Ada');
    res.write('begun');
    res.once('finish', () => {
      goOn(res);
      done.resolve();
    });
  });
  const wire = new Wire(port).send(requestText('/'));
  await done.promise;
  expect(parseReply(await wire.closed)).toMatchObject({ status: 503, body: '{"code":"ERR_STORE_UNAVAILABLE"}' });
});

test('callbacks of a response that is dropped get the error', async () => {
  failing();
  const errors: unknown[] = [];
  const done = deferred();
  const { port } = await serve((req, res) => {
    req.session.set('name', 'Ada');
    const note = (error?: unknown) => errors.push(error);
    res.write('a', note);
    res.write('b', 'utf8', note);
    res.end('c', note);
    res.once('finish', () => {
      res.write('d', note);
      res.end('e', (error?: unknown) => {
        note(error);
        done.resolve();
      });
    });
  });
  expect((await wireRequest(port, '/')).status).toBe(503);
  await done.promise;
  expect(errors).toMatchObject(Array(5).fill({ code: 'ERR_STORE_UNAVAILABLE' }));
});

test('a compressed response that fails is answered readably, even by a slow error handler', async () => {
  const creation = suspend(store, 'create');
  const slow = deferred();
  const { port } = await startCompressed(slow);
  const wire = new Wire(port).send(requestText('/', { headers: { 'Accept-Encoding': 'gzip' } }));
  await creation.reached;
  creation.fail(new Error('the disk is full'));
  // Time for the compressed chunks to come out.
  for (const _ of [1, 2, 3]) await wireRequest(port, '/ping');
  expect(wire.text).toBe('');
  slow.resolve();
  const reply = parseReply(await wire.closed);
  expect(reply).toMatchObject({ status: 503, body: '{"code":"ERR_STORE_UNAVAILABLE"}' });
  expect(reply.headers.has('content-encoding')).toBe(false);
});

async function startCompressed(slow: ReturnType<typeof deferred>) {
  running = await startExpress(express, { store }, (app) => {
    app.use(compression({ threshold: 0 }));
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      res.send('hello '.repeat(10_000));
    });
    app.use('/', (error: { code?: string }, _req: Request, res: Response, _next: NextFunction) => {
      void slow.promise.then(() => res.json({ code: error.code }));
    });
  });
  return running;
}

/** What Node refuses when it is too late for the handler to hear of it. */
const IMPOSSIBLE: [name: string, respond: (res: Response) => unknown, code: string][] = [
  ['a status that there is not', (res) => Object.assign(res, { statusCode: 99 }).end('hello'), 'ERR_HTTP_INVALID_STATUS_CODE'],
  ['a status message with a line break', (res) => Object.assign(res, { statusMessage: 'a\r\nb' }).end('hello'), 'ERR_INVALID_CHAR'],
  ['a body that is no text', (res) => res.end(5), 'ERR_INVALID_ARG_TYPE'],
];

test.each(IMPOSSIBLE)(
  '%s is an error for the error handler, and the session, which is stored, keeps its cookie',
  async (_what, respond, code) => {
    running = await startExpress(express, { store }, (app) => {
      app.get('/', (req, res) => {
        req.session.set('name', 'Ada');
        res.setHeader('X-Handler', 'yes');
        respond(res);
      });
      app.get('/name', (req, res) => res.send(req.session.get('name')));
      app.use((error: { code?: string }, _req: Request, res: Response, _next: NextFunction) => {
        res.send(error.code);
      });
    });
    const reply = await wireRequest(running.port, '/');
    expect(reply).toMatchObject({ status: 500, reason: 'Internal Server Error', body: code });
    expect(reply.headers.has('x-handler')).toBe(false);
    const cookie = reply.headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    expect((await wireRequest(running.port, '/name', { headers: { cookie } })).body).toBe('Ada');
  },
);

test('a chunk that Node refuses in the middle of a held response cuts it', async () => {
  running = await startExpress(express, { store }, (app) => {
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      res.write('hello');
      res.end(5);
    });
  });
  const text = await new Wire(running.port).send(requestText('/')).closed;
  expect(() => parseReply(text)).toThrow();
});

test('headers that Node refuses are an error in the call that sets them, as without sessions', async () => {
  const codes: unknown[] = [];
  running = await startExpress(express, { store }, (app) => {
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      for (const headers of [{ 'X-Bad': 'a\r\nb' }, { 'X-Bad': undefined }, ['X-Bad', 'a\r\nb'], ['X-Bad']]) {
        try {
          res.writeHead(200, headers as string[]);
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      }
      res.end('hello');
    });
  });
  expect(await wireRequest(running.port, '/')).toMatchObject({ status: 200, body: 'hello' });
  expect(codes).toEqual(['ERR_INVALID_CHAR', 'ERR_HTTP_INVALID_HEADER_VALUE', 'ERR_INVALID_CHAR', 'ERR_HTTP_INVALID_HEADER_VALUE']);
});

test('a commit that fails before it talks to the store is an error like any other', async () => {
  const called = deferred<unknown>();
  const { cookie, port } = await startLazy(called);
  expect(await wireRequest(port, '/', { headers: { cookie } })).toMatchObject({ status: 500, body: 'ERR_SESSION_NOT_LOADED' });
  expect(await called.promise).toMatchObject({ code: 'ERR_SESSION_NOT_LOADED' });
  expect(store.calls).toEqual(['create']);
});

async function startLazy(called: ReturnType<typeof deferred<unknown>>) {
  const app = await startExpress(express, { store, lazy: true }, (routes) => {
    routes.get('/', (req, res) => {
      req.session.modified = true;
      res.end('hello', (...given: unknown[]) => called.resolve(given[0]));
    });
    routes.use((error: { code?: string }, _req: Request, res: Response, _next: NextFunction) => {
      res.end(error.code);
    });
  });
  running = app;
  return { port: app.port, ...(await app.sessions.issue({ name: 'Ada' })) };
}

test('headers from before the session come back as they were, with all their values', async () => {
  failing();
  const { createServer } = await import('node:http');
  const { session } = await import('sojourn');
  const { listen, SECRET } = await import('../helpers/app.ts');
  const sessions = session({ secret: SECRET, store });
  running = await listen(
    createServer((req, res) => {
      res.setHeader('X-One', 'one');
      res.setHeader('X-Two', ['a', 'b']);
      res.setHeader('X-Gone', 'here');
      sessions(req, res, (error) => {
        if (error !== undefined) return res.end('failed');
        (req as unknown as Request).session.set('name', 'Ada');
        res.setHeader('X-One', 'two');
        res.removeHeader('X-Two');
        return res.writeHead(200, { 'X-Gone': 'changed', 'X-New': 'new' }).end();
      });
    }),
  );
  const reply = await wireRequest(running.port, '/');
  expect(reply).toMatchObject({ status: 503, body: 'failed' });
  expect(Object.fromEntries(reply.headers)).toMatchObject({ 'x-one': ['one'], 'x-two': ['a', 'b'], 'x-gone': ['here'] });
  expect(reply.headers.has('x-new')).toBe(false);
});

test.each([
  ['no status of its own', {}, 500],
  ['a status that is no error', { status: 200 }, 500],
  ['a status of its own', { status: 422 }, 422],
])('an error with %s is answered with %o as %d', async (_what, properties, status) => {
  const codec = { ...json(), encode: () => { throw Object.assign(new Error('not encoded'), properties); } }; // biome-ignore format: one line
  running = await startExpress(express, { store, codec }, (app) => {
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      res.send('hello');
    });
    app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
      res.end('failed');
    });
  });
  expect(await wireRequest(running.port, '/')).toMatchObject({ status, body: 'failed' });
  expect(store.calls).toEqual([]);
});
