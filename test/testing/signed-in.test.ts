import express, { type Express } from 'express';
import { MemoryStore, RedisStore, type SessionMiddleware, type SessionOptions, type Store, session } from 'sojourn';
import { signedIn } from 'sojourn/testing';
import request from 'supertest';
import { SECRET } from '../helpers/app.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';

const redis = connect();
const STORES: [string, () => Store][] = [
  ['MemoryStore', () => new MemoryStore()],
  ['RedisStore', () => new RedisStore(redis, { prefix: ownPrefix() })],
];

function createApp(options: SessionOptions): { app: Express; sessions: SessionMiddleware } {
  const app = express();
  const sessions = session({ secret: SECRET, ...options });
  app.use(sessions);
  app.get('/me', (req, res) => void res.json(req.session.get('userId', null)));
  app.post('/cart', (req, res) => {
    req.session.setDefault('cart', []);
    (req.session.get('cart') as string[]).push('socks');
    res.json(req.session.get('cart'));
  });
  app.post('/login', (req, res) => {
    req.session.cycleKey();
    req.session.set('userId', 43);
    res.json(43);
  });
  return { app, sessions };
}

describe.each(STORES)('a visitor who is signed in, in a %s', (_, createStore) => {
  test('is one for supertest, request by request', async () => {
    const { app, sessions } = createApp({ store: createStore() });
    const [ada, bob] = [await signedIn(sessions, { userId: 42 }), await signedIn(sessions, { userId: 7 })];
    await request(app).get('/me').set('Cookie', ada.cookie).expect(200, '42');
    await request(app).get('/me').set('Cookie', bob.cookie).expect(200, '7');
    await request(app).get('/me').expect(200, 'null');
  });

  test('is one for an agent of supertest, which keeps what changes', async () => {
    const { app, sessions } = createApp({ store: createStore() });
    const ada = await signedIn(sessions, { userId: 42 });
    const agent = request.agent(app).set('Cookie', ada.cookie);
    await agent.post('/cart').expect(200, ['socks']);
    await agent.post('/cart').expect(200, ['socks', 'socks']);
    await agent.post('/login').expect(200);
    await agent.get('/me').expect(200, '43');
    await request(app).get('/me').set('Cookie', ada.cookie).expect(200, 'null');
  });
});

describe('the cookie for a browser', () => {
  const cookieFor = async (origin: string | URL, options: SessionOptions = {}) => {
    const { sessions } = createApp(options);
    const visitor = await signedIn(sessions, { userId: 42 });
    return { visitor, cookie: visitor.browserCookie(origin) };
  };
  const soon = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

  test('has the attributes that a response would set', async () => {
    const { visitor, cookie } = await cookieFor('http://127.0.0.1:3000/some/page');
    expect(cookie).toEqual({
      name: 'sessionid',
      value: visitor.cookie.slice('sessionid='.length),
      domain: '127.0.0.1',
      path: '/',
      expires: expect.any(Number),
      httpOnly: true,
      secure: false,
      sameSite: 'Lax',
    });
    expect(Math.abs(cookie.expires - soon(14 * 86_400))).toBeLessThanOrEqual(60);
  });

  test('is Secure for https', async () => {
    expect((await cookieFor(new URL('https://shop.example'))).cookie).toMatchObject({ domain: 'shop.example', secure: true });
  });

  test('follows the options', async () => {
    const { cookie } = await cookieFor('https://www.shop.example/admin', {
      expireAtBrowserClose: true,
      cookie: { name: 'adminid', domain: 'shop.example', path: '/admin', secure: true, httpOnly: false, sameSite: 'none' },
    });
    const value = expect.any(String);
    const attributes = { domain: '.shop.example', path: '/admin', expires: -1, httpOnly: false, secure: true, sameSite: 'None' };
    expect(cookie).toEqual({ name: 'adminid', value, ...attributes });
    expect((await cookieFor('http://127.0.0.1', { cookie: { sameSite: false } })).cookie).not.toHaveProperty('sameSite');
    expect((await cookieFor('http://127.0.0.1', { cookie: { sameSite: 'strict' } })).cookie.sameSite).toBe('Strict');
  });

  test('ends no later than the session, by the real time of the browser', async () => {
    const clock = () => Date.parse('2001-01-01');
    const { cookie } = await cookieFor('http://127.0.0.1', { clock, absoluteTimeout: { hours: 1 } });
    expect(Math.abs(cookie.expires - soon(3600))).toBeLessThanOrEqual(60);
  });

  test('is refused for an origin that would never be sent it', async () => {
    const attempt = (origin: string) => cookieFor(origin, { cookie: { domain: '.shop.example', secure: true } });
    await expect(attempt('https://myshop.example')).rejects.toMatchObject({ code: 'ERR_SESSION_OPTION', option: 'origin' });
    expect((await attempt('https://shop.example')).cookie.domain).toBe('.shop.example');
  });
});
