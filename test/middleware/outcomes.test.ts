import type { IncomingMessage } from 'node:http';
import type { Express } from 'express';
import { Session, type SessionMiddleware, type SessionOptions } from 'sojourn';
import { type Running, startApp } from '../helpers/app.ts';
import { WatchedStore } from '../helpers/stores.ts';
import { wireRequest } from '../helpers/wire.ts';

let running: Running | undefined;
let store: WatchedStore;

beforeEach(() => {
  store = new WatchedStore();
});
afterEach(() => running?.close());

async function serve(routes: (app: Express) => void, options: SessionOptions = {}) {
  const started = await startApp({ store, ...options }, routes);
  running = started;
  return started;
}

async function show(sessions: SessionMiddleware, cookie: string): Promise<Record<string, unknown> | null> {
  const session = await sessions.load({ headers: { cookie } } as IncomingMessage);
  return session.sessionKey === null ? null : Object.fromEntries(session);
}

const cookieOf = (reply: { headers: ReadonlyMap<string, readonly string[]> }) => reply.headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';

describe('the status of the response', () => {
  const start = () =>
    serve((app) => {
      app.get('/set/:status', (req, res) => {
        req.session.set('name', 'Grace');
        res.sendStatus(Number(req.params.status));
      });
      app.get('/flush/:status', (req, res) => {
        req.session.flush();
        res.sendStatus(Number(req.params.status));
      });
      app.get('/restart/:status', (req, res) => {
        req.session.flush();
        req.session.set('name', 'Grace');
        res.sendStatus(Number(req.params.status));
      });
      app.get('/cycle/:status', (req, res) => {
        req.session.cycleKey();
        res.sendStatus(Number(req.params.status));
      });
      app.get('/save/:status', async (req, res) => {
        req.session.set('name', 'Grace');
        await req.session.save();
        res.sendStatus(Number(req.params.status));
      });
      app.get('/create/:status', async (req, res) => {
        await req.session.create();
        res.sendStatus(Number(req.params.status));
      });
    });

  test.each([
    [499, 'Grace'],
    [500, 'Ada'],
    [503, 'Ada'],
  ])('%d: the session is stored only if that is no server error', async (status, name) => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, `/set/${status}`, { headers: { cookie } });
    expect(reply.status).toBe(status);
    expect(reply.headers.has('set-cookie')).toBe(name === 'Grace');
    expect(await show(sessions, cookie)).toEqual({ name });
  });

  test.each([200, 500])('%d: a flush is carried out, and the cookie goes', async (status) => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, `/flush/${status}`, { headers: { cookie } });
    expect(reply.headers.get('set-cookie')).toEqual([
      'sessionid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; SameSite=Lax',
    ]);
    expect(await show(sessions, cookie)).toBeNull();
  });

  test('500: what is set after a flush is not stored, but the flush is carried out', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, '/restart/500', { headers: { cookie } });
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(await show(sessions, cookie)).toBeNull();
    expect(store.calls).not.toContain('update');
  });

  test('200: a flush and a new beginning are a new session', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, '/restart/200', { headers: { cookie } });
    expect(await show(sessions, cookie)).toBeNull();
    expect(await show(sessions, cookieOf(reply))).toEqual({ name: 'Grace' });
  });

  test('500: a cycle leaves the old session as it was', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    expect((await wireRequest(port, '/cycle/500', { headers: { cookie } })).headers.has('set-cookie')).toBe(false);
    expect(await show(sessions, cookie)).toEqual({ name: 'Ada' });
  });

  test.each(['save', 'create'])('500: what the handler stored itself by %s() has its cookie', async (act) => {
    const { port, sessions } = await start();
    const reply = await wireRequest(port, `/${act}/500`);
    expect(reply.status).toBe(500);
    expect(await show(sessions, cookieOf(reply))).toEqual(act === 'save' ? { name: 'Grace' } : {});
  });
});

test('500: a cycle after the handler’s own save() is dropped, and what was saved has its cookie', async () => {
  const { port, sessions } = await serve((app) => {
    app.get('/', async (req, res) => {
      req.session.set('name', 'Grace');
      await req.session.save();
      req.session.cycleKey();
      res.sendStatus(500);
    });
  });
  const { cookie } = await sessions.issue({ name: 'Ada' });
  expect(cookieOf(await wireRequest(port, '/', { headers: { cookie } }))).toBe(cookie);
  expect(await show(sessions, cookie)).toEqual({ name: 'Grace' });
});

test('a session whose time was over at the handler’s own save() loses its cookie', async () => {
  const { port, sessions } = await serve((app) => {
    app.get('/', async (req, res) => {
      req.session.setExpiry(new Date(0));
      await req.session.save();
      res.send('bye');
    });
  });
  const { cookie } = await sessions.issue({ name: 'Ada' });
  expect((await wireRequest(port, '/', { headers: { cookie } })).headers.get('set-cookie')?.[0]).toMatch(/^sessionid=; Max-Age=0;/);
  expect(await show(sessions, cookie)).toBeNull();
});

