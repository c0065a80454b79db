import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Redis } from 'ioredis';
import { encrypted, json, RedisStore, type Session, signed } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { type Client, type Running, SECRET, startApp } from '../helpers/app.js';

// What an attacker, an operator or an older version may have left in Redis under a session's key. It must read as no
// session, with an event, and the visitor must be able to go on: never an error for ever, never a hang.

const redis = new Redis(process.env.REDIS_URL as string);
afterAll(() => redis.disconnect());

const prefix = `hostile-${process.pid}:`;
const HEAD = `${Math.ceil(Date.now() / 1000 + 3600)
  .toString(36)
  .padStart(7, '0')}version`;
const CANARY = 'SECRETTOKEN123';

const texts: [string, string][] = [
  ['half of a JSON text', '{bad'],
  ['text with a canary', CANARY],
  ['null', 'null'],
  ['a list', '[1, 2]'],
  ['a list of lists', '[["a", 1, 2]]'],
  ['a text', '"s"'],
  ['a number', '1'],
  ['fifty thousand levels', '['.repeat(25_000) + ']'.repeat(25_000)],
  ['more bytes than a session may have', JSON.stringify({ a: 'x'.repeat(70_000) })],
];

/** Not corrupt, but not to be believed either. */
const harmless: [string, string][] = [
  ['no data', '{}'],
  ['a null', '{"cookie":null}'],
  ['a damaged expiry', '{"_session_expiry":"not a date"}'],
  ['an expiry that is an object', '{"_session_expiry":{"a":1}}'],
  ['a polluting key', '{"__proto__":{"isAdmin":true}}'],
  ['a constructor', '{"constructor":{"prototype":{"isAdmin":true}}}'],
];

let app: Running;
let client: Client;
let sessionKey: string;
let corrupt: unknown[];
const onCorrupt = (message: unknown) => void corrupt.push(message);

async function start(codec = json()) {
  const started = await startApp({ store: new RedisStore(redis, { prefix }), codec }, (routes) => {
    routes.get('/read', (req, res) => void res.json(describeSession(req.session)));
    routes.get('/write', (req, res) => {
      req.session.set('fresh', true);
      res.json(describeSession(req.session));
    });
  });
  app = started;
  client = app.client();
  const issued = await started.sessions.issue({ userId: 1 });
  sessionKey = issued.sessionKey;
  client.jar.set('sessionid', issued.cookie.slice('sessionid='.length));
}

function describeSession(session: Session) {
  return { keys: [...session.keys()], admin: session.get('isAdmin') ?? null, toString: session.get('toString') ?? null };
}

const redisKey = () => prefix + storeKeyOf(sessionKey);

beforeEach(() => {
  corrupt = [];
  subscribe('sojourn:corrupt', onCorrupt);
});
afterEach(async () => {
  unsubscribe('sojourn:corrupt', onCorrupt);
  await app.close();
});

/** The record is no session: the visitor is anonymous, nothing is said of its content, and a write starts anew. */
async function expectNoSession() {
  const reading = await client.get('/read');
  expect([reading.status, reading.setCookies]).toEqual([200, []]);
  expect(JSON.parse(reading.body)).toEqual({ keys: [], admin: null, toString: null });
  expect(corrupt.length).toBe(1);
  const writing = await client.get('/write');
  expect(writing.status).toBe(200);
  expect(writing.setCookies).toHaveLength(1);
  expect(writing.setCookies[0]).not.toContain(sessionKey);
  corrupt.length = 0;
  expect(JSON.parse((await client.get('/read')).body).keys).toEqual(['fresh']);
  expect(corrupt).toEqual([]);
  expect(JSON.stringify(corrupt)).not.toContain(CANARY);
  expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false);
}

test.each(texts)('a record that holds %s reads as no session', async (_what, text) => {
  await start();
  await redis.set(redisKey(), HEAD + text, 'EX', 60);
  await expectNoSession();
});

test.each([
  ['an empty value', ''],
  ['a value of ten characters', '0123456789'],
  ["another library's session", '{"cookie":{"path":"/"},"userId":1}'],
  ['a head with no known shape', `?${HEAD.slice(1)}{}`],
])('%s reads as no session', async (_what, value) => {
  await start();
  await redis.set(redisKey(), value, 'EX', 60);
  await expectNoSession();
});

test('a Redis key of another type reads as no session', async () => {
  await start();
  await redis.del(redisKey());
  await redis.lpush(redisKey(), 'a');
  await expectNoSession();
});

test.each(harmless)('a record that holds %s is a session without any effect beyond its data', async (_what, text) => {
  await start();
  await redis.set(redisKey(), HEAD + text, 'EX', 60);
  const reading = await client.get('/read');
  expect([reading.status, JSON.parse(reading.body).admin]).toEqual([200, null]);
  expect((await client.get('/write')).status).toBe(200);
  expect(JSON.parse((await client.get('/read')).body).keys).toContain('fresh');
  expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false);
  expect(corrupt).toEqual([]);
});

test.each([
  ['signed', signed(SECRET)],
  ['encrypted', encrypted(SECRET)],
])('a plain record under a %s codec reads as no session', async (_name, codec) => {
  await start(codec);
  await redis.set(redisKey(), `${HEAD}{"userId":1}`, 'EX', 60);
  await expectNoSession();
});
