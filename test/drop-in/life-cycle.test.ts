import { suspend } from '../helpers/stores.js';
import { bagOf, type DropIn, ID, idOf, LEFT, setting, signIn, startDropIn, withCookie } from './app.js';

// Beginning, ending and renaming sessions, in every order, twice, and without waiting for it.

const down = () => Promise.reject(new Error('down'));

describe('regenerate', () => {
  test('ends the session and begins another one, with a callback and with a promise', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    for (const way of ['callback', 'promise']) {
      const before = client.cookie;
      const old = idOf(client);
      const reply = await app.ask(client, async (req, res) => {
        const { session } = req;
        const proceed = () => {
          expect(req.session).not.toBe(session);
          expect(req.session.id).toBe(req.sessionID);
          expect(bagOf(req).user).toBeUndefined();
          req.session.user = way;
          res.json(req.sessionID !== old);
        };
        if (way === 'promise') return session.regenerate().then(proceed);
        session.regenerate(proceed);
        return LEFT;
      });
      expect(reply.body).toBe('true');
      expect(client.cookie).not.toBe(before);
      expect([await app.dataOf(before), await app.dataOf(client.cookie)]).toEqual([{}, { user: way }]);
    }
  });

  test('twice, one after the other or at once, leaves one session', async () => {
    const app = await startDropIn();
    for (const atOnce of [false, true]) {
      const client = await signIn(app);
      const { cookie } = client;
      app.store.calls.length = 0;
      await app.ask(client, async (req) => {
        if (atOnce) await Promise.all([req.session.regenerate(), req.session.regenerate()]);
        else await req.session.regenerate();
        if (!atOnce) await req.session.regenerate();
        req.session.user = 'bob';
      });
      expect([await app.dataOf(cookie), await app.dataOf(client.cookie)]).toEqual([{}, { user: 'bob' }]);
      expect(app.store.calls.filter((call) => call === 'create')).toHaveLength(1);
    }
  });

  test('that nobody waits for is over before the response leaves, and what was set on the old session is lost with it', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    const retire = suspend(app.store, 'retire');
    const reply = app.ask(client, (req) => {
      void req.session.regenerate();
      req.session.user = 'too early';
    });
    await retire.reached;
    retire.release();
    expect((await reply).status).toBe(200);
    expect(client.cookie).not.toBe(cookie);
    expect([await app.dataOf(cookie), await app.dataOf(client.cookie)]).toEqual([{}, {}]);
  });

  test('that nobody waits for and that fails is a 503', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    app.store.before('retire', down);
    const reply = await app.ask(client, (req) => void req.session.regenerate());
    expect([reply.status, reply.setCookies]).toEqual([503, []]);
    expect(await app.dataOf(cookie)).toEqual({ user: 'ada' });
  });

  test('that fails tells so, and who only answers then leaves record and cookie as they were', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    app.store.before('retire', down);
    const reply = await app.ask(client, (req) => req.session.regenerate().catch((error: { code: string }) => error.code));
    expect([reply.body, reply.setCookies]).toEqual(['"ERR_STORE_UNAVAILABLE"', []]);
    expect(await app.dataOf(cookie)).toEqual({ user: 'ada' });
  });

  test('of a visitor without a session makes one', async () => {
    const app = await startDropIn();
    const client = app.client();
    await app.ask(client, (req) => req.session.regenerate());
    expect(idOf(client)).toMatch(/^[\w-]{43}$/);
  });

  test('and then save() by hand, as passport does, sends the new cookie', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const before = client.cookie;
    await app.ask(client, (req, res) => {
      req.session.regenerate(() => {
        req.session.user = 'bob';
        req.session.save((error) => void (error ? res.sendStatus(500) : res.redirect('/')));
      });
      return LEFT;
    });
    expect(client.cookie).not.toBe(before);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'bob' });
  });

  test('after destroy() begins anew', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    await app.ask(client, async (req) => {
      const { session } = req;
      await session.destroy();
      await session.regenerate();
      req.session.user = 'bob';
    });
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'bob' });
  });
});

