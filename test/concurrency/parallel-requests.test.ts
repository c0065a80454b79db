import type { Express, Request, Response } from 'express';
import { Redis } from 'ioredis';
import { MemoryStore, RedisStore, type SessionOptions, type Store } from 'sojourn';
import { type Client, type Reply, type Running, startApp } from '../helpers/app.js';
import { type Deferred, deferred } from '../helpers/stores.js';

// Two requests of one browser at a time: the first is suspended in its handler, the second acts, the first goes on.

const redis = new Redis(process.env.REDIS_URL as string);
afterAll(() => redis.disconnect());

/** An app whose handlers are given by the test, and wait where the test says. */
class Stage {
  readonly #handlers = new Map<string, (req: Request, res: Response) => unknown>();
  #count = 0;

  readonly routes = (app: Express) => {
    app.get('/:name', (req, res) => this.#handlers.get(req.params.name as string)?.(req, res));
  };

  /** Sends a request with this handler. */
  request(client: Client, handler: (req: Request) => unknown): Promise<Reply> {
    this.#count += 1;
    const name = `request-${this.#count}`;
    this.#handlers.set(name, async (req, res) => {
      await handler(req);
      res.send('done');
    });
    return client.get(`/${name}`);
  }

  /** Sends a request whose handler has loaded the session, and now waits until it is told to go on. */
  async suspended(client: Client, handler: (req: Request) => unknown): Promise<{ goOn: () => void; reply: Promise<Reply> }> {
    const arrived = deferred();
    const gate: Deferred = deferred();
    const reply = this.request(client, async (req) => {
      arrived.resolve();
      await gate.promise;
      await handler(req);
    });
    await arrived.promise;
    return { goOn: gate.resolve, reply };
  }
}

const stores: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(redis, { prefix: `parallel-${process.pid}:` })],
];

