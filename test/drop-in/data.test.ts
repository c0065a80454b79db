import { suspend } from '../helpers/stores.js';
import { bagOf, type DropIn, dataIn, setting, signIn, startDropIn } from './app.js';

// What is kept of the properties that an application sets, and when that is a change.

describe('data', () => {
  test('changed in place are saved, also inside of what was set in the same request', async () => {
    const app = await startDropIn();
    const client = app.client();
    await app.ask(client, (req) => {
      req.session.cart = [];
      req.session.cart.push('pen');
    });
    await app.ask(client, (req) => void req.session.cart?.push('ink'));
    expect(await app.dataOf(client.cookie)).toEqual({ cart: ['pen', 'ink'] });
  });

  test('are what JSON makes of them: a Date is a text, undefined and functions are nothing, NaN is null', async () => {
    const app = await startDropIn();
    const client = app.client();
    await app.ask(client, (req) => {
      const values = {
        at: new Date(0),
        nothing: undefined,
        run: () => 1,
        sign: Symbol('s'),
        no: Number.NaN,
        list: [undefined],
        map: new Map([[1, 2]]),
      };
      Object.assign(req.session, values);
    });
    expect(await app.dataOf(client.cookie)).toEqual({ at: '1970-01-01T00:00:00.000Z', no: null, list: [null], map: {} });
  });

  test.each([
    ['a BigInt', () => 10n],
    [
      'what contains itself',
      () => {
        const self: Record<string, unknown> = {};
        self.self = self;
        return self;
      },
    ],
  ])('that have no JSON, %s, are an error that names the property, and nothing is stored', async (_, value) => {
    const app = await startDropIn();
    const client = app.client();
    const reply = await app.ask(client, (req) => void Object.assign(req.session, { user: 'ada', total: { in: value() } }));
    expect([reply.status, JSON.parse(reply.body)]).toEqual([
      500,
      { code: 'ERR_SESSION_VALUE', message: expect.stringContaining('"total"') },
    ]);
    expect([client.cookie, app.store.calls]).toEqual(['', []]);
  });

  test('may have the names of methods, and are found again under them', async () => {
    const names = ['get', 'set', 'has', 'delete', 'pop', 'keys', 'values', 'entries', 'size', 'update', 'clear', 'flush', 'cycleKey'];
    names.push('setDefault', 'sessionKey', 'then', 'toJSON', 'sojourn', '', '0');
    const app = await startDropIn();
    const client = app.client();
    await app.ask(client, (req) => {
      for (const name of names) bagOf(req)[name] = `mine: ${name}`;
    });
    const all = Object.fromEntries(names.map((name) => [name, `mine: ${name}`]));
    expect(await app.dataOf(client.cookie)).toEqual(all);
    await app.ask(client, (req) => {
      bagOf(req).entries = 1;
      delete bagOf(req).get;
    });
    const { get: _, ...others } = all;
    expect(await app.dataOf(client.cookie)).toEqual({ ...others, entries: 1 });
  });

  test('under the names of express-session’s own methods, or of what every object has, are not kept; the next request works', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    for (const name of ['save', 'touch', 'resetMaxAge', 'reload', 'destroy', 'regenerate', 'constructor', 'hasOwnProperty', 'toString']) {
      expect([name, (await app.ask(client, setting({ [name]: 'mine' }))).status]).toEqual([name, 200]);
    }
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
  });

  test('that come in as __proto__ change no prototype but that one object’s, and harm no other request', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    await app.ask(client, (req) => void Object.assign(req.session, JSON.parse('{ "__proto__": { "admin": true } }')));
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
    expect(Reflect.get({}, 'admin')).toBeUndefined();
  });

  test('that are too many are an error, and the session stays as it was', async () => {
    const app = await startDropIn({ maxBytes: 1000 });
    const client = await signIn(app);
    const reply = await app.ask(client, setting({ user: 'x'.repeat(2000) }));
    expect([reply.status, JSON.parse(reply.body).code]).toEqual([500, 'ERR_SESSION_TOO_LARGE']);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
  });
});

