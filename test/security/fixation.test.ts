import { MemoryStore, RedisStore, type SessionOptions } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import type { Client } from '../helpers/app.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { deferred, suspend, WatchedStore } from '../helpers/stores.js';
import { startApp } from './apps.js';

/** Pages that sign in and show who is signed in; `/slow` waits for the test in its handler. */
async function start(options: SessionOptions) {
  const arrived = deferred();
  const gate = deferred();
  const app = await startApp(options, (routes) => {
    routes.get('/ping', (_req, res) => void res.send('pong'));
    routes.get('/cart', (req, res) => void res.json(req.session.set('cart', ['tea']).size));
    routes.get('/who', (req, res) => void res.json([req.session.get('user', null), req.session.get('cart', null)]));
    routes.get('/login/:user', (req, res) => {
      req.session.cycleKey();
      req.session.set('user', req.params.user);
      res.send('in');
    });
    routes.get('/switch/:user', (req, res) => {
      req.session.flush();
      req.session.set('user', req.params.user);
      res.send('in');
    });
    routes.get('/slow', async (req, res) => {
      req.session.get('user');
      arrived.resolve();
      await gate.promise;
      res.send('late');
    });
  });
  return { app, arrived: arrived.promise, goOn: gate.resolve };
}

const who = async (client: Client, cookie: string) => JSON.parse((await client.get('/who', { headers: { cookie } })).body);
const keyIn = (cookie: string) => cookie.slice('sessionid='.length, 'sessionid='.length + 43);

describe('a login', () => {
  const redis = connect();
  const prefix = ownPrefix();

  test('gives a new key, and the one that an attacker planted leads nowhere', async () => {
    const store = new RedisStore(redis, { prefix });
    const { app } = await start({ store });
    const attacker = app.client();
    await attacker.get('/cart');
    const planted = attacker.cookie;
    const victim = app.client();
    victim.jar.set('sessionid', planted.slice('sessionid='.length));
    await victim.get('/login/ann');
    expect(victim.cookie).not.toBe(planted);
    expect(await who(app.client(), planted)).toEqual([null, null]);
    expect(await who(app.client(), victim.cookie)).toEqual(['ann', ['tea']]);
    // What is left under the old key is a marker without data: it keeps late requests from a session of their own.
    expect(await store.exists(storeKeyOf(keyIn(planted)))).toBe(false);
    expect(await redis.strlen(prefix + storeKeyOf(keyIn(planted)))).toBe(14);
    await app.close();
  });

  test('is answered only when the old key is dead', async () => {
    const store = new WatchedStore();
    const { app } = await start({ store });
    const client = app.client();
    await client.get('/cart');
    const old = client.cookie;
    const { reached, release } = suspend(store, 'retire');
    let answered = false;
    const login = client.get('/login/ann').then((reply) => {
      answered = true;
      return reply;
    });
    await reached;
    // Whatever had left before these would be here by now.
    for (const _ of [1, 2]) await app.client().get('/ping');
    expect(answered).toBe(false);
    release();
    expect((await login).setCookies).toHaveLength(1);
    expect(await who(app.client(), old)).toEqual([null, null]);
    await app.close();
  });

  test('of the same user again gives another key', async () => {
    const { app } = await start({ store: new MemoryStore() });
    const client = app.client();
    const cookies: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      await client.get('/login/ann');
      cookies.push(client.cookie);
    }
    expect(new Set(cookies).size).toBe(3);
    expect(await Promise.all(cookies.map(async (cookie) => (await who(app.client(), cookie))[0]))).toEqual([null, null, 'ann']);
    await app.close();
  });

  test('after flush() carries nothing over from the user before', async () => {
    const { app } = await start({ store: new MemoryStore() });
    const client = app.client();
    await client.get('/cart');
    await client.get('/login/ann');
    const ann = client.cookie;
    await client.get('/switch/bob');
    expect(await who(app.client(), client.cookie)).toEqual(['bob', null]);
    expect(await who(app.client(), ann)).toEqual([null, null]);
    await app.close();
  });
});

describe('a login whose store fails', () => {
  const down = () => {
    throw new Error('down');
  };

  test.each(['create', 'retire'] as const)('at %s is a 503 that leaves all as it was, and can be tried again', async (step) => {
    const store = new WatchedStore();
    const { app } = await start({ store });
    const client = app.client();
    await client.get('/cart');
    const old = client.cookie;
    const created: string[] = [];
    const { create } = store;
    store.create = (...args) => {
      created.push(args[0]);
      return create.apply(store, args);
    };
    store.before(step, down);
    const reply = await client.get('/login/ann');
    expect([reply.status, reply.setCookies]).toEqual([503, []]);
    // No one is signed in under any key, and no record is left that no cookie leads to.
    expect(await who(app.client(), old)).toEqual([null, ['tea']]);
    for (const key of created) expect(await store.read(key)).toBe(null);
    store.clearFaults();
    expect((await client.get('/login/ann')).status).toBe(200);
    expect(await who(app.client(), client.cookie)).toEqual(['ann', ['tea']]);
    expect(await who(app.client(), old)).toEqual([null, null]);
    await app.close();
  });

  test('after the old key was retired, but before that was heard, is a 503 and signs nobody in', async () => {
    const store = new WatchedStore();
    const { app } = await start({ store });
    const client = app.client();
    await client.get('/cart');
    const old = client.cookie;
    const { retire } = store;
    store.retire = async (...args) => {
      await retire.apply(store, args);
      return down();
    };
    const reply = await client.get('/login/ann');
    expect([reply.status, reply.setCookies]).toEqual([503, []]);
    // It fails closed: the visitor has lost the session, and nobody has gained one.
    expect(await who(app.client(), old)).toEqual([null, null]);
    await app.close();
  });
});

test.each([false, true])(
  'a slow answer to the old key leaves the cookie of the login alone (saveEveryRequest: %p)',
  async (saveEveryRequest) => {
    const { app, arrived, goOn } = await start({ store: new MemoryStore(), saveEveryRequest });
    const client = app.client();
    await client.get('/cart');
    const slow = client.get('/slow');
    await arrived;
    await client.get('/login/ann');
    const cookie = client.cookie;
    goOn();
    const reply = await slow;
    expect([reply.status, reply.body, reply.setCookies]).toEqual([200, 'late', []]);
    expect(client.cookie).toBe(cookie);
    expect(await who(client, cookie)).toEqual(['ann', ['tea']]);
    await app.close();
  },
);
