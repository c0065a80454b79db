import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import express from 'express';
import { MemoryStore, RedisStore, Session, type Store, session } from 'sojourn';
import { sessionOf, signedIn } from 'sojourn/testing';
import request from 'supertest';
import { listen, type Running, SECRET } from '../helpers/app.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';

const redis = connect();
const STORES: [string, () => Store][] = [
  ['MemoryStore', () => new MemoryStore()],
  ['RedisStore', () => new RedisStore(redis, { prefix: ownPrefix() })],
];

function createApp(store: Store) {
  const app = express();
  const sessions = session({ secret: SECRET, store });
  app.use((_req, res, next) => {
    res.cookie('theme', 'dark').cookie('sessionid_old', 'x').cookie('csrf', 'sessionid=1');
    next();
  });
  app.use(sessions);
  app.get('/login', (req, res) => {
    req.session.cycleKey();
    req.session.set('userId', 42).set('roles', ['admin']);
    res.redirect('/');
  });
  app.get('/logout', (req, res) => {
    req.session.flush();
    res.end();
  });
  app.get('/', (req, res) => void res.json(req.session.get('userId', null)));
  return { app, sessions };
}

const ADA = { userId: 42, roles: ['admin'] };
const noCookie = (message: RegExp) => ({ code: 'ERR_SESSION_NO_COOKIE', message: expect.stringMatching(message) });

describe.each(STORES)('the session that a response leads to, in a %s', (_, createStore) => {
  const { app, sessions } = createApp(createStore());
  let running: Running;
  beforeAll(async () => {
    running = await listen(createServer(app));
  });
  afterAll(() => running.close());

  test('is read from a response of supertest', async () => {
    expect(await sessionOf(sessions, await request(app).get('/login'))).toEqual(ADA);
  });

  test('is read from a response of fetch', async () => {
    expect(await sessionOf(sessions, await fetch(`${running.origin}/login`, { redirect: 'manual' }))).toEqual(ADA);
  });

  test('is read from a response of node:http', async () => {
    const [response] = (await once(get(`${running.origin}/login`), 'response')) as [IncomingMessage];
    response.resume();
    expect(await sessionOf(sessions, response)).toEqual(ADA);
  });

  test('is null after a logout, of the response and of the cookie from before', async () => {
    const ada = await signedIn(sessions, ADA);
    const response = await request(app).get('/logout').set('Cookie', ada.cookie);
    expect(await sessionOf(sessions, response)).toBeNull();
    expect(await sessionOf(sessions, ada.cookie)).toBeNull();
  });
});

describe('the session of a cookie', () => {
  const { app, sessions } = createApp(new MemoryStore());

  test('is read from a Cookie header, among other cookies', async () => {
    const { cookie } = await signedIn(sessions, ADA);
    expect(await sessionOf(sessions, `theme=dark; ${cookie}; last=1`)).toEqual(ADA);
  });

  test('is read from the jar of an agent', async () => {
    const agent = request.agent(app);
    await agent.get('/login');
    const jar = agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
    expect(await sessionOf(sessions, jar)).toEqual(ADA);
  });

  test('is what the application would see: nobody’s if two are alive, the one that is alive else', async () => {
    const [ada, bob] = [await signedIn(sessions, ADA), await signedIn(sessions, { userId: 7 })];
    const both = `${ada.cookie}; ${bob.cookie}`;
    expect(await sessionOf(sessions, both)).toBeNull();
    await request(app).get('/logout').set('Cookie', bob.cookie);
    expect(await sessionOf(sessions, both)).toEqual(ADA);
  });

  test('is null if its record can’t be read', async () => {
    const store = new MemoryStore();
    const { sessions } = createApp(store);
    const { cookie } = await signedIn(sessions, ADA);
    const read = store.read.bind(store);
    store.read = async (key) => {
      const record = await read(key);
      return record && { ...record, payload: 'damaged' };
    };
    expect(await sessionOf(sessions, cookie)).toBeNull();
  });

  test('is a copy: what a test does with it changes nothing', async () => {
    const { cookie } = await signedIn(sessions, ADA);
    const copy = (await sessionOf(sessions, cookie)) as typeof ADA;
    copy.roles.push('root');
    expect(await sessionOf(sessions, cookie)).toEqual(ADA);
  });
});

test('of a response that sets the cookie twice the last line counts', async () => {
  const { sessions } = createApp(new MemoryStore());
  const [set, erased] = [`${(await signedIn(sessions, ADA)).cookie}; Path=/`, 'sessionid=; Max-Age=0; Path=/'];
  expect(await sessionOf(sessions, { headers: { 'set-cookie': [erased, set] } })).toEqual(ADA);
  expect(await sessionOf(sessions, { headers: { 'set-cookie': [set, erased] } })).toBeNull();
  expect(await sessionOf(sessions, { headers: { 'set-cookie': set } })).toEqual(ADA);
});

describe('what says nothing of a session is an error with the fix', () => {
  const { app, sessions } = createApp(new MemoryStore());

  test('a response that sets no session cookie', async () => {
    const { cookie } = await signedIn(sessions, ADA);
    const response = await request(app).get('/').set('Cookie', cookie);
    await expect(sessionOf(sessions, response)).rejects.toMatchObject(
      noCookie(/no cookie sessionid .* give the Cookie header of the request/),
    );
    await expect(sessionOf(sessions, { headers: {} })).rejects.toMatchObject(noCookie(/no cookie sessionid/));
  });

  test('a text without the cookie', async () => {
    await expect(sessionOf(sessions, 'theme=dark')).rejects.toMatchObject(noCookie(/Give a Cookie header/));
    await expect(sessionOf(sessions, [])).rejects.toMatchObject(noCookie(/Give a Cookie header/));
  });

  test('a cookie of other sessions, which the message does not repeat', async () => {
    const others = session({ secret: 'another secret of the tests, long enough' });
    const { cookie } = await signedIn(others, ADA);
    const error = await sessionOf(sessions, cookie).catch((reason: Error) => reason);
    expect(error).toMatchObject(noCookie(/not signed by these sessions.*the middleware that the application uses/));
    expect((error as Error).message).not.toContain(cookie.slice('sessionid='.length));
  });

  test('a request that nobody awaited', async () => {
    const pending = request(app).get('/login');
    for (const source of [pending, Promise.resolve(), undefined, null]) {
      await expect(sessionOf(sessions, source as never)).rejects.toMatchObject({
        code: 'ERR_SESSION_OPTION',
        message: expect.stringMatching(/Await the request/),
      });
    }
  });

  test('an application in the place of its sessions', async () => {
    for (const wrong of [app, undefined, new Session({ store: new MemoryStore() })]) {
      const refused = { code: 'ERR_SESSION_OPTION', message: expect.stringMatching(/the middleware, not the application/) };
      await expect(sessionOf(wrong as never, 'sessionid=x')).rejects.toMatchObject(refused);
      await expect(signedIn(wrong as never, {})).rejects.toMatchObject(refused);
    }
  });

  test('a store that fails is its own error', async () => {
    const store = new MemoryStore();
    const { sessions } = createApp(store);
    const { cookie } = await signedIn(sessions, ADA);
    store.read = () => Promise.reject(new Error('connection lost'));
    await expect(sessionOf(sessions, cookie)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  });
});
