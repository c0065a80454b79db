import { MemoryStore, type Session } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { WatchedStore } from '../helpers/stores.js';
import { startApp } from './apps.js';

const HOSTILE = (
  '__proto__ constructor prototype toString valueOf toJSON hasOwnProperty then save destroy touch reload cookie id req get set maxAge _x ' +
  '__defineGetter__ isAdmin length size _session_expiry 0 1e3 NaN'
).split(' ');
const ODD = ['', ' ', '.', '$', 'a.b', 'a\0b', 'a\nb', 'ä', '\ud800', '😀', 'x'.repeat(1000)];

const expectUnpolluted = (session: Session) => {
  expect(({} as { isAdmin?: unknown }).isAdmin).toBe(undefined);
  expect(session.get('a name that nobody set')).toBe(undefined);
  expect(Object.keys(Object.prototype)).toEqual([]);
};

describe('a key from the query is data, and there with the next request:', () => {
  test.each([...HOSTILE, ...ODD].map((key) => [key.length > 20 ? `${key.slice(0, 5)}, and on` : key, key]))('%j', async (_what, key) => {
    const value = { isAdmin: true, list: [key] };
    const app = await startApp({ store: new MemoryStore() }, (routes) => {
      routes.get('/inherited', (req, res) => {
        res.json([req.session.get(key) === undefined, req.session.has(key), req.session.pop(key) === undefined, req.session.delete(key)]);
      });
      routes.get('/set', (req, res) => {
        // As JSON: a URL can't hold half of a surrogate pair.
        req.session.set(JSON.parse(req.query.key as string), value);
        expectUnpolluted(req.session);
        res.send('set');
      });
      routes.get('/get', (req, res) => {
        expectUnpolluted(req.session);
        res.json([[...req.session.keys()], req.session.get(JSON.parse(req.query.key as string))]);
      });
    });
    const client = app.client();
    expect((await client.get('/inherited')).body).toBe('[true,false,true,false]');
    const query = `?key=${encodeURIComponent(JSON.stringify(key))}`;
    expect((await client.get(`/set${query}`)).status).toBe(200);
    const reply = await client.get(`/get${query}`);
    expect([reply.status, JSON.parse(reply.body)]).toEqual([200, [[key], value]]);
    await app.close();
  });
});

test('all of these keys at once do not disturb each other', async () => {
  const keys = [...HOSTILE, ...ODD];
  const app = await startApp({ store: new MemoryStore(), absoluteTimeout: { hours: 1 } }, (routes) => {
    routes.get('/set', (req, res) => {
      for (const key of keys) if (key !== '_session_expiry') req.session.set(key, `value of ${key}`);
      res.send('set');
    });
    routes.get('/get', (req, res) => void res.json([...req.session.entries()]));
  });
  const client = app.client();
  await client.get('/set');
  const expected = keys.filter((key) => key !== '_session_expiry').map((key) => [key, `value of ${key}`]);
  expect(JSON.parse((await client.get('/get')).body)).toEqual(JSON.parse(JSON.stringify(expected)));
  await app.close();
});

describe('a value that JSON would change is a 500, and no store call:', () => {
  const deep = JSON.parse(`${'[{"a":'.repeat(60)}1${'}]'.repeat(60)}`);
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  test.each<[string, unknown]>([
    ['undefined', { a: undefined }],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['-0', -0],
    ['a BigInt', 1n],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['a Set', new Set()],
    ['a Buffer', Buffer.from('CANARY')],
    ['a cycle', cyclic],
    ['a function', () => 'CANARY'],
    ['a symbol', Symbol('CANARY')],
    ['more than 100 levels', deep],
  ])('%s', async (_what, value) => {
    const store = new WatchedStore();
    const app = await startApp({ store }, (routes) => {
      routes.get('/', (req, res) => void res.json(req.session.set('key', value).size));
    });
    const reply = await app.client().get('/');
    expect([reply.status, JSON.parse(reply.body).code, reply.setCookies, store.calls]).toEqual([500, 'ERR_SESSION_VALUE', [], []]);
    expect(reply.body).toMatch(/The session value \\"key/);
    expect(reply.body).not.toContain('CANARY');
    await app.close();
  });

  test('but half of a surrogate pair, a date as a text and a hundred levels are kept as they are', async () => {
    const value = { half: 'a\ud800b', date: '2024-01-01T00:00:00.000Z', deep: JSON.parse('['.repeat(98) + ']'.repeat(98)) };
    const store = new MemoryStore();
    const app = await startApp({ store }, (routes) => {
      routes.get('/set', (req, res) => void res.json(req.session.set('key', value).size));
      routes.get('/get', (req, res) => void res.json(req.session.get('key')));
    });
    const client = app.client();
    await client.get('/set');
    expect(JSON.parse((await client.get('/get')).body)).toEqual(value);
    await app.close();
  });
});

test('a session object is never shared: what one request changes, another sees only when it is stored', async () => {
  const store = new MemoryStore();
  const app = await startApp({ store }, () => {});
  const { sessionKey, cookie } = await app.sessions.issue({ cart: ['tea'] });
  const load = () => app.sessions.load({ headers: { cookie } } as Parameters<typeof app.sessions.load>[0]);
  const [one, two] = [await load(), await load()];
  (one.get('cart') as string[]).push('milk');
  expect(two.get('cart')).toEqual(['tea']);
  expect((await load()).get('cart')).toEqual(['tea']);
  const record = await store.read(storeKeyOf(sessionKey));
  (record as { payload: string }).payload = '{"cart":["stolen"]}';
  await one.save();
  expect((await load()).get('cart')).toEqual(['tea', 'milk']);
  expect(two.get('cart')).toEqual(['tea']);
});
