import { WatchedStore } from '../helpers/stores.js';
import { ID, idOf, setting, signIn, start, startDropIn } from './app.js';

describe('genid', () => {
  test.each([
    ['short', 'x'],
    ['with blanks, signs and letters of everywhere', 'a b;c="d"%20/ü€🎉'],
    ['with a dot, which divides the ID from its signature', 'a.b.c'],
    ['long', 'x'.repeat(3000)],
    ['like a property of every object', '__proto__'],
  ])('may give an ID that is %s', async (_, id) => {
    const app = await startDropIn({ genid: () => id });
    const client = app.client();
    await app.ask(client, setting({ user: 'ada' }));
    expect(idOf(client)).toBe(id);
    expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada' });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a number', 5],
    ['a promise', Promise.resolve('x')],
    ['what fits into no cookie', 'x'.repeat(4000)],
    ['half a letter', '\ud800'],
  ])('that gives %s is an error of the request, and nothing is stored', async (_, id) => {
    const app = await startDropIn({ genid: () => id as string });
    const { status, setCookies } = await app.ask(app.client(), setting({ user: 'ada' }));
    expect([status, setCookies, app.store.calls]).toEqual([500, [], []]);
  });

  test('gets the request, and is asked for each new session, that of a login and of an unknown cookie included', async () => {
    let count = 0;
    const store = new WatchedStore();
    const app = await start(store, { options: { genid: (req) => `${req.method}-${++count}` } });
    const client = app.client();
    await app.ask(client, setting({ user: 'ada' }));
    expect(idOf(client)).toBe('GET-1');
    await app.ask(client, (req) => req.session.regenerate());
    expect(idOf(client)).toBe('GET-2');
    await app.ask(client, (req) => req.session.cycleKey());
    expect(idOf(client)).toBe('GET-3');
    await app.ask(client, (req) => req.session.destroy());
  });

  test('that gives an ID twice can’t give one visitor the session of another', async () => {
    const ids = ['same', 'same', 'other'];
    const app = await startDropIn({ genid: () => ids.shift() ?? 'last' });
    const [ada, bob] = [app.client(), app.client()];
    await app.ask(ada, setting({ user: 'ada' }));
    await app.ask(bob, async (req) => {
      req.session.user = 'bob';
      await req.session.save();
      expect([req.sessionID, req.session.id]).toEqual(['other', 'other']);
    });
    expect([idOf(ada), idOf(bob)]).toEqual(['same', 'other']);
    expect([await app.dataOf(ada.cookie), await app.dataOf(bob.cookie)]).toEqual([{ user: 'ada' }, { user: 'bob' }]);
  });

  test('that gives nothing else is an error for all but the first, whose session stays as it is', async () => {
    const app = await startDropIn({ genid: () => 'same' });
    const [ada, bob] = [app.client(), app.client()];
    await app.ask(ada, setting({ user: 'ada' }));
    const reply = await app.ask(bob, setting({ user: 'bob' }));
    expect([reply.status, JSON.parse(reply.body).code, reply.setCookies]).toEqual([500, 'ERR_SESSION_CREATE', []]);
    expect(await app.dataOf(ada.cookie)).toEqual({ user: 'ada' });
  });
});

test('an ID that leads nowhere is never adopted', async () => {
  const app = await startDropIn();
  const client = await signIn(app);
  const planted = client.cookie;
  await app.ask(client, (req) => req.session.destroy());
  client.jar.set(ID, planted.slice(ID.length + 1));
  await app.ask(client, setting({ user: 'ada' }));
  expect(client.cookie).not.toBe(planted);
  expect(await app.dataOf(planted)).toEqual({});
});

test('an application that takes req.sessionID away stores nothing and gets no cookie', async () => {
  const app = await startDropIn();
  const { setCookies } = await app.ask(app.client(), (req) => {
    req.session.user = 'ada';
    Reflect.deleteProperty(req, 'sessionID');
  });
  expect([setCookies, app.store.calls]).toEqual([[], []]);
});
