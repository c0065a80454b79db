import { inspect } from 'node:util';
import { encrypted, RedisStore, session, signed } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { eventsDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { WatchedStore } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { startApp } from './apps.js';

// Whatever is written somewhere must not hold what opens a session or what is in it: each of these is a canary.
const CANARY = 'CANARY-7c1f';
const secret = `${CANARY} the secret, of thirty-two characters and more`;
const warnings = recordWarnings();

/** All ways to write an object down. */
function textsOf(value: unknown): string[] {
  const everything = { depth: 12, showHidden: true, getters: true, maxArrayLength: null, maxStringLength: null };
  const texts = [inspect(value), inspect(value, everything), JSON.stringify(value) ?? ''];
  if (value instanceof Error)
    texts.push(value.message, value.stack ?? '', String(value), JSON.stringify(value, Object.getOwnPropertyNames(value)));
  return texts;
}

function expectNothingOf(secrets: readonly string[], texts: readonly string[]) {
  for (const hidden of secrets) expect(texts.filter((text) => text.includes(hidden))).toEqual([]);
}

test.each([
  ['signed', signed(`${CANARY} the key of the codec, thirty-two characters`)],
  ['encrypted', encrypted(`${CANARY} the key of the codec, thirty-two characters`)],
])('session, store, middleware and a %s codec show no key, no data and no secret', async (_name, codec) => {
  const store = new WatchedStore();
  const sessions = session({ secret, store, codec });
  const { cookie, sessionKey } = await sessions.issue({ user: CANARY });
  const loaded = await sessions.load({ headers: { cookie } } as Parameters<typeof sessions.load>[0]);
  expect(loaded.get('user' as never)).toBe(CANARY);
  const texts = [loaded, store, sessions, codec, new RedisStore(connect({ lazyConnect: true }))].flatMap(textsOf);
  texts.push(inspect(loaded, { customInspect: false, showHidden: true, depth: 12 }), `${Object.entries(loaded)}`);
  expectNothingOf([CANARY, sessionKey, cookie.slice(-43)], texts);
});

describe('an error that reaches the error handler shows no key, no data and no secret:', () => {
  const down = () => {
    throw new Error('down');
  };

  async function errorOf(path: string, prepare: (store: WatchedStore) => void, codec = signed(secret)) {
    const store = new WatchedStore();
    let seen: unknown;
    let session: unknown;
    const app = await startApp({ store, secret, codec }, (routes) => {
      routes.get('/:act', (req, res) => {
        session = req.session;
        if (req.params.act === 'interrupted') return void store.delete(storeKeyOf(req.session.sessionKey as string)).then(() => write('x'));
        return write(req.params.act === 'value' ? new Date() : req.params.act === 'large' ? 'x'.repeat(70_000) : 'x');

        function write(value: unknown) {
          req.session.set('user', `${CANARY} as well`).set('more', value);
          res.send('done');
        }
      });
      routes.use((error: unknown, _req: unknown, _res: unknown, next: (error: unknown) => void) => {
        seen = error;
        next(error);
      });
    });
    const { cookie, sessionKey } = await app.sessions.issue({ user: CANARY });
    prepare(store);
    const events = await eventsDuring(async () => {
      const reply = await app.client().get(path, { headers: { cookie } });
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expectNothingOf([CANARY, sessionKey], [reply.body]);
    });
    await app.close();
    return { texts: [seen, session, events].flatMap(textsOf), hidden: [CANARY, sessionKey, storeKeyOf(sessionKey), cookie.slice(-43)] };
  }

  test.each<[string, string, (store: WatchedStore) => void]>([
    ['the store can’t be read', '/read', (store) => void store.before('read', down)],
    ['the store can’t be written', '/write', (store) => void store.before('update', down)],
    ['the session was deleted meanwhile', '/interrupted', () => {}],
    ['a value is unfit', '/value', () => {}],
    ['the session is too large', '/large', () => {}],
  ])('%s', async (_what, path, prepare) => {
    const { texts, hidden } = await errorOf(path, prepare);
    expect(texts.join('')).toMatch(/ERR_S/);
    expectNothingOf(hidden, texts);
  });
});

let server: RedisServer | undefined;
// After the helpers have closed the clients.
afterAll(() => server?.stop());

test('what Redis refuses is told without the command, which holds the data', async () => {
  server = await startRedis();
  const client = connect({}, server.url);
  const store = new RedisStore(client);
  let seen: unknown;
  const app = await startApp({ store, secret }, (routes) => {
    routes.get('/', (req, res) => void res.json(req.session.set('user', CANARY).size));
    routes.use((error: unknown, _req: unknown, _res: unknown, next: (error: unknown) => void) => {
      seen = error;
      next(error);
    });
  });
  const { cookie, sessionKey } = await app.sessions.issue({ user: CANARY });
  await client.config('SET', 'maxmemory', '1');
  const events = await eventsDuring(async () => {
    expect((await app.client().get('/', { headers: { cookie } })).status).toBe(503);
  });
  expect(events.map(([name]) => name)).toEqual(['loaded', 'storeError']);
  const texts = [seen, events].flatMap(textsOf);
  expect(texts.join('')).toContain('OOM');
  expectNothingOf([CANARY, sessionKey, storeKeyOf(sessionKey)], texts);
});

test('a damaged record is nowhere quoted: not in the answer, an event, the log or a warning', async () => {
  const redis = connect();
  const prefix = ownPrefix();
  const said: string[] = [];
  const log = (...args: unknown[]) => void said.push(...args.map((arg) => inspect(arg)));
  const spies = (['log', 'info', 'warn', 'error', 'debug', 'trace'] as const).map((name) =>
    jest.spyOn(console, name).mockImplementation(log),
  );
  const outputs = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation((chunk) => said.push(String(chunk)) > 0),
  );
  const app = await startApp({ store: new RedisStore(redis, { prefix }), secret }, (routes) => {
    routes.get('/', (req, res) => void res.json([...req.session.keys(), req.session.decode(CANARY)]));
  });
  const events = await eventsDuring(async () => {
    for (const payload of [CANARY, `"${CANARY}"`, `{"${CANARY}":`, `["${CANARY}"]`, `{"a":"${CANARY}`]) {
      const { sessionKey, cookie } = await app.sessions.issue({});
      const key = prefix + storeKeyOf(sessionKey);
      await redis.set(key, ((await redis.get(key)) as string).slice(0, 14) + payload, 'EX', 60);
      const reply = await app.client().get('/', { headers: { cookie } });
      expect([reply.status, reply.body]).toEqual([200, '[{}]']);
    }
  });
  for (const spy of [...spies, ...outputs]) spy.mockRestore();
  expect(events.filter(([name]) => name === 'corrupt')).toHaveLength(10);
  expectNothingOf([CANARY], [...said, ...textsOf(events), ...textsOf(warnings)]);
  await app.close();
});