describe('the session from before regenerate()', () => {
  test('can’t be stored, reloaded or ended any more: it would come back', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    const reply = await app.ask(client, async (req) => {
      const old = req.session;
      await old.regenerate();
      const messages: string[] = [];
      for (const act of [() => old.save(), () => old.reload(), () => old.destroy(), () => old.regenerate(), async () => old.cycleKey()]) {
        await act().catch((error: Error) => messages.push(error.message));
      }
      return messages;
    });
    expect(JSON.parse(reply.body)).toEqual(Array(5).fill('This session has ended: req.session is another one.'));
    expect(await app.dataOf(cookie)).toEqual({});
  });
});

describe('destroy', () => {
  test('ends record, req.session and cookie, with a callback and with a promise', async () => {
    const app = await startDropIn();
    for (const way of ['callback', 'promise']) {
      const client = await signIn(app);
      const { cookie } = client;
      const reply = await app.ask(client, async (req, res) => {
        const { session } = req;
        if (way === 'promise') {
          await session.destroy();
          return req.session === undefined;
        }
        session.destroy(() => void res.json(req.session === undefined));
        return LEFT;
      });
      expect([reply.body, client.cookie, await app.dataOf(cookie)]).toEqual(['true', '', {}]);
    }
  });

  test('that nobody waits for is over before the response leaves; if it fails, so does the response', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    app.store.before('delete', down);
    const failed = await app.ask(client, (req) => void req.session.destroy());
    expect([failed.status, failed.setCookies]).toEqual([503, []]);
    expect(await app.dataOf(cookie)).toEqual({ user: 'ada' });

    const deletion = suspend(app.store, 'delete');
    let answered = false;
    const reply = app.ask(client, (req) => void req.session.destroy());
    void reply.then(() => {
      answered = true;
    });
    await deletion.reached;
    await app.dataOf('none=1');
    expect(answered).toBe(false);
    deletion.release();
    expect([(await reply).status, client.cookie, await app.dataOf(cookie)]).toEqual([200, '', {}]);
  });

  test('twice is no error; save() and reload() after it are, and bring nothing back', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    const reply = await app.ask(client, async (req) => {
      const { session } = req;
      await session.destroy();
      await session.destroy();
      session.user = 'again';
      return Promise.all([session.save(), session.reload()].map((done) => done.catch((error: Error) => error.message)));
    });
    expect(JSON.parse(reply.body)).toEqual(Array(2).fill('This session has ended: it was destroyed.'));
    expect([client.cookie, await app.dataOf(cookie)]).toEqual(['', {}]);
    expect(app.store.calls.filter((call) => call === 'create')).toHaveLength(1);
  });

  test('in one breath with the answer counts as well, and the cookie goes', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { cookie } = client;
    await app.ask(client, (req, res) => {
      req.session.views = 1;
      res.json('bye');
      void req.session.destroy();
    });
    expect([client.cookie, await app.dataOf(cookie)]).toEqual(['', {}]);
  });

  test('deletes the cookie with the attributes it was set with, whatever the options say now', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    await app.ask(client, (req) => {
      req.session.cookie.path = '/act';
      req.session.cookie.sameSite = 'strict';
    });
    const { setCookies } = await app.ask(client, (req) => req.session.destroy());
    expect(setCookies).toEqual([`${ID}=; Path=/act; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Strict`]);
  });
});

describe('req.session = null', () => {
  test('leaves the session as it is', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const { setCookies } = await app.ask(client, (req) => {
      req.session.user = 'bob';
      req.session = null;
    });
    expect([setCookies, await app.dataOf(client.cookie)]).toEqual([[], { user: 'ada' }]);
  });

  test.each<[string, (req: { session: unknown }) => unknown]>([
    ['= null', (req) => Object.assign(req, { session: null })],
    ['deleted', (req) => Reflect.deleteProperty(req, 'session')],
  ])('with unset: destroy, %s, ends the session, before the response leaves', async (_, unset) => {
    const app = await startDropIn({ unset: 'destroy' });
    const client = await signIn(app);
    const { cookie } = client;
    app.store.before('delete', down);
    expect((await app.ask(client, (req) => void unset(req))).status).toBe(503);
    app.store.clearFaults();
    await app.ask(client, (req) => void unset(req));
    expect([client.cookie, await app.dataOf(cookie)]).toEqual(['', {}]);
  });

  test('with unset: destroy, of a visitor without a session, costs nothing', async () => {
    const app = await startDropIn({ unset: 'destroy' });
    const { setCookies } = await app.ask(app.client(), (req) => {
      req.session = null;
    });
    expect([setCookies, app.store.calls]).toEqual([[], []]);
  });

  test('with unset: destroy, after a regenerate() and a save, ends the new session as well', async () => {
    const app = await startDropIn({ unset: 'destroy' });
    const client = await signIn(app);
    let id = '';
    await app.ask(client, async (req) => {
      await req.session.regenerate();
      await req.session.save();
      id = req.sessionID;
      req.session = null;
    });
    expect(id).not.toBe('');
    expect(client.cookie).toBe('');
    expect(app.store.calls.filter((call) => call === 'delete')).toHaveLength(1);
  });
});

