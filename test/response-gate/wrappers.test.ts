import { createServer, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import express, { type Express, type RequestHandler } from 'express';
import { Session, session } from 'sojourn';
import { listen, type Running, SECRET } from '../helpers/app.ts';
import { EXPRESS } from '../helpers/express.ts';
import { deferred, suspend, WatchedStore } from '../helpers/stores.ts';
import { parseReply, requestText, Wire, wireRequest } from '../helpers/wire.ts';

let store: WatchedStore;
let running: Running | undefined;

beforeEach(() => {
  store = new WatchedStore();
});
afterEach(() => running?.close());

async function serve(make: () => Express, before: RequestHandler[], after: RequestHandler[], routes: (app: Express) => void) {
  const app = make();
  app.get('/ping', (_req, res) => res.end());
  for (const each of [...before, session({ secret: SECRET, store }), ...after]) app.use(each);
  routes(app);
  running = await listen(createServer(app));
  return running;
}

const TEXT = 'hello, '.repeat(5000);
const zip = () => compression({ threshold: 0 }) as RequestHandler;

describe.each(Object.entries(EXPRESS))('under %s', (_name, make) => {
  describe.each([
    ['before', [zip()], []],
    ['after', [], [zip()]],
  ])('with compression mounted %s the session', (_place, before, after) => {
    const serveTexts = () =>
      serve(make, before, after, (app) => {
        app.use((req, _res, next) => {
          req.session.set('name', 'Ada');
          next();
        });
        app.get('/send', (_req, res) => res.send(TEXT));
        app.get('/write', (_req, res) => {
          res.set('Content-Type', 'text/plain');
          for (let at = 0; at < TEXT.length; at += 7000) res.write(TEXT.slice(at, at + 7000));
          res.end();
        });
        app.get('/flush', (_req, res) => {
          res.set('Content-Type', 'text/plain');
          res.write(TEXT);
          (res as unknown as { flush(): void }).flush();
          res.end();
        });
      });

    test.each(['/send', '/write', '/flush'])('%s leaves after the session, compressed and with its cookie', async (path) => {
      const creation = suspend(store, 'create');
      const { port } = await serveTexts();
      const wire = new Wire(port).send(requestText(path, { headers: { 'Accept-Encoding': 'gzip' } }));
      await creation.reached;
      for (const _ of [1, 2]) await wireRequest(port, '/ping');
      expect(wire.text).toBe('');
      creation.release();
      const reply = parseReply(await wire.closed);
      expect(gunzipSync(Buffer.from(reply.body, 'latin1')).toString()).toBe(TEXT);
      expect(reply.headers.get('content-encoding')).toEqual(['gzip']);
      expect(reply.headers.get('set-cookie')).toHaveLength(1);
      expect(reply.headers.get('vary')?.join()).toMatch(/Accept-Encoding/);
      expect(reply.headers.get('vary')?.join()).toMatch(/Cookie/);
    });

    test.each(['/send', '/write', '/flush'])('%s is replaced by a readable error when the store fails', async (path) => {
      store.before('create', () => {
        throw new Error('the disk is full');
      });
      const { port } = await serveTexts();
      const text = await new Wire(port).send(requestText(path, { headers: { 'Accept-Encoding': 'gzip' } })).closed;
      const reply = parseReply(text);
      expect(reply.status).toBe(503);
      const zipped = reply.headers.get('content-encoding') !== undefined;
      const body = Buffer.from(reply.body, 'latin1');
      expect((zipped ? gunzipSync(body) : body).toString()).toContain('StoreUnavailableError');
    });
  });
});

/** Does something when the headers are about to be written, as `on-headers` and what builds on it do. */
function onHeaders(act: (req: express.Request, res: express.Response) => void): RequestHandler {
  return (req, res, next) => {
    const { writeHead } = res;
    let fired = false;
    res.writeHead = function onWriteHead(this: ServerResponse, ...args: unknown[]) {
      if (!fired) act(req, res);
      fired = true;
      return Reflect.apply(writeHead, this, args);
    } as typeof writeHead;
    next();
  };
}

describe.each(['before', 'after'])('who waits for the headers and is mounted %s the session', (place) => {
  const stamp = onHeaders((_req, res) => res.setHeader('X-Stamp', 'yes'));

  test.each(['end', 'write', 'writeHead', 'flushHeaders'] as const)('may set headers: %s', async (begin) => {
    for (const touched of [true, false]) {
      const { port, close } = await serve(express, place === 'before' ? [stamp] : [], place === 'after' ? [stamp] : [], (app) => {
        app.get('/', (req, res) => {
          if (touched) req.session.set('name', 'Ada');
          if (begin === 'write') res.write('');
          if (begin === 'writeHead') res.writeHead(200);
          if (begin === 'flushHeaders') res.flushHeaders();
          res.end('hello');
        });
      });
      const reply = await wireRequest(port, '/');
      await close();
      expect(reply).toMatchObject({ status: 200, body: 'hello' });
      expect(reply.headers.get('x-stamp')).toEqual(['yes']);
      expect(reply.headers.has('set-cookie')).toBe(touched);
    }
  });
});

test.each(['end', 'write', 'writeHead', 'flushHeaders'] as const)(
  'what is done to the session when the headers are about to be written is stored: %s',
  async (begin) => {
    const count = onHeaders((req) => req.session.set('views', 1));
    const { port } = await serve(express, [], [count], (app) => {
      app.get('/', (_req, res) => {
        if (begin === 'write') res.write('');
        if (begin === 'writeHead') res.writeHead(200);
        if (begin === 'flushHeaders') res.flushHeaders();
        res.end('hello');
      });
    });
    const reply = await wireRequest(port, '/');
    expect(reply.body).toBe('hello');
    expect(reply.headers.get('set-cookie')).toHaveLength(1);
    expect(store.calls).toEqual(['create']);
  },
);

test.each(['end', 'write', 'writeHead', 'flushHeaders'] as const)(
  'what is done to a session by who waits for the headers before it, when they leave, is stored: %s',
  async (begin) => {
    const note = onHeaders((req) => req.session.set('seen', true));
    const { port } = await serve(express, [note], [], (app) => {
      app.get('/show', (req, res) => res.json(req.session.get('seen', false)));
      app.get('/', (req, res) => {
        req.session.set('name', 'Ada');
        if (begin === 'write') res.write('');
        if (begin === 'writeHead') res.writeHead(200);
        if (begin === 'flushHeaders') res.flushHeaders();
        res.end('hello');
      });
    });
    const stored = deferred();
    store.before('update', () => stored.resolve());
    const reply = await wireRequest(port, '/');
    expect(reply.body).toBe('hello');
    await stored.promise;
    const cookie = reply.headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    expect((await wireRequest(port, '/show', { headers: { cookie } })).body).toBe('true');
  },
);

test('what is done to a session when the headers leave is stored before the end of a held response', async () => {
  const note = onHeaders((req) => req.session.set('seen', true));
  const { port } = await serve(express, [note], [], (app) => {
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      res.write('begun, ');
      res.end('ended');
    });
  });
  const update = suspend(store, 'update');
  const wire = new Wire(port).send(requestText('/'));
  await wire.until(/begun/);
  await update.reached;
  for (const _ of [1, 2]) await wireRequest(port, '/ping');
  expect(wire.text).not.toContain('ended');
  update.release();
  expect(await wire.closed).toContain('ended');
});

