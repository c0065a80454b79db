import { execFileSync } from 'node:child_process';
import { inspect } from 'node:util';
import session, { Cookie, MemoryStore, Session, Store } from 'sojourn/express-session';
import { bagOf, idOf, signIn, startDropIn } from './app.js';

// What req.session looks like, and Sojourn's methods on it.

test('shows data and cookie: in JSON, by its keys, when spread', async () => {
  const app = await startDropIn();
  const client = await signIn(app);
  const { body } = await app.ask(client, (req) => [
    Object.keys(req.session),
    Object.keys({ ...req.session }),
    JSON.parse(JSON.stringify(req.session)),
    Object.entries(req.session).length,
  ]);
  const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' };
  expect(JSON.parse(body)).toEqual([['cookie', 'user'], ['cookie', 'user'], { cookie, user: 'ada' }, 2]);
});

test('tells console.log neither its ID nor the request', async () => {
  const app = await startDropIn();
  const client = await signIn(app);
  const { body } = await app.ask(client, (req) => inspect(req.session, { depth: 10 }));
  const text = JSON.parse(body) as string;
  expect(text).toContain("user: 'ada'");
  expect(text).not.toContain(idOf(client));
  expect(text).not.toMatch(/IncomingMessage|headers|connect\.sid/);
});

test('has Sojourn’s methods, which work on the same data as the properties', async () => {
  const app = await startDropIn();
  const client = await signIn(app);
  await app.ask(client, (req) => {
    const visit = req.session;
    visit.set('views', 1).update({ cart: ['pen'] });
    expect([visit.get('user'), visit.get('none'), visit.get('none', 0), visit.views]).toEqual(['ada', undefined, 0, 1]);
    expect([visit.has('user'), visit.has('none'), visit.has('save'), visit.has('cookie')]).toEqual([true, false, false, false]);
    expect([[...visit.keys()], [...visit.values()], visit.size]).toEqual([['user', 'views', 'cart'], ['ada', 1, ['pen']], 3]);
    expect([[...visit.entries()], [...visit]]).toEqual([[...visit], Object.entries({ user: 'ada', views: 1, cart: ['pen'] })]);
    expect([visit.setDefault('views', 9), visit.setDefault('more', 9)]).toEqual([1, 9]);
    expect([visit.pop('more'), visit.pop('more'), visit.pop('more', 0), bagOf(req).more]).toEqual([9, undefined, 0, undefined]);
    expect([visit.delete('views'), visit.delete('views'), visit.delete('cookie')]).toEqual([true, false, false]);
    expect([visit.sessionKey === req.sessionID, visit.sessionKey]).toEqual([true, visit.id]);
    for (const name of ['cookie', 'id', 'save', '__proto__', 'constructor'])
      expect(() => visit.set(name, 1)).toThrow(/a name of the session's own/);
  });
  expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', cart: ['pen'] });
  await app.ask(client, (req) => req.session.clear());
  expect(await app.dataOf(client.cookie)).toEqual({});
});

test('is an instance of Session, with the ID, the request and the store of express-session', async () => {
  const app = await startDropIn();
  await app.ask(app.client(), (req) => {
    expect(req.session).toBeInstanceOf(session.Session);
    expect([req.session.req === req, req.session.id === req.sessionID]).toEqual([true, true]);
    expect(req.session.cookie).toBeInstanceOf(session.Cookie);
    expect(req.sessionStore).toBeInstanceOf(session.Store);
    expect(req.session.touch()).toBe(req.session);
    expect(req.session.resetMaxAge()).toBe(req.session);
  });
});

test('the constructors are exports as well as properties of the function', () => {
  expect([session.Cookie, session.MemoryStore, session.Session, session.Store]).toEqual([Cookie, MemoryStore, Session, Store]);
});

describe('a session without a request, by store.load()', () => {
  const load = (store: MemoryStore, id: string) =>
    new Promise<Session | undefined>((resolve, reject) => store.load(id, (error, loaded) => (error ? reject(error) : resolve(loaded))));

  async function storeWith(data: Record<string, unknown>) {
    const store = new MemoryStore();
    session({ store, secret: 'x', resave: false, saveUninitialized: false });
    const cookie = new Cookie().data;
    await new Promise<void>((resolve) => store.set('one', { cookie, ...data }, () => resolve()));
    return store;
  }

  test('can be read, changed, saved, reloaded and destroyed', async () => {
    const store = await storeWith({ user: 'ada' });
    const visit = (await load(store, 'one')) as Session;
    expect([visit.get('user'), visit.id]).toEqual(['ada', 'one']);
    await visit.set('user', 'bob').save();
    await visit.reload();
    expect((await load(store, 'one'))?.get('user')).toBe('bob');
    await visit.destroy();
    expect(await load(store, 'one')).toBeUndefined();
    await expect(visit.reload()).rejects.toThrow('failed to load session');
    await visit.regenerate();
  });

  test('has no response: what needs one says so', async () => {
    const visit = (await load(await storeWith({}), 'one')) as Session;
    expect(() => visit.cycleKey()).toThrow(/without a request/);
    expect(() => visit.flush()).toThrow(/call destroy\(\)/);
  });

  test('hands on what the store fails with', async () => {
    const store = await storeWith({ user: 'ada' });
    const visit = (await load(store, 'one')) as Session;
    const failure = new Error('down');
    Object.assign(store, {
      get: (_id: string, done: (error: Error) => void) => done(failure),
      set: (_id: string, _data: unknown, done: (error: Error) => void) => done(failure),
      destroy: (_id: string, done: (error: Error) => void) => done(failure),
    });
    for (const act of [() => load(store, 'one'), () => visit.save(), () => visit.reload(), () => visit.destroy()]) {
      await expect(act()).rejects.toBe(failure);
    }
  });

  test('may be made by hand, of nothing as well', () => {
    const req = { sessionID: 'one', sessionStore: new MemoryStore() } as never;
    expect(Object.keys(new Session(req, null))).toEqual([]);
    expect(new Session(req, { user: 'ada', save: 1 } as never).get('user')).toBe('ada');
  });

  test('can’t be generated by a store that no middleware uses', () => {
    expect(() => new MemoryStore().generate({} as never)).toThrow(/once a middleware uses it/);
  });
});

test('what a callback throws is an uncaught exception, as under express-session, and no rejection that a promise swallows', () => {
  const program = `
    import session from './src/express-session/index.ts';
    const store = new session.MemoryStore();
    const visit = new session.Session({ sessionID: 'one', sessionStore: store }, { cookie: new session.Cookie() });
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    visit.save(() => { throw new Error('mine'); });
    store.get = (id, done) => done(new Error('down'));
    visit.reload((error) => { throw error; });`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(output.trim().split('\n').sort()).toEqual(['uncaught down', 'uncaught mine']);
});
