import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createSecureServer } from 'node:http2';
import type { Server } from 'node:net';
import express from 'express';
import session from 'sojourn/express-session';
import { listen, rawRequest } from '../helpers/app.js';
import { certificate } from '../helpers/certificate.js';
import { EXPRESS } from '../helpers/express.js';
import { suspend, WatchedStore } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { ID, idOf, LEFT, SECRET, setting, signIn, start, startDropIn } from './app.js';

const OPTIONS = { secret: SECRET, resave: false, saveUninitialized: false };

describe.each(Object.entries(EXPRESS))('on %s', (_, make) => {
  test('a login, a change, a logout', async () => {
    const app = await start(new WatchedStore(), { make });
    const client = await signIn(app);
    await app.ask(client, setting({ views: 1 }));
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', views: 1 });
    await app.ask(client, (req) => req.session.destroy());
    expect(client.cookie).toBe('');
  });

  test('a store that is down is an error for who has a cookie, and nothing for who hasn’t', async () => {
    const app = await start(new WatchedStore(), { make });
    const client = await signIn(app);
    app.store.before('read', () => Promise.reject(new Error('down')));
    const reply = await app.ask(client, () => 'hello');
    expect([reply.status, JSON.parse(reply.body).code]).toEqual([503, 'ERR_STORE_UNAVAILABLE']);
    expect((await app.ask(app.client(), () => 'hello')).status).toBe(200);
  });

  test('mounted twice, on a router as well, is mounted once', async () => {
    const app = await start(new WatchedStore(), {
      make,
      routes(express) {
        express.use(session(OPTIONS));
        express.use(make().use(session(OPTIONS)));
      },
    });
    const client = await signIn(app);
    app.store.calls.length = 0;
    expect((await app.ask(client, setting({ views: 1 }))).setCookies).toEqual([]);
    expect(app.store.calls).toEqual(['read', 'update']);
    expect((await app.ask(app.client(), () => 'untouched')).headers.get('vary')).toBeNull();
  });

  test('under a cookie path, requests elsewhere have no session, and a mounted app has one', async () => {
    const inner = make();
    inner.use(session({ ...OPTIONS, cookie: { path: '/inner' } }));
    inner.get('/set', (req, res) => {
      req.session.user = 'ada';
      res.send('set');
    });
    const outer = make();
    outer.use('/inner', inner);
    outer.use(session({ ...OPTIONS, name: 'other', cookie: { path: '/else' } }));
    outer.get('/', (req, res) => void res.send(String((req as { session?: unknown }).session)));
    const running = await listen(createServer(outer));
    expect((await running.client().get('/inner/set')).setCookies).toEqual([expect.stringContaining('Path=/inner;')]);
    expect((await running.client().get('/')).body).toBe('undefined');
    expect(
      await rawRequest(running.port, 'GET http://host/inner/set?a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n', () => {}),
    ).toContain(ID);
    await running.close();
  });
});

interface WithSession {
  session: { views?: number };
}

/** Counts without a framework. */
function counter() {
  const sessions = session(OPTIONS);
  return (incoming: unknown, outgoing: unknown) => {
    const [req, res] = [incoming as IncomingMessage, outgoing as ServerResponse];
    sessions(req, res, (error) => {
      if (error) return void res.end('Sorry.');
      const visit = (req as IncomingMessage & WithSession).session;
      visit.views = (visit.views ?? 0) + 1;
      res.end(`views: ${visit.views}`);
    });
  };
}

test('works on plain node:http', async () => {
  const running = await listen(createServer(counter()));
  const client = running.client();
  await client.get('/');
  expect((await client.get('/')).body).toBe('views: 2');
  await running.close();
});

test('works on http2', async () => {
  const running = await listen(createSecureServer(certificate(), counter()) as unknown as Server);
  const client = connect(`https://127.0.0.1:${running.port}`, { rejectUnauthorized: false });
  const get = async (cookie: string) => {
    const stream = client.request({ ':path': '/', cookie }).setEncoding('utf8');
    const [headers] = await once(stream, 'response');
    let body = '';
    for await (const chunk of stream) body += chunk;
    return { body, cookie: String(headers['set-cookie']).split(';')[0] as string };
  };
  const first = await get('a=1');
  expect((await get(first.cookie)).body).toBe('views: 2');
  client.destroy();
  await running.close();
});

describe('a response that streams', () => {
  test('begins when the session is stored, and what is changed until its end is stored as well', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const update = suspend(app.store, 'update');
    let begun = false;
    const reply = app.ask(client, async (req, res) => {
      req.session.views = 1;
      res.setHeader('Content-Type', 'text/event-stream');
      res.flushHeaders();
      await update.reached;
      begun = true;
      res.write('data: 1\n\n', () => {
        req.session.views = 2;
        res.end('data: 2\n\n');
      });
      return LEFT;
    });
    await update.reached;
    app.store.clearFaults();
    update.release();
    expect([(await reply).body, begun]).toEqual(['data: 1\n\ndata: 2\n\n', true]);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', views: 2 });
  });

  test('and begins a session when its headers are gone is a warning, and save() by hand an error; nothing is stored', async () => {
    const warnings = recordWarnings();
    const app = await startDropIn();
    const { body } = await app.ask(app.client(), async (req, res) => {
      res.write('begun ');
      req.session.user = 'ada';
      await req.session.save().catch((error: { code: string }) => res.end(error.code));
    });
    expect([body, app.store.calls]).toEqual(['begun ERR_SESSION_CREATE', []]);
    expect(warnings.map(({ code }) => code)).toEqual(['SOJOURN_HEADERS_SENT']);
  });
});

test('a store that reports that it has lost its connection is left alone until it has one again', async () => {
  const store = new session.MemoryStore();
  const app = await start(store);
  const client = await signIn(app);
  const present = async () => (await app.ask(client, (req) => (req as { session?: unknown }).session !== undefined)).body;
  expect(await present()).toBe('true');
  store.emit('disconnect');
  expect(await present()).toBe('false');
  store.emit('connect');
  expect(await present()).toBe('true');
});

test('an error of a handler is the application’s; what the handler did until then is stored, as under express-session', async () => {
  const app = await startDropIn();
  const client = app.client();
  const reply = await app.ask(client, (req) => {
    req.session.user = 'ada';
    throw new Error('oops');
  });
  expect([reply.status, await app.dataOf(client.cookie)]).toEqual([500, { user: 'ada' }]);
});

test('the whole URL of a request counts for the path as Express knows it', async () => {
  const app = express();
  app.use((req, _res, next) => {
    req.originalUrl = '';
    next();
  });
  app.use(session(OPTIONS));
  app.get('/', (req, res) => {
    req.session.user = 'ada';
    res.send('set');
  });
  const running = await listen(createServer(app));
  const client = running.client();
  await client.get('/');
  expect(idOf(client)).toHaveLength(43);
  await running.close();
});