describe('a change', () => {
  let app: DropIn;
  beforeEach(async () => {
    app = await startDropIn();
  });

  /** What the store is asked for by a request that does this in a session with a user and a cart. */
  async function callsOf(act: (session: Record<string, unknown>) => unknown): Promise<string[]> {
    const client = await signIn(app);
    await app.ask(client, setting({ cart: ['pen'] }));
    app.store.calls.length = 0;
    await app.ask(client, (req) => void act(bagOf(req)));
    return [...app.store.calls];
  }

  test.each<[string, (session: Record<string, unknown>) => unknown]>([
    ['reading', (session) => session.user],
    ['setting what is there already', (session) => Object.assign(session, { user: 'ada' })],
    ['setting another object that says the same', (session) => Object.assign(session, { cart: ['pen'] })],
    ['setting undefined, or a function', (session) => Object.assign(session, { none: undefined, run: () => 1 })],
    ['changing and changing back', (session) => [(session.cart as string[]).push('ink'), (session.cart as string[]).pop()]],
    ['setting and deleting', (session) => Reflect.deleteProperty(Object.assign(session, { more: 1 }), 'more')],
  ])('is not: %s. The session is renewed only', async (_, act) => {
    expect(await callsOf(act)).toEqual(['read', 'touch']);
  });

  test.each<[string, (session: Record<string, unknown>) => unknown]>([
    ['setting', (session) => Object.assign(session, { user: 'bob' })],
    ['setting to undefined', (session) => Object.assign(session, { user: undefined })],
    ['deleting', (session) => delete session.cart],
    ['pushing', (session) => (session.cart as string[]).push('ink')],
    [
      'pushing, and then setting a copy',
      (session) => (session.cart as string[]).push('ink') && Object.assign(session, { cart: [...(session.cart as string[])] }),
    ],
    ['setting a copy, and then pushing to that', (session) => Object.assign(session, { cart: ['pen'] }).cart.push('ink')],
  ])('is: %s', async (_, act) => {
    expect(await callsOf(act)).toEqual(['read', 'update']);
  });

  test('by undefined or a function alone makes no session', async () => {
    const client = app.client();
    await app.ask(client, (req) => void Object.assign(req.session, { none: undefined, run: () => 1 }));
    expect([client.cookie, app.store.calls]).toEqual(['', []]);
  });
});

