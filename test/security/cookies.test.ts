import { RedisStore, type SessionOptions } from 'sojourn';
import { eventsDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { WatchedStore } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { wireRequest } from '../helpers/wire.js';
import { startApp } from './apps.js';

const warnings = recordWarnings();
const DAYS_14 = 14 * 86_400;

/** Every path writes, but those that end in `/read` and `/logout`. */
async function start(options: SessionOptions = {}, trustProxy = 0) {
  const store = new WatchedStore();
  const app = await startApp({ store, ...options }, (routes) => {
    routes.set('trust proxy', trustProxy);
    routes.get(/.*/, (req, res) => {
      if (req.path.endsWith('/read')) res.json(req.session.get('user') ?? null);
      else if (req.path.endsWith('/logout')) res.send(String(req.session.flush()));
      else res.json(req.session.set('user', 'ann').size);
    });
  });
  return { app, store, client: app.client() };
}

const SECURE = { 'x-forwarded-proto': 'https' };
const VALUE = /[A-Za-z0-9_-]{43}\.[A-Za-z0-9+/]{43}/;

describe('the cookie, byte by byte,', () => {
  const shape = (line: string | undefined) => line?.replace(VALUE, '<value>');

  test('with secure: true', async () => {
    const { app, client } = await start({ cookie: { secure: true } }, 1);
    const reply = await client.get('/', { headers: SECURE });
    const attributes = `Max-Age=${DAYS_14}; Path=/; HttpOnly; Secure; SameSite=Lax`;
    expect(reply.setCookies.map(shape)).toEqual([`__Host-sessionid=<value>; ${attributes}`]);
    await app.close();
  });

  test('by default, on an insecure and on a secure connection', async () => {
    const { app } = await start({}, 1);
    const attributes = `Max-Age=${DAYS_14}; Path=/; HttpOnly`;
    const [plain, secure] = [await app.client().get('/'), await app.client().get('/', { headers: SECURE })];
    expect(plain.setCookies.map(shape)).toEqual([`sessionid=<value>; ${attributes}; SameSite=Lax`]);
    expect(secure.setCookies.map(shape)).toEqual([`sessionid=<value>; ${attributes}; Secure; SameSite=Lax`]);
    await app.close();
  });

  test('has the same length whatever is in the session, below 150 bytes', async () => {
    const { app } = await start();
    const small = (await app.sessions.issue({ a: 1 })).cookie;
    const large = (await app.sessions.issue({ a: 'x'.repeat(60_000) })).cookie;
    expect([small.length, large.length]).toEqual([97, 97]);
    const { setCookies } = await app.client().get('/');
    expect(setCookies[0]?.length).toBeLessThan(150);
    await app.close();
  });
});

describe('a logout deletes the cookie with the attributes it was set with', () => {
  test.each<[string, SessionOptions['cookie']]>([
    ['on all paths', { secure: true }],
    ['on one path and its sub-domains', { secure: true, path: '/app', domain: 'example.com', sameSite: 'strict' }],
    ['in a partitioned jar', { secure: true, sameSite: 'none', partitioned: true, priority: 'high' }],
  ])('%s', async (_what, cookie) => {
    const { app, client } = await start(cookie === undefined ? {} : { cookie }, 1);
    const set = (await client.get('/app/', { headers: SECURE })).setCookies[0] as string;
    const erased = (await client.get('/app/logout', { headers: SECURE })).setCookies[0] as string;
    const attributesOf = (line: string) =>
      line
        .split('; ')
        .slice(1)
        .filter((part) => !/^(Max-Age|Expires)=/.test(part));
    expect(attributesOf(erased)).toEqual(attributesOf(set));
    expect(erased).toMatch(/^[\w-]+=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; /);
    expect(client.jar.size).toBe(0);
    await app.close();
  });
});

describe('a connection is secure', () => {
  test('only if Express says so: without trust proxy a forwarded protocol is not believed', async () => {
    const { app, store } = await start({ cookie: { secure: true } });
    const reply = await app.client().get('/', { headers: { 'x-forwarded-proto': 'https, http' } });
    expect([reply.setCookies, store.calls]).toEqual([[], []]);
    await app.close();
  });

  test('or else a hundred writes store nothing, and say so once', async () => {
    warnings.length = 0;
    const redis = connect();
    const prefix = ownPrefix();
    const { app } = await start({ cookie: { secure: true }, store: new RedisStore(redis, { prefix }) });
    const replies = await Promise.all(Array.from({ length: 100 }, () => app.client().get('/')));
    expect(replies.filter(({ status, setCookies }) => status === 200 && setCookies.length === 0)).toHaveLength(100);
    expect(await redis.keys(`${prefix}*`)).toEqual([]);
    // Once per process: the test before this one may have been the first.
    expect(warnings.length).toBeLessThanOrEqual(1);
    await app.close();
  });

  test('and the warning names the fix', async () => {
    let message = '';
    await jest.isolateModulesAsync(async () => {
      const fresh: typeof import('sojourn') = await import('sojourn');
      const seen = recordWarnings();
      const { default: express } = await import('express');
      const app = express();
      app.use(fresh.session({ secret: 'a secret of thirty-two characters!', cookie: { secure: true } }));
      app.get('/', (req, res) => void res.json(req.session.set('a', 1).size));
      const { createServer } = await import('node:http');
      const { listen } = await import('../helpers/app.js');
      const running = await listen(createServer(app));
      for (const _ of [1, 2]) await running.client().get('/');
      expect(seen.map(({ code }) => code)).toEqual(['SOJOURN_INSECURE']);
      message = seen[0]?.message ?? '';
      await running.close();
    });
    expect(message).toContain("app.set('trust proxy', 1)");
  });
});

describe('several cookies of the name:', () => {
  let scene: Awaited<ReturnType<typeof start>>;
  let good: string;
  let other: string;
  beforeAll(async () => {
    scene = await start();
    good = (await scene.app.sessions.issue({ user: 'ann' })).cookie;
    other = (await scene.app.sessions.issue({ user: 'bob' })).cookie;
  });
  afterAll(() => scene.app.close());

  const read = async (...pairs: string[]) => {
    scene.store.calls.length = 0;
    const reply = await scene.client.get('/read', { headers: { cookie: pairs.join('; ') } });
    return { user: JSON.parse(reply.body), reads: scene.store.calls.length, status: reply.status };
  };
  const bad = `sessionid=${'A'.repeat(43)}.${'A'.repeat(43)}`;

  test.each([
    ['a bad one and a good one', () => [bad, good]],
    ['a good one and a bad one', () => [good, bad]],
    ['the good one twice', () => [good, good]],
    ['noise and a good one', () => ['sessionid=', 'sessionid', good, 'theme=dark']],
  ])('%s are the session, after one look-up', async (_what, pairs) => {
    expect(await read(...pairs())).toEqual({ user: 'ann', reads: 1, status: 200 });
  });

  test('of two well-signed ones the one that is alive, whatever their order', async () => {
    const { cookie: ended, sessionKey } = await scene.app.sessions.issue({ user: 'bob' });
    const { Session } = await import('sojourn');
    await new Session({ store: scene.store }).destroy(sessionKey);
    expect(await read(ended, good)).toEqual({ user: 'ann', reads: 2, status: 200 });
    expect(await read(good, ended)).toEqual({ user: 'ann', reads: 2, status: 200 });
  });

  test('two that are alive are nobody, with an event', async () => {
    const events = await eventsDuring(async () => {
      expect(await read(good, other)).toEqual({ user: null, reads: 2, status: 200 });
      expect(await read(other, good)).toEqual({ user: null, reads: 2, status: 200 });
    });
    const refused = ['refused', { reason: 'ambiguous', cookies: 2 }];
    expect(events.filter(([name]) => name === 'refused')).toEqual([refused, refused]);
  });

  test('three well-signed ones are nobody, without a look-up', async () => {
    const third = (await scene.app.sessions.issue({ user: 'eve' })).cookie;
    expect(await read(good, other, third)).toEqual({ user: null, reads: 0, status: 200 });
  });

  test('five hundred cost two look-ups at most, and no more HMACs than a few', async () => {
    const { default: crypto } = await import('node:crypto');
    const hmac = jest.spyOn(crypto, 'createHmac');
    // Handed over directly: Node takes no header of that size.
    const header = [good, ...Array.from({ length: 498 }, () => bad), other].join('; ');
    scene.store.calls.length = 0;
    const loaded = await scene.app.sessions.load({ headers: { cookie: header } } as Parameters<typeof scene.app.sessions.load>[0]);
    expect(loaded.get('user' as never)).toBe('ann');
    // The good one was signed here, and its signature is known.
    expect([scene.store.calls.length, hmac.mock.calls.length]).toEqual([1, 7]);
    hmac.mockRestore();
  });
});

describe('a cookie is ours only if its name is, byte by byte:', () => {
  test.each([
    ['a Unicode blank before the name', (pair: string) => `\xe2\x80\x80${pair}`],
    ['another case', (pair: string) => pair.replace('__Host', '__host')],
    ['a name that ends like it', (pair: string) => `x${pair}`],
    ['a name that begins like it', (pair: string) => pair.replace('=', 'x=')],
    ['the prefix of an older standard', (pair: string) => `$Version=1, ${pair}`],
    ['a value within another cookie', (pair: string) => `theme="dark, ${pair}"`],
  ])('not with %s', async (_what, disguise) => {
    const { app } = await start({ cookie: { secure: true } }, 1);
    const evil = disguise((await app.sessions.issue({ user: 'eve' })).cookie);
    const good = (await app.sessions.issue({ user: 'ann' })).cookie;
    const user = async (cookie: string) => (await wireRequest(app.port, '/read', { headers: { ...SECURE, Cookie: cookie } })).body;
    expect(await user(evil)).toBe('null');
    expect(await user(`${evil}; ${good}`)).toBe('"ann"');
    expect(await user(`${good};\t${evil}`)).toBe('"ann"');
    await app.close();
  });
});

test.each([
  ['/admin', 'ann'],
  ['/admin/x', 'ann'],
  ['/administrator', null],
  ['/', null],
  ['/Admin', null],
])('with the path /admin, %s has the session of %s', async (path, user) => {
  const { app } = await start({ cookie: { path: '/admin' } });
  const { cookie } = await app.sessions.issue({ user: 'ann' });
  const running = await startApp({ store: app.sessions.store, cookie: { path: '/admin' } }, (routes) => {
    routes.get(/.*/, (req, res) => void res.json(req.session.get('user') ?? null));
  });
  expect(JSON.parse((await running.client().get(path, { headers: { cookie } })).body)).toBe(user);
  await running.close();
  await app.close();
});