test('an outer wrapper may send through the response itself', async () => {
  const shout: RequestHandler = (_req, res, next) => {
    const { end } = res;
    res.end = function shoutingEnd(this: ServerResponse, chunk: string) {
      this.write(chunk.toUpperCase());
      return Reflect.apply(end, this, ['!']);
    } as typeof end;
    next();
  };
  const { port } = await serve(express, [shout], [], (app) => {
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      res.end('hello');
    });
  });
  expect((await wireRequest(port, '/')).body).toBe('HELLO!');
});

describe('two sessions in one app', () => {
  const start = async (other: WatchedStore) => {
    const app = express();
    app.use(session({ secret: SECRET, store }));
    app.use(session({ secret: SECRET, store: other, property: 'visit', cookie: { name: 'visit' } }));
    app.get('/', (req, res) => {
      const { visit } = req as unknown as { visit: Session };
      expect(visit).toBeInstanceOf(Session);
      req.session.set('views', req.session.get('views', 0) + 1);
      visit.set('views', visit.get('views', 0) + 10);
      res.send(`${req.session.get('views')} ${visit.get('views')}`);
    });
    running = await listen(createServer(app));
    return running;
  };

  test('keep apart what they hold', async () => {
    const client = (await start(new WatchedStore())).client();
    expect((await client.get('/')).body).toBe('1 10');
    expect([...client.jar.keys()].sort()).toEqual(['sessionid', 'visit']);
    expect((await client.get('/')).body).toBe('2 20');
    client.jar.delete('visit');
    expect((await client.get('/')).body).toBe('3 10');
  });

  test('both are stored before a byte leaves', async () => {
    const other = new WatchedStore();
    const { port } = await start(other);
    const [first, second] = [suspend(store, 'create'), suspend(other, 'create')];
    const wire = new Wire(port).send(requestText('/'));
    await second.reached;
    second.release();
    await first.reached;
    for (const _ of [1, 2]) await wireRequest(port, '/ping');
    expect(wire.text).toBe('');
    first.release();
    expect(parseReply(await wire.closed).headers.get('set-cookie')).toHaveLength(2);
  });

  test.each(['the first', 'the second'])('if %s fails, the client gets the error', async (which) => {
    const other = new WatchedStore();
    const { port } = await start(other);
    (which === 'the first' ? store : other).before('create', () => {
      throw new Error('the disk is full');
    });
    const reply = await wireRequest(port, '/');
    expect(reply.status).toBe(503);
    expect(reply.headers.has('set-cookie')).toBe(false);
  });
});

