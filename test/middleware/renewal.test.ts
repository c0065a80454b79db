import { MemoryStore, Session } from 'sojourn';
import { startApp } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { deferred } from '../helpers/stores.js';

// saveEveryRequest renews a session, but never beyond what it was told.

async function start() {
  const clock = new TestClock();
  const store = new MemoryStore({ clock: clock.read });
  const waiting = { reached: deferred(), gate: deferred() };
  const app = await startApp({ store, clock: clock.read, saveEveryRequest: true }, (routes) => {
    routes.get('/login', (req, res) => {
      req.session.set('user', 1);
      if (req.query.for) req.session.setExpiry({ seconds: Number(req.query.for) });
      res.end();
    });
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/slow', async (req, res) => {
      req.session.get('user');
      waiting.reached.resolve();
      await waiting.gate.promise;
      res.end();
    });
  });
  return { ...app, clock, store, waiting };
}

test('a fixed time ends a session however busy its visitor is', async () => {
  const app = await start();
  const client = app.client();
  await client.get('/login?for=10');
  for (let elapsed = 0; elapsed < 8.7; elapsed += 0.7) {
    expect((await client.get('/read')).body).toBe('1');
    app.clock.advance(0.7);
  }
  // Ages are rounded down, like Django's: the last second is over at its beginning.
  app.clock.advance(0.5);
  const last = await client.get('/read');
  expect(last.setCookies.every((cookie) => cookie.includes('Max-Age=0'))).toBe(true);
  expect((await client.get('/read')).body).toBe('null');
  await app.close();
});

test('a request that only read does not undo a shorter expiry that another one has set', async () => {
  const app = await start();
  const client = app.client();
  await client.get('/login');
  const slow = client.get('/slow');
  await app.waiting.reached.promise;
  await client.get('/login?for=10');
  app.waiting.gate.resolve();
  expect((await slow).setCookies).toEqual([]);
  app.clock.advance(11);
  expect((await client.get('/read')).body).toBe('null');
  await app.close();
});

test('a touch of a record that is corrupt gives it no more time', async () => {
  const app = await start();
  const { sessionKey, cookie } = await app.sessions.issue({ user: 1 });
  const { storeKeyOf } = await import('../../src/session-key.js');
  const key = storeKeyOf(sessionKey);
  const { version } = (await app.store.read(key)) as { version: string };
  await app.store.update(key, '{bad', version, 100);
  for (let round = 0; round < 3; round += 1) {
    await app.client().get('/read', { headers: { cookie } });
    app.clock.advance(40);
  }
  expect(await app.store.read(key)).toBeNull();
  await app.close();
});

test('a session that was destroyed by hand is not given its cookie', async () => {
  const app = await startApp({}, (routes) => {
    routes.get('/', (req, res, next) => {
      req.session.set('a', 1);
      req.session
        .save()
        .then(() => req.session.destroy())
        .then(() => res.end(), next);
    });
  });
  expect((await app.client().get('/')).setCookies).toEqual([]);
  await app.close();
});

test('callbacks of express-session are refused at once, with the way to go', () => {
  const session = new Session({ store: new MemoryStore() });
  const callback = () => undefined;
  expect(() => session.save(callback as never)).toThrow(/returns a promise/);
  expect(() => session.destroy(callback as never)).toThrow(/flush\(\)/);
});
