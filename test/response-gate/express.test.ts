import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Express, Response } from 'express';
import type { Running } from '../helpers/app.ts';
import { EXPRESS, startExpress } from '../helpers/express.ts';
import { suspend, WatchedStore } from '../helpers/stores.ts';
import { parseReply, requestText, Wire, wireRequest } from '../helpers/wire.ts';

const FILE = join(tmpdir(), `sojourn-gate-${process.pid}.txt`);
beforeAll(() => writeFileSync(FILE, 'a file'));
afterAll(() => rmSync(FILE));

const STYLES: [name: string, respond: (res: Response) => unknown, status: number, body: string][] = [
  ['redirect', (res) => res.redirect('/next'), 302, 'Found. Redirecting to /next'],
  ['send', (res) => res.send('hello'), 200, 'hello'],
  ['json', (res) => res.status(201).json({ hello: 1 }), 201, '{"hello":1}'],
  ['sendStatus', (res) => res.sendStatus(403), 403, 'Forbidden'],
  ['sendFile', (res) => res.sendFile(FILE), 200, 'a file'],
  ['send with a cookie of its own', (res) => res.cookie('theme', 'dark').send('hello'), 200, 'hello'],
];

describe.each(Object.entries(EXPRESS))('under %s', (_name, make) => {
  let running: Running | undefined;
  let store: WatchedStore;

  const serve = async (routes: (app: Express) => void) => {
    running = await startExpress(make, { store }, routes);
    return running;
  };

  beforeEach(() => {
    store = new WatchedStore();
  });
  afterEach(() => running?.close());

  test.each(STYLES)('no byte of res.%s is on the wire before the session is stored', async (_style, respond, status, body) => {
    const creation = suspend(store, 'create');
    const { port } = await serve((app) => {
      app.get('/', (req, res) => {
        req.session.set('name', 'Ada');
        respond(res);
      });
    });
    const wire = new Wire(port).send(requestText('/'));
    await creation.reached;
    for (const _ of [1, 2]) await wireRequest(port, '/ping');
    expect(wire.text).toBe('');
    creation.release();
    const reply = parseReply(await wire.closed);
    expect(reply).toMatchObject({ status, body });
    expect(reply.headers.get('set-cookie')?.at(-1)).toMatch(/^sessionid=/);
  });

  test.each(STYLES)('Express reports the failed store instead of res.%s', async (_style, respond) => {
    store.before('create', () => {
      throw new Error('the disk is full');
    });
    let locals: unknown;
    const { port } = await serve((app) => {
      app.use((_req, res, next) => {
        res.locals.user = 'Ada';
        next();
      });
      app.get('/', (req, res) => {
        res.on('finish', () => {
          locals = { ...res.locals };
        });
        req.session.set('name', 'Ada');
        respond(res);
      });
    });
    const reply = await wireRequest(port, '/');
    expect(reply).toMatchObject({ status: 503, reason: 'Service Unavailable' });
    expect(reply.headers.get('retry-after')).toEqual(['1']);
    expect(reply.headers.get('content-type')).toEqual(['text/html; charset=utf-8']);
    for (const name of ['set-cookie', 'location', 'etag', 'last-modified', 'accept-ranges']) expect(reply.headers.has(name)).toBe(false);
    expect(locals).toMatchObject({ user: 'Ada' });
  });

  test('a fresh page is a 304 without a body, with its cookie', async () => {
    const { port } = await serve((app) => {
      app.get('/', (req, res) => {
        req.session.set('name', 'Ada');
        res.send('hello');
      });
    });
    const etag = (await wireRequest(port, '/')).headers.get('etag')?.[0] ?? '';
    const reply = await wireRequest(port, '/', { headers: { 'If-None-Match': etag } });
    expect(reply).toMatchObject({ status: 304, body: '' });
    expect(reply.headers.get('set-cookie')).toHaveLength(1);
  });

  test('HEAD has the headers of GET', async () => {
    const { port } = await serve((app) => {
      app.get('/', (req, res) => {
        req.session.set('name', 'Ada');
        res.send('hello');
      });
    });
    const reply = await wireRequest(port, '/', { method: 'HEAD' });
    expect(reply).toMatchObject({ status: 200, body: '' });
    expect(reply.headers.get('content-length')).toEqual(['5']);
    expect(reply.headers.get('set-cookie')).toHaveLength(1);
  });

  test('an error handler that keeps the status it finds does not answer 200', async () => {
    store.before('create', () => {
      throw new Error('the disk is full');
    });
    const { port } = await serve((app) => {
      app.get('/', (req, res) => {
        req.session.set('name', 'Ada');
        res.statusMessage = 'All well';
        res.json({ saved: true });
      });
      app.use((error: { code: string }, _req: unknown, res: Response, _next: unknown) => {
        res.send(error.code);
      });
    });
    expect(await wireRequest(port, '/')).toMatchObject({ status: 503, reason: 'Service Unavailable', body: 'ERR_STORE_UNAVAILABLE' });
  });

  test('an error in the handler is answered as without sessions, and its changes are not stored', async () => {
    const { port } = await serve((app) => {
      app.get('/', (req) => {
        req.session.set('name', 'Ada');
        throw new Error('oops');
      });
    });
    const reply = await wireRequest(port, '/');
    expect(reply.status).toBe(500);
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(store.calls).toEqual([]);
  });
});

test('under Express 5, an async handler that throws is answered as without sessions', async () => {
  const store = new WatchedStore();
  const running = await startExpress(EXPRESS['Express 5'] as () => Express, { store }, (app) => {
    app.get('/', async (req) => {
      req.session.set('name', 'Ada');
      throw Object.assign(new Error('oops'), { status: 418 });
    });
  });
  const reply = await wireRequest(running.port, '/');
  await running.close();
  expect(reply.status).toBe(418);
  expect(reply.headers.get('set-cookie')).toHaveLength(1);
});