describe('Sojourn’s own', () => {
  let app: DropIn;
  beforeEach(async () => {
    app = await startDropIn();
  });

  test('cycleKey() changes the ID and keeps data and object; the old ID is dead before the response leaves', async () => {
    const client = await signIn(app);
    const { cookie } = client;
    await app.ask(client, (req) => {
      const { session, sessionID } = req;
      session.cycleKey();
      expect([req.session === session, req.sessionID === session.id, sessionID === session.id]).toEqual([true, true, false]);
      session.views = 1;
    });
    expect([await app.dataOf(cookie), await app.dataOf(client.cookie)]).toEqual([{}, { user: 'ada', views: 1 }]);
  });

  test('cycleKey() twice, and before destroy() or regenerate(), leaves nothing behind', async () => {
    for (const then of ['cycle', 'destroy', 'regenerate'] as const) {
      const client = await signIn(app);
      const { cookie } = client;
      await app.ask(client, async (req) => {
        req.session.cycleKey();
        if (then === 'cycle') req.session.cycleKey();
        else await req.session[then]();
      });
      expect(await app.dataOf(cookie)).toEqual({});
      expect(await app.dataOf(client.cookie || 'none=1')).toEqual(then === 'cycle' ? { user: 'ada' } : {});
      expect(client.cookie === '').toBe(then === 'destroy');
    }
  });

  test('cycleKey() of a session that a logout has ended meanwhile is a 400, and with discard nothing happens', async () => {
    for (const onInterrupted of ['error', 'discard'] as const) {
      app = await startDropIn({ onInterrupted });
      const client = await signIn(app);
      const { cookie } = client;
      const slow = await app.suspended(client, (req) => req.session.cycleKey());
      await app.ask(client, (req) => req.session.destroy());
      slow.goOn();
      const { status, setCookies } = await slow.reply;
      expect([status, setCookies]).toEqual([onInterrupted === 'error' ? 400 : 200, []]);
      expect(await app.dataOf(cookie)).toEqual({});
    }
  });

  test('flush() logs out; what is set afterwards is a session of its own, with the cookie of the options', async () => {
    const client = await signIn(app);
    await app.ask(client, (req) => {
      req.session.cookie.maxAge = 60_000;
    });
    const { cookie } = client;
    const { setCookies } = await app.ask(client, (req) => {
      req.session.flush();
      expect([bagOf(req).user, req.session.cookie.maxAge]).toEqual([undefined, null]);
      req.session.views = 1;
    });
    expect(setCookies).toEqual([expect.not.stringContaining('Expires')]);
    expect([await app.dataOf(cookie), await app.dataOf(client.cookie)]).toEqual([{}, { views: 1 }]);
  });

  test('flush() alone ends record and cookie; with the store down it is a 503 that ends neither', async () => {
    const client = await signIn(app);
    const { cookie } = client;
    app.store.before('delete', down);
    const failed = await app.ask(client, (req) => req.session.flush());
    expect([failed.status, failed.setCookies, await app.dataOf(cookie)]).toEqual([503, [], { user: 'ada' }]);
    app.store.clearFaults();
    await app.ask(client, (req) => req.session.flush());
    expect([client.cookie, await app.dataOf(cookie)]).toEqual(['', {}]);
  });

  test('flush() counts even where no cookie can be sent for what is set afterwards, and in one breath with the answer', async () => {
    app = await startDropIn({ cookie: { secure: true }, proxy: true });
    const client = app.client();
    await app.ask(client, (req) => {
      req.headers['x-forwarded-proto'] = 'https';
      req.session.user = 'ada';
    });
    const { cookie } = client;
    expect(cookie).not.toBe('');
    await app.ask(client, (req) => {
      req.session.flush();
      req.session.views = 1;
    });
    expect(await app.dataOf(cookie)).toEqual({});

    app = await startDropIn();
    const other = await signIn(app);
    const { cookie: second } = other;
    await app.ask(other, (req, res) => {
      req.session.views = 1;
      res.json('bye');
      req.session.flush();
    });
    expect([other.cookie, await app.dataOf(second)]).toEqual(['', {}]);
  });
});