describe.each(stores)('on %s', (_name, makeStore) => {
  let app: Running;
  let stage: Stage;
  let client: Client;

  const start = async (options: SessionOptions = {}) => {
    stage = new Stage();
    app = await startApp({ store: makeStore(), ...options }, stage.routes);
    client = app.client();
    await stage.request(client, (req) => req.session.update({ start: 1, cart: ['tea'] }));
  };
  const data = async (who = client) => {
    let entries = {};
    await stage.request(who, (req) => {
      entries = Object.fromEntries(req.session.entries());
    });
    return entries;
  };
  /** What somebody sees who kept a cookie. */
  const dataOf = (cookie: string) => {
    const who = app.client();
    const [name, value] = cookie.split('=') as [string, string];
    who.jar.set(name, value);
    return data(who);
  };

  beforeEach(() => start());
  afterEach(() => app.close());

  test('two requests that change different keys both win', async () => {
    const first = await stage.suspended(client, (req) => req.session.set('a', 1));
    await stage.request(client, (req) => req.session.set('b', 2));
    first.goOn();
    expect((await first.reply).status).toBe(200);
    expect(await data()).toEqual({ start: 1, cart: ['tea'], a: 1, b: 2 });
  });

  test('on the same key the last one wins, and takes nothing else back', async () => {
    const first = await stage.suspended(client, (req) => req.session.set('a', 'late'));
    await stage.request(client, (req) => req.session.update({ a: 'early', b: 'kept' }));
    first.goOn();
    await first.reply;
    expect(await data()).toMatchObject({ a: 'late', b: 'kept' });
  });

  test('a change in place and a deletion are laid over what another request wrote', async () => {
    const first = await stage.suspended(client, (req) => {
      (req.session.get('cart') as string[]).push('milk');
      req.session.delete('start');
    });
    await stage.request(client, (req) => req.session.set('b', 2));
    first.goOn();
    await first.reply;
    expect(await data()).toEqual({ cart: ['tea', 'milk'], b: 2 });
  });

  test('clear() wins as a whole', async () => {
    const first = await stage.suspended(client, (req) => {
      req.session.clear();
      req.session.set('new', true);
    });
    await stage.request(client, (req) => req.session.set('b', 2));
    first.goOn();
    await first.reply;
    expect(await data()).toEqual({ new: true });
  });

  test('a request that only read takes nothing back', async () => {
    const first = await stage.suspended(client, (req) => req.session.get('start'));
    await stage.request(client, (req) => req.session.set('b', 2));
    first.goOn();
    expect((await first.reply).setCookies).toEqual([]);
    expect(await data()).toMatchObject({ b: 2 });
  });

  test('a logout is not undone by a request in flight, which is answered with 400', async () => {
    const cookie = client.cookie;
    const first = await stage.suspended(client, (req) => req.session.set('a', 1));
    await stage.request(client, (req) => req.session.flush());
    first.goOn();
    const reply = await first.reply;
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body).code).toBe('ERR_SESSION_INTERRUPTED');
    expect(reply.setCookies).toEqual([]);
    expect(await dataOf(cookie)).toEqual({});
  });

  test("with onInterrupted: 'discard' the late change is dropped quietly", async () => {
    await app.close();
    await start({ onInterrupted: 'discard' });
    const cookie = client.cookie;
    const first = await stage.suspended(client, (req) => req.session.set('a', 1));
    await stage.request(client, (req) => req.session.flush());
    first.goOn();
    const reply = await first.reply;
    expect([reply.status, reply.body, reply.setCookies]).toEqual([200, 'done', []]);
    expect(await dataOf(cookie)).toEqual({});
  });

  test('a request that only read a session deleted meanwhile is no error', async () => {
    const first = await stage.suspended(client, (req) => req.session.get('start'));
    await stage.request(client, (req) => req.session.flush());
    first.goOn();
    const reply = await first.reply;
    expect([reply.status, reply.setCookies]).toEqual([200, []]);
  });

  test('with saveEveryRequest a read does not bring back a session deleted meanwhile', async () => {
    await app.close();
    await start({ saveEveryRequest: true });
    const cookie = client.cookie;
    const first = await stage.suspended(client, (req) => req.session.get('start'));
    await stage.request(client, (req) => req.session.flush());
    first.goOn();
    const reply = await first.reply;
    expect([reply.status, reply.setCookies]).toEqual([200, []]);
    expect(await dataOf(cookie)).toEqual({});
  });

  test('a cycle does not bring back a session deleted meanwhile, and leaves no record', async () => {
    const cookie = client.cookie;
    let newKey: string | null = null;
    const first = await stage.suspended(client, (req) => {
      req.session.cycleKey();
      newKey = req.session.sessionKey;
    });
    await stage.request(client, (req) => req.session.flush());
    first.goOn();
    expect((await first.reply).status).toBe(400);
    expect(await dataOf(cookie)).toEqual({});
    let exists = true;
    await stage.request(client, async (req) => {
      exists = await req.session.exists(newKey as unknown as string);
    });
    expect(exists).toBe(false);
  });

  test('what was written while another request signed in comes along, and the old key is dead', async () => {
    const old = client.cookie;
    const login = await stage.suspended(client, (req) => {
      req.session.cycleKey();
      req.session.set('userId', 5);
    });
    await stage.request(client, (req) => req.session.set('b', 2));
    login.goOn();
    expect((await login.reply).status).toBe(200);
    expect(await data()).toEqual({ start: 1, cart: ['tea'], userId: 5, b: 2 });
    expect(await dataOf(old)).toEqual({});
  });

  test('two logins at once give two sessions, neither with the old key, and no 400', async () => {
    const old = client.cookie;
    const twin = app.client();
    twin.jar.set('sessionid', client.jar.get('sessionid') as string);
    const first = await stage.suspended(client, (req) => {
      req.session.cycleKey();
      req.session.set('userId', 1);
    });
    const second = await stage.suspended(twin, (req) => {
      req.session.cycleKey();
      req.session.set('userId', 2);
    });
    first.goOn();
    expect((await first.reply).status).toBe(200);
    second.goOn();
    expect((await second.reply).status).toBe(200);
    expect(new Set([old, client.cookie, twin.cookie]).size).toBe(3);
    expect(await data()).toEqual({ start: 1, cart: ['tea'], userId: 1 });
    expect(await data(twin)).toEqual({ start: 1, cart: ['tea'], userId: 2 });
    expect(await dataOf(old)).toEqual({});
  });

  test('a late request with the old key neither deletes nor replaces the cookie that the login set', async () => {
    const old = client.cookie;
    const late = await stage.suspended(client, (req) => req.session.set('late', true));
    await stage.request(client, (req) => req.session.cycleKey());
    late.goOn();
    const interrupted = await late.reply;
    expect([interrupted.status, interrupted.setCookies]).toEqual([400, []]);
    // Nor does one that arrives later, whether it reads or writes.
    const replay = async (handler: (req: Request) => unknown) => {
      const who = app.client();
      who.jar.set('sessionid', old.slice('sessionid='.length));
      return stage.request(who, handler);
    };
    const reading = await replay((req) => req.session.get('start'));
    expect([reading.status, reading.setCookies]).toEqual([200, []]);
    const writing = await replay((req) => req.session.set('late', true));
    expect([writing.status, writing.setCookies]).toEqual([400, []]);
    expect(await data()).toEqual({ start: 1, cart: ['tea'] });
  });

  test('eight requests that each set a key of their own lose nothing, round after round', async () => {
    for (let round = 0; round < 25; round += 1) {
      const keys = Array.from({ length: 8 }, (_, index) => `key-${round}-${index}`);
      const replies = await Promise.all(keys.map((key) => stage.request(client, (req) => req.session.set(key, round))));
      expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(200));
      const stored = await data();
      expect(Object.keys(stored)).toEqual(expect.arrayContaining(keys));
    }
  });
});
