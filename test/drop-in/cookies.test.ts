import { sign } from 'cookie-signature';
import { storeKeyOf } from '../../src/session-key.js';
import { TestClock } from '../helpers/clock.js';
import { WatchedStore } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { ID, idOf, SECRET, setting, signIn, start, startDropIn, withCookie } from './app.js';

// When the cookie is sent, with what in it, and which cookies are believed.

const DAY = 86_400_000;
const expiresIn = (line: string | undefined) => new Date(/Expires=([^;]+)/.exec(line ?? '')?.[1] ?? Number.NaN).valueOf() - Date.now();

describe('a cookie with an end', () => {
  test('is sent with the session, and again with each change, but not when it is only read', async () => {
    const app = await startDropIn({ cookie: { maxAge: DAY } });
    const client = app.client();
    const first = await app.ask(client, setting({ user: 'ada' }));
    expect(Math.abs(expiresIn(first.setCookies[0]) - DAY)).toBeLessThan(5000);
    expect((await app.ask(client, (req) => req.session.user)).setCookies).toEqual([]);
    expect((await app.ask(client, setting({ views: 1 }))).setCookies).toHaveLength(1);
  });

  test('is sent with every response under rolling', async () => {
    const app = await startDropIn({ rolling: true, cookie: { maxAge: DAY } });
    const client = await signIn(app);
    expect((await app.ask(client, (req) => req.session.user)).setCookies).toEqual([expect.stringContaining('Expires=')]);
    expect((await app.ask(app.client(), (req) => req.session.id)).setCookies).toEqual([]);
  });
});

describe('“remember me”, by req.session.cookie.maxAge', () => {
  test('lasts: for the record, for the cookie, and for the requests after it', async () => {
    const clock = new TestClock(Date.now());
    const app = await start(new WatchedStore({ clock: clock.read }));
    const client = await signIn(app);
    const { setCookies } = await app.ask(client, (req) => {
      req.session.cookie.maxAge = 30 * DAY;
    });
    expect(Math.abs(expiresIn(setCookies[0]) - 30 * DAY)).toBeLessThan(5000);
    clock.advance((29 * DAY) / 1000);
    const { body } = await app.ask(client, (req) => [req.session.user, req.session.cookie.originalMaxAge]);
    expect(JSON.parse(body)).toEqual(['ada', 30 * DAY]);
    const later = await app.ask(client, setting({ views: 1 }));
    expect(Math.abs(expiresIn(later.setCookies[0]) - 30 * DAY)).toBeLessThan(5000);
  });

  test('isn’t undone by a request that began before it and stores something else', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const slow = await app.suspended(withCookie(app, client.cookie), async (req) => {
      req.session.views = 1;
      await req.session.save();
      req.session.views = 2;
    });
    await app.ask(client, (req) => {
      req.session.cookie.maxAge = 30 * DAY;
    });
    slow.goOn();
    const { setCookies } = await slow.reply;
    expect(Math.abs(expiresIn(setCookies[0]) - 30 * DAY)).toBeLessThan(5000);
    const { body } = await app.ask(client, (req) => [req.session.views, req.session.cookie.originalMaxAge]);
    expect(JSON.parse(body)).toEqual([2, 30 * DAY]);
  });

  test('ends with cookie.expires = null, or false', async () => {
    for (const expires of [null, false]) {
      const app = await startDropIn({ cookie: { maxAge: DAY } });
      const client = await signIn(app);
      const { setCookies } = await app.ask(client, (req) => void Object.assign(req.session.cookie, { expires }));
      expect(setCookies).toEqual([expect.not.stringContaining('Expires')]);
      expect((await app.ask(client, (req) => [req.session.cookie.maxAge])).body).toBe('[null]');
    }
  });

  test('makes no session where there is none', async () => {
    const app = await startDropIn();
    const { setCookies } = await app.ask(app.client(), (req) => {
      req.session.cookie.maxAge = DAY;
    });
    expect([setCookies, app.store.calls]).toEqual([[], []]);
  });
});