test('of two cookies that both lead to a session none counts; a logout ends both', async () => {
  const app = await startDropIn();
  const [one, two] = [await signIn(app, 'one'), await signIn(app, 'two')];
  const client = app.client();
  client.jar.set(ID, `${one.jar.get(ID)}; ${ID}=${two.jar.get(ID)}`);
  await app.ask(client, async (req) => {
    expect(bagOf(req).user).toBeUndefined();
    await req.session.destroy();
  });
  expect([await app.dataOf(one.cookie), await app.dataOf(two.cookie)]).toEqual([{}, {}]);
});

test('of two cookies the one that leads to a session counts, whatever their order', async () => {
  const app = await startDropIn();
  const [alive, dead] = [await signIn(app), await signIn(app)];
  const deadCookie = dead.jar.get(ID) as string;
  await app.ask(dead, (req) => req.session.destroy());
  for (const value of [`${deadCookie}; ${ID}=${alive.jar.get(ID)}`, `${alive.jar.get(ID)}; ${ID}=${deadCookie}`]) {
    const client = app.client();
    client.jar.set(ID, value);
    expect((await app.ask(client, (req) => req.session.user)).body).toBe('"ada"');
  }
});

test('a response with an error status stores the session like any other, as under express-session', async () => {
  const app = await startDropIn();
  const client = app.client();
  await app.ask(client, (req, res) => {
    req.session.views = 1;
    res.status(500).json('sorry');
  });
  expect(await app.dataOf(client.cookie)).toEqual({ views: 1 });
});

test('a login is not replaced by the rolling cookie of a slow request with the old ID', async () => {
  for (const resave of [false, true]) {
    const app = await startDropIn({ rolling: true, resave, cookie: { maxAge: 60_000 } });
    const client = await signIn(app);
    const slow = await app.suspended(withCookie(app, client.cookie), () => 'read');
    await app.ask(client, async (req) => {
      await req.session.regenerate();
      req.session.user = 'bob';
    });
    slow.goOn();
    expect([(await slow.reply).status, (await slow.reply).setCookies]).toEqual([200, []]);
    expect((await app.ask(client, () => 'read')).setCookies).toEqual([expect.stringContaining(`${ID}=s%3A`)]);
  }
});

test.each([
  ['destroy', true],
  ['flush', true],
  ['cycleKey', false],
] as const)(
  '%s() in one breath with the answer sends no cookie of an ID without a record, though one was to be sent',
  async (act, ends) => {
    const app = await startDropIn({ rolling: true, cookie: { maxAge: 60_000 } });
    const client = await signIn(app);
    const { cookie } = client;
    const { setCookies } = await app.ask(client, (req, res) => {
      req.session.views = 1;
      res.json('bye');
      void req.session[act]();
    });
    expect(setCookies).toEqual(ends ? [expect.stringContaining(`${ID}=; `)] : []);
    // A new ID that can't be sent any more is none: the session goes on under the one the client has.
    expect(await app.dataOf(cookie)).toEqual(ends ? {} : { user: 'ada', views: 1 });
  },
);

test('nor by that of one whose changes are dropped', async () => {
  const app = await startDropIn({ onInterrupted: 'discard', cookie: { maxAge: 60_000 } });
  const client = await signIn(app);
  const slow = await app.suspended(withCookie(app, client.cookie), setting({ views: 1 }));
  await app.ask(client, (req) => req.session.regenerate());
  slow.goOn();
  expect([(await slow.reply).status, (await slow.reply).setCookies]).toEqual([200, []]);
});

test('a late change under the old ID of a login is dropped quietly with discard', async () => {
  const app = await startDropIn({ onInterrupted: 'discard' });
  const client = await signIn(app);
  const old = client.cookie;
  await app.ask(client, (req) => req.session.regenerate());
  const { status, setCookies } = await app.ask(withCookie(app, old), setting({ views: 1 }));
  expect([status, setCookies]).toEqual([200, []]);
});