describe('a save by hand', () => {
  test('stores at once, and what is changed after it is stored as well', async () => {
    const app = await startDropIn();
    const client = app.client();
    await app.ask(client, async (req) => {
      req.session.cart = ['pen'];
      await req.session.save();
      expect(app.store.calls).toEqual(['create']);
      req.session.cart.push('ink');
      req.session.user = 'ada';
    });
    expect(app.store.calls).toEqual(['create', 'update']);
    expect(await app.dataOf(client.cookie)).toEqual({ cart: ['pen', 'ink'], user: 'ada' });
  });

  test('that met another request’s write keeps it, and so does the next, whatever this request has seen', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    await app.ask(client, (req) => void Object.assign(req.session, { a: 1, b: { n: 1 }, c: 1 }));
    const slow = await app.suspended(client, async (req) => {
      const session = bagOf(req);
      session.own = 1;
      await req.session.save();
      // The same as this request has read; the other has changed them.
      session.a = 1;
      session.b = { n: 1 };
      session.later = 1;
      return dataIn(req);
    });
    await app.ask(client, (req) => {
      Object.assign(req.session, { a: 2, b: { n: 2 }, theirs: 1 });
      delete bagOf(req).c;
    });
    slow.goOn();
    expect((await slow.reply).status).toBe(200);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', a: 2, b: { n: 2 }, theirs: 1, own: 1, later: 1 });
  });

  test('twice at once stores both', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    await app.ask(client, async (req) => {
      bagOf(req).first = 1;
      const first = req.session.save();
      bagOf(req).second = 1;
      await Promise.all([first, req.session.save()]);
    });
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', first: 1, second: 1 });
  });

  test('that nobody waits for, and that fails, is tried again with the response; if that fails as well, so does the response', async () => {
    const app = await startDropIn();
    const client = app.client();
    const down = () => Promise.reject(new Error('down'));
    app.store.before('create', () => {
      app.store.clearFaults();
      return down();
    });
    const saved = await app.ask(client, (req) => {
      req.session.user = 'ada';
      void req.session.save();
    });
    expect([saved.status, await app.dataOf(client.cookie)]).toEqual([200, { user: 'ada' }]);

    app.store.before('update', down);
    const failed = await app.ask(client, (req) => {
      req.session.user = 'bob';
      void req.session.save();
    });
    expect([failed.status, JSON.parse(failed.body).code]).toEqual([503, 'ERR_STORE_UNAVAILABLE']);
  });

  test('that nobody waits for, of a session that a logout has ended, is a 400 and no false 200', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    const slow = await app.suspended(client, (req) => {
      req.session.views = 1;
      void req.session.save();
    });
    await app.ask(client, (req) => req.session.destroy());
    slow.goOn();
    expect([(await slow.reply).status, (await slow.reply).setCookies]).toEqual([400, []]);
    expect(await app.dataOf(cookie)).toEqual({});
  });

  test('tells its callback, and who has heard of it answers as they like', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const codes: unknown[] = [];
    const slow = await app.suspended(client, async (req) => {
      req.session.views = 1;
      await new Promise<void>((resolve) => {
        req.session.save((error) => {
          codes.push((error as { code?: string } | null)?.code);
          resolve();
        });
      });
      return 'sign in again';
    });
    await app.ask(client, (req) => req.session.destroy());
    slow.goOn();
    expect([(await slow.reply).status, (await slow.reply).body, codes]).toEqual([200, '"sign in again"', ['ERR_SESSION_INTERRUPTED']]);
  });

  test('that fails is given to the callback, with an error that says what the store has', async () => {
    const app = await startDropIn();
    app.store.before('create', () => Promise.reject(new Error('down')));
    const reply = await app.ask(app.client(), (req, res) => {
      req.session.user = 'ada';
      return new Promise((resolve) => req.session.save((error) => resolve(res.json((error as Error & { code: string }).code))));
    });
    expect(reply.status).toBe(503);
  });
});

describe('reload', () => {
  test('shows what another request has stored, in the same object, and forgets what wasn’t saved', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const slow = await app.suspended(client, async (req) => {
      const { session } = req;
      session.views = 99;
      await session.reload();
      return [session === req.session, dataIn(req)];
    });
    await app.ask(client, setting({ cart: ['pen'] }));
    slow.goOn();
    expect(JSON.parse((await slow.reply).body)).toEqual([true, { user: 'ada', cart: ['pen'] }]);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', cart: ['pen'] });
  });

  test('of a session that was never stored, or was deleted, fails', async () => {
    const app = await startDropIn();
    const message = (req: { session: { reload(): Promise<void> } }) => req.session.reload().catch((error: Error) => error.message);
    expect((await app.ask(app.client(), (req) => message(req))).body).toBe('"failed to load session"');
    const client = await signIn(app);
    const slow = await app.suspended(client, (req) => message(req));
    await app.ask(client, (req) => req.session.destroy());
    slow.goOn();
    expect((await slow.reply).body).toBe('"failed to load session"');
  });

  test('with the store down is its error', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const slow = await app.suspended(client, (req) => req.session.reload());
    app.store.before('read', () => Promise.reject(new Error('down')));
    slow.goOn();
    expect((await slow.reply).status).toBe(503);
  });
});

test('of two responses that store the same property at once the later one wins, and none fails', async () => {
  const app = await startDropIn();
  const client = await signIn(app);
  const update = suspend(app.store, 'update');
  const first = app.ask(client, setting({ views: 1 }));
  await update.reached;
  app.store.clearFaults();
  await app.ask(client, setting({ views: 2 }));
  update.release();
  expect((await first).status).toBe(200);
  expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', views: 1 });
});
