import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { encrypted, RedisStore, Session, type SessionOptions, type Store } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { TestClock } from '../helpers/clock.js';
import { eventNamesDuring, eventsDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { WatchedStore } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { startApp } from './apps.js';

const warnings = recordWarnings();

/** An app with the acts of a session's life. */
async function start(options: SessionOptions = {}) {
  const store = new WatchedStore(options.clock && { clock: options.clock });
  const app = await startApp({ store, ...options }, (routes) => {
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/write', (req, res) => void res.json([...req.session.set('at', Math.random()).keys()]));
    routes.get('/login', (req, res) => {
      req.session.cycleKey();
      req.session.set('user', 'ann');
      res.send('in');
    });
    routes.get('/logout', (req, res) => {
      req.session.flush();
      res.send('out');
    });
  });
  return { app, store, client: app.client() };
}

describe('each happening is published once:', () => {
  let scene: Awaited<ReturnType<typeof start>>;
  const clock = new TestClock();

  beforeEach(async () => {
    scene = await start({ clock: clock.read, absoluteTimeout: { hours: 1 } });
    await scene.client.get('/write');
  });
  afterEach(() => scene.app.close());

  const names = (path: string) => eventNamesDuring(() => scene.client.get(path));

  test('a first write is created', async () => {
    const visitor = scene.app.client();
    expect(await eventNamesDuring(() => visitor.get('/write'))).toEqual(['created']);
  });
  test('a read is loaded', async () => expect(await names('/read')).toEqual(['loaded']));
  test('a write is loaded, saved', async () => expect(await names('/write')).toEqual(['loaded', 'saved']));
  test('a login is loaded, created, cycled', async () => expect(await names('/login')).toEqual(['loaded', 'created', 'cycled']));
  test('a logout is loaded, flushed', async () => expect(await names('/logout')).toEqual(['loaded', 'flushed']));

  test('a session whose time is over is loaded, and not found', async () => {
    clock.advance(3600);
    expect(await eventsDuring(() => scene.client.get('/read'))).toEqual([['loaded', expect.objectContaining({ found: false })]]);
  });

  test('one that a shorter absolute timeout ends is loaded, expired', async () => {
    clock.advance(600);
    const stricter = await start({ store: scene.store, clock: clock.read, absoluteTimeout: { minutes: 10 } });
    stricter.client.jar.set('sessionid', scene.client.jar.get('sessionid') as string);
    expect(await eventsDuring(() => stricter.client.get('/read'))).toEqual([
      ['loaded', expect.objectContaining({ found: true })],
      ['expired', { session: expect.any(String), reason: 'absolute' }],
    ]);
    await stricter.app.close();
  });

  test('a bad signature is refused', async () => {
    const cookie = scene.client.cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const events = await eventsDuring(() => scene.client.get('/read', { headers: { cookie } }));
    expect(events).toEqual([['refused', { reason: 'signature', cookies: 1 }]]);
  });

  test('a fault of the store is storeError', async () => {
    scene.store.before('read', () => {
      throw new Error('down');
    });
    expect(await names('/read')).toEqual(['storeError']);
  });

  test('a write that meets another is conflict, saved; one that meets a logout is interrupted', async () => {
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => reopen(scene.store, scene.client.jar)));
    expect(await eventNamesDuring(() => first?.set('a', 1).save())).toEqual(['saved']);
    expect(await eventNamesDuring(() => second?.set('b', 2).save())).toEqual(['conflict', 'saved']);
    await scene.client.get('/logout');
    const events = await eventNamesDuring(() => expect(third?.set('c', 3).save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' }));
    expect(events).toEqual(['interrupted']);
  });

  test('a record of other keys is loaded, corrupt', async () => {
    const other = await startApp({ store: scene.store, codec: encrypted('an encryption key of thirty-two characters') }, (routes) => {
      routes.get('/read', (req, res) => void res.json(req.session.size));
    });
    const visitor = other.client();
    visitor.jar.set('sessionid', scene.client.jar.get('sessionid') as string);
    expect(await eventNamesDuring(() => visitor.get('/read'))).toEqual(['loaded', 'corrupt']);
    await other.close();
  });
});

test('an event holds fingerprints, numbers and fixed words: nothing that could break a line of a log', async () => {
  const prefix = ownPrefix();
  const { app, client } = await start({ store: new RedisStore(connect(), { prefix }) });
  const events = await eventsDuring(async () => {
    for (const path of ['/write', '/login', '/write', '/logout']) await client.get(path, { headers: { 'user-agent': 'a\tb' } });
  });
  expect(events.length).toBeGreaterThan(6);
  for (const [, message] of events) {
    for (const value of Object.values(message)) expect(`${value}`).toMatch(/^([\w-]{12}|true|false|\d+(\.\d+)?)$/);
  }
  await app.close();
});

test('who listens is told once and can leave again, also who came first and leaves last', async () => {
  const { app } = await start();
  const events = channel('sojourn:created');
  const before = events.hasSubscribers;
  const seen: unknown[] = [];
  const listen = (message: unknown) => void seen.push(message);
  for (let round = 1; round <= 3; round += 1) {
    subscribe('sojourn:created', listen);
    await app.client().get('/write');
    expect(seen).toHaveLength(round);
    expect(events.unsubscribe(listen)).toBe(true);
    expect(events.hasSubscribers).toBe(before);
    await app.client().get('/write');
    expect(seen).toHaveLength(round);
  }
  expect(events.unsubscribe(listen)).toBe(false);
});

describe('a listener that fails harms nothing:', () => {
  const ways: [string, () => unknown][] = [
    ['throws', () => thrower()],
    ['throws what is no error', () => thrower('a text')],
    ['rejects', () => Promise.reject(new Error('a slip in the logging'))],
  ];
  const thrower = (what: unknown = new Error('a slip in the logging')): never => {
    throw what;
  };

  test.each(ways)('one that %s', async (_way, fail) => {
    const { app, client } = await start();
    const seen: unknown[] = [];
    const listen = (message: unknown) => void seen.push(message);
    subscribe('sojourn:created', fail);
    subscribe('sojourn:created', listen);
    // What Node makes of a thrown error, it does in the next tick: long before an answer has come back.
    const reply = await client.get('/write');
    expect([reply.status, reply.body]).toEqual([200, '["at"]']);
    expect(seen).toHaveLength(1);
    expect(unsubscribe('sojourn:created', fail)).toBe(true);
    expect(unsubscribe('sojourn:created', listen)).toBe(true);
    await app.client().get('/write');
    expect(seen).toHaveLength(1);
    await app.close();
  });

  test('and is reported once, with what it threw', () => {
    expect(warnings.map(({ code }) => code)).toEqual(['SOJOURN_LISTENER']);
    expect(warnings[0]?.message).toMatch(/sojourn:created.*a slip in the logging/);
  });

  test('what is no listener is refused as ever, and who never subscribed can leave', () => {
    expect(() => subscribe('sojourn:created', 'text' as unknown as () => void)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(unsubscribe('sojourn:created', () => {})).toBe(false);
  });
});

async function reopen(store: Store, jar: Map<string, string>): Promise<Session> {
  const sessionKey = (jar.get('sessionid') as string).slice(0, 43);
  expect(await store.exists(storeKeyOf(sessionKey))).toBe(true);
  return new Session({ store, sessionKey }).load();
}