test('an age of 0, or an end in the past, ends the session: record and cookie', async () => {
  const app = await startDropIn();
  for (const values of [{ maxAge: 0 }, { expires: new Date(0) }]) {
    const client = await signIn(app);
    const { cookie } = client;
    const { setCookies } = await app.ask(client, (req) => void Object.assign(req.session.cookie, values));
    expect(expiresIn(setCookies[0])).toBeLessThanOrEqual(0);
    expect(await app.dataOf(cookie)).toEqual({});
  }
});

test('the time left starts anew for a session that was only read for long: the store says if it is over, not what was stored', async () => {
  const app = await startDropIn({ cookie: { maxAge: DAY } });
  const client = await signIn(app);
  const id = 'an ID of the test';
  const yesterday = { originalMaxAge: DAY, expires: new Date(Date.now() - 1000), path: '/', httpOnly: true };
  await app.store.create(storeKeyOf(id), JSON.stringify({ user: 'eve', cookie: yesterday }), 60);
  client.jar.set(ID, encodeURIComponent(`s:${sign(id, SECRET)}`));
  const { body } = await app.ask(client, (req) => [req.session.user, (req.session.cookie.maxAge ?? 0) > DAY - 5000]);
  expect(JSON.parse(body)).toEqual(['eve', true]);
});

describe('a cookie is believed', () => {
  test('if one of the secrets has signed it; the first signs', async () => {
    const store = new WatchedStore();
    const older = await start(store, { options: { secret: 'old' } });
    const client = await signIn(older);
    const newer = await start(store, { options: { secret: ['new', 'old'] } });
    expect(await newer.dataOf(client.cookie)).toEqual({ user: 'ada' });
    const renewed = await signIn(newer);
    expect(renewed.jar.get(ID)).toBe(encodeURIComponent(`s:${sign(idOf(renewed), 'new')}`));
    expect(await older.dataOf(renewed.cookie)).toEqual({});
    const newest = await start(store, { options: { secret: [Buffer.from('new')] } });
    expect(await newest.dataOf(renewed.cookie)).toEqual({ user: 'ada' });
  });

  test('not with another signature, without one, or with what no encoding gives; the store isn’t asked', async () => {
    const app = await startDropIn();
    const client = await signIn(app);
    const id = idOf(client);
    app.store.calls.length = 0;
    for (const value of [id, `s:${id}`, `s:${id}.AAAA`, `s:${sign(id, 'another')}`, 's:.', '%', '%E0%A4%A', '', `j:{"a":1}`]) {
      expect([value, await app.dataOf(`${ID}=${value}`)]).toEqual([value, {}]);
    }
    expect(app.store.calls).toEqual([]);
  });

  test('not if there are three: the attempt to have us guess', async () => {
    const app = await startDropIn();
    const clients = [await signIn(app), await signIn(app), await signIn(app)];
    app.store.calls.length = 0;
    expect(await app.dataOf(clients.map(({ cookie }) => cookie).join('; '))).toEqual({ user: 'ada' });
    const client = app.client();
    client.jar.set(ID, clients.map(({ jar }) => jar.get(ID)).join(`; ${ID}=`));
    expect((await app.ask(client, (req) => req.session.user ?? 'nobody')).body).toBe('"nobody"');
  });
});

test('of more than eight cookies of the name the rest isn’t looked at', async () => {
  const app = await startDropIn();
  const good = (await signIn(app)).jar.get(ID);
  const client = app.client();
  for (const [count, user] of [
    [7, 'ada'],
    [8, 'nobody'],
  ] as const) {
    client.jar.set(ID, [...Array(count).fill('s%3Ax.y'), good].join(`; ${ID}=`));
    expect((await app.ask(client, (req) => req.session.user ?? 'nobody')).body).toBe(JSON.stringify(user));
  }
});