test('an unknown key is never adopted: the session that follows has a new one', async () => {
  const { port, sessions } = await serve((app) => {
    app.get('/', (req, res) => {
      req.session.set('name', 'Ada');
      res.send('hello');
    });
  });
  const { cookie, sessionKey } = await sessions.issue({});
  await new Session({ store }).destroy(sessionKey);
  const reply = await wireRequest(port, '/', { headers: { cookie } });
  expect(cookieOf(reply)).not.toBe(cookie);
  expect(await show(sessions, cookieOf(reply))).toEqual({ name: 'Ada' });
});

describe('a logout in another request, before the response', () => {
  const start = (options: SessionOptions) =>
    serve((app) => {
      app.get('/read', async (req, res) => {
        await new Session({ store }).destroy(req.session.sessionKey);
        res.send(req.session.get('name'));
      });
      app.get('/:act', async (req, res) => {
        if (req.params.act === 'cycle') req.session.cycleKey();
        req.session.set('name', 'Grace');
        await new Session({ store }).destroy((req.headers.cookie ?? '').slice('sessionid='.length).split('.')[0] as string);
        res.send('changed');
      });
    }, options);

  test.each(['set', 'cycle'])('answers 400, and brings nothing back: %s', async (act) => {
    const { port, sessions } = await start({});
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, `/${act}`, { headers: { cookie } });
    expect(reply).toMatchObject({ status: 400, body: expect.stringContaining('ERR_SESSION_INTERRUPTED') });
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(await show(sessions, cookie)).toBeNull();
  });

  test.each(['set', 'cycle'])('drops the changes quietly if told so: %s', async (act) => {
    const { port, sessions } = await start({ onInterrupted: 'discard' });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, `/${act}`, { headers: { cookie } });
    expect(reply).toMatchObject({ status: 200, body: 'changed' });
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(await show(sessions, cookie)).toBeNull();
  });

  test('is no error for a request that only reads', async () => {
    const { port, sessions } = await start({});
    const { cookie } = await sessions.issue({ name: 'Ada' });
    expect(await wireRequest(port, '/read', { headers: { cookie } })).toMatchObject({ status: 200, body: 'Ada' });
  });

  test('after a cycle by another request, a write is interrupted and a read finds no session', async () => {
    const { port, sessions } = await serve((app) => {
      app.get('/read', (req, res) => void res.send(req.session.get('name', 'nobody')));
      app.get('/set', (req, res) => {
        req.session.set('name', 'Grace');
        res.send('changed');
      });
    });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const cycled = await sessions.load({ headers: { cookie } } as IncomingMessage);
    cycled.cycleKey();
    await cycled.save();
    expect((await wireRequest(port, '/read', { headers: { cookie } })).body).toBe('nobody');
    expect(await wireRequest(port, '/set', { headers: { cookie } })).toMatchObject({ status: 400 });
  });
});

describe('saveEveryRequest', () => {
  const start = () =>
    serve(
      (app) => {
        app.get('/gone', async (req, res) => {
          await new Session({ store }).destroy(req.session.sessionKey);
          res.send('hello');
        });
        app.get('/', (_req, res) => void res.send('hello'));
      },
      { saveEveryRequest: true },
    );

  test('renews a session that nobody touched by a touch, and sends its cookie', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    store.calls.length = 0;
    expect(cookieOf(await wireRequest(port, '/', { headers: { cookie } }))).toBe(cookie);
    expect(store.calls).toEqual(['read', 'touch']);
  });

  test('does not send the cookie of a session that is gone, and stores none for an unknown one', async () => {
    const { port, sessions } = await start();
    const { cookie } = await sessions.issue({ name: 'Ada' });
    for (const path of ['/gone', '/']) {
      expect((await wireRequest(port, path, { headers: { cookie } })).headers.has('set-cookie')).toBe(false);
    }
    expect(await show(sessions, cookie)).toBeNull();
  });
});

describe('the cookie’s age', () => {
  test('follows the session’s own expiry', async () => {
    const { port } = await serve((app) => {
      app.get('/:seconds', (req, res) => {
        req.session.set('name', 'Ada');
        req.session.setExpiry(Number(req.params.seconds));
        res.send('hello');
      });
    });
    expect((await wireRequest(port, '/60')).headers.get('set-cookie')?.[0]).toContain('; Max-Age=60;');
    expect((await wireRequest(port, '/0')).headers.get('set-cookie')?.[0]).not.toContain('Max-Age');
  });

  test('is never more than browsers keep', async () => {
    const { port } = await serve((app) => {
      app.get('/', (req, res) => {
        req.session.set('name', 'Ada');
        req.session.setExpiry({ days: 1000 });
        res.send('hello');
      });
    });
    expect((await wireRequest(port, '/')).headers.get('set-cookie')?.[0]).toContain(`; Max-Age=${400 * 86_400};`);
  });

  test('a fixed time in the past removes record and cookie', async () => {
    const { port, sessions } = await serve((app) => {
      app.get('/', (req, res) => {
        req.session.setExpiry(new Date(0));
        res.send('hello');
      });
    });
    const { cookie } = await sessions.issue({ name: 'Ada' });
    const reply = await wireRequest(port, '/', { headers: { cookie } });
    expect(reply.headers.get('set-cookie')?.[0]).toMatch(/^sessionid=; Max-Age=0;/);
    expect(await show(sessions, cookie)).toBeNull();
    expect((await wireRequest(port, '/')).headers.has('set-cookie')).toBe(false);
  });
});