test('headers that have left before the session came in are left alone', async () => {
  const begun: RequestHandler = (_req, res, next) => {
    res.write('begun, ');
    next();
  };
  const { port } = await serve(express, [begun], [], (app) => {
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      res.end('ended');
    });
  });
  expect(await wireRequest(port, '/')).toMatchObject({ status: 200, body: 'begun, ended' });
  expect(store.calls).toEqual([]);
});

test('a response that comes to the same sessions a second time is held for both', async () => {
  const sessions = session({ secret: SECRET, store });
  const again: RequestHandler = (req, res, next) => {
    req.session.set('lost', true);
    // Nothing is to be done for this one.
    Reflect.deleteProperty(req, 'session');
    sessions(req, res, next);
  };
  const app = express();
  app.use(sessions, again);
  app.get('/', (req, res) => {
    req.session.set('name', 'Ada');
    res.write('begun, ');
    res.end('ended');
  });
  running = await listen(createServer(app));
  const reply = await wireRequest(running.port, '/');
  expect(reply).toMatchObject({ status: 200, body: 'begun, ended' });
  expect(reply.headers.get('set-cookie')).toHaveLength(1);
  expect(store.calls).toEqual(['create']);
});

test('an object that inherits from a response that was held knows whether headers were sent', async () => {
  const seen: boolean[] = [];
  const { port } = await serve(express, [], [], (app) => {
    app.get('/', (req, res) => {
      const heir = Object.create(res) as typeof res;
      req.session.set('name', 'Ada');
      seen.push(heir.headersSent);
      heir.write('begun, ', () => {
        seen.push(heir.headersSent);
        heir.end('ended');
      });
      seen.push(heir.headersSent);
    });
  });
  expect(await wireRequest(port, '/')).toMatchObject({ status: 200, body: 'begun, ended' });
  expect(seen).toEqual([false, true, true]);
});