describe('on an insecure connection', () => {
  const options = { cookie: { secure: true } };

  test('a Secure cookie isn’t sent and a new session isn’t stored, and save() by hand says why', async () => {
    const warnings = recordWarnings();
    const app = await startDropIn(options);
    const reply = await app.ask(app.client(), (req) => {
      req.session.user = 'ada';
      return req.session.save().catch((error: Error) => error.message);
    });
    expect([reply.body, reply.setCookies, app.store.calls]).toEqual([expect.stringContaining("app.set('trust proxy', 1)"), [], []]);
    expect(warnings.filter(({ code }) => code === 'SOJOURN_HEADERS_SENT')).toEqual([]);
  });

  test('cookie.secure “auto” is what the connection is; so is sameSite', async () => {
    const app = await startDropIn({ cookie: { secure: 'auto', sameSite: 'auto' }, proxy: true });
    const line = async (headers: Record<string, string>) => {
      const client = app.client();
      const { setCookies } = await app.ask(
        { ...client, get: (path: string) => client.get(path, { headers }) } as never,
        setting({ user: 'ada' }),
      );
      return setCookies[0];
    };
    expect(await line({})).toMatch(/HttpOnly; SameSite=Lax$/);
    expect(await line({ 'x-forwarded-proto': 'https, http' })).toMatch(/Secure; SameSite=None$/);
    expect(await line({ 'x-forwarded-proto': 'http' })).toMatch(/HttpOnly; SameSite=Lax$/);
  });

  test('proxy: false believes nobody, not even Express', async () => {
    const app = await start(new WatchedStore(), {
      options: { ...options, proxy: false },
      before: (req, _res, next) => {
        Object.defineProperty(req, 'secure', { value: true });
        next();
      },
    });
    expect((await app.ask(app.client(), setting({ user: 'ada' }))).setCookies).toEqual([]);
  });

  test('without proxy, Express’ trust proxy decides', async () => {
    const app = await start(new WatchedStore(), {
      options,
      before: (req, _res, next) => {
        Object.defineProperty(req, 'secure', { value: true });
        next();
      },
    });
    expect((await app.ask(app.client(), setting({ user: 'ada' }))).setCookies).toEqual([expect.stringContaining('Secure')]);
  });
});

describe('a cookie that no browser takes', () => {
  test('is an error before anything is stored', async () => {
    const app = await startDropIn();
    const reply = await app.ask(app.client(), (req) => {
      req.session.user = 'ada';
      req.session.cookie.path = '/;x';
    });
    expect([reply.status, reply.setCookies, app.store.calls]).toEqual([500, [], []]);
  });

  test('is an error as well if it becomes one while the store is at work', async () => {
    const app = await startDropIn();
    const reply = await app.ask(app.client(), (req, res) => {
      req.session.user = 'ada';
      res.json('done');
      req.session.cookie.path = '/;x';
    });
    expect([reply.status, reply.setCookies]).toEqual([500, []]);
  });

  test.each<[string, unknown]>([
    ['an object', { maxAge: 1 }],
    ['a text', 'cookie'],
    ['nothing', undefined],
  ])('because it was replaced by %s is an error that says so', async (_, cookie) => {
    const app = await startDropIn();
    const client = await signIn(app);
    for (const act of ['save', 'answer']) {
      const reply = await app.ask(client, (req) => {
        Object.assign(req.session, { cookie, views: 1 });
        return act === 'save' ? req.session.save() : undefined;
      });
      expect([reply.status, reply.body]).toEqual([500, expect.stringContaining('req.session.cookie was replaced')]);
    }
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
  });
});

test('cookie-parser’s cookies count where something has taken the header away', async () => {
  const store = new WatchedStore();
  const client = await signIn(await start(store));
  const value = decodeURIComponent(client.jar.get(ID) as string);
  const id = idOf(client);
  for (const cookies of [{ cookies: { [ID]: value } }, { signedCookies: { [ID]: id } }]) {
    const behind = await start(store, {
      before: (req, _res, next) => {
        Object.assign(req, cookies);
        next();
      },
    });
    expect((await behind.ask(behind.client(), (req) => req.session.user)).body).toBe('"ada"');
  }
  for (const cookies of [{ cookies: { [ID]: `${value}x` } }, { cookies: { [ID]: 5 } }, { signedCookies: { [ID]: false } }]) {
    const behind = await start(store, {
      before: (req, _res, next) => {
        Object.assign(req, cookies);
        next();
      },
    });
    expect((await behind.ask(behind.client(), (req) => req.session.user ?? 'nobody')).body).toBe('"nobody"');
  }
});
