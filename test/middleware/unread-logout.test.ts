import { encrypted, MemoryStore } from 'sojourn';
import { startApp } from '../helpers/app.js';

// A logout ends whatever the presented cookies lead to, even where the request could not read it.

const OLD = 'the key from before, at least thirty-two characters';
const NEW = 'the key from now on, at least thirty-two characters';

function start(store: MemoryStore, keys: string | string[]) {
  return startApp({ store, codec: encrypted(keys) }, (routes) => {
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/logout', (req, res) => {
      req.session.get('user');
      req.session.flush();
      res.end();
    });
  });
}

test('two live cookies are nobody, and a logout ends both sessions', async () => {
  const app = await start(new MemoryStore(), OLD);
  const [first, second] = [await app.sessions.issue({ user: 'ann' }), await app.sessions.issue({ user: 'bob' })];
  const both = { headers: { cookie: `${first.cookie}; ${second.cookie}` } };
  expect((await app.client().get('/read', both)).body).toBe('null');
  await app.client().get('/logout', both);
  for (const { cookie } of [first, second]) expect((await app.client().get('/read', { headers: { cookie } })).body).toBe('null');
  await app.close();
});

test('a logout where the record cannot be decoded is a logout everywhere', async () => {
  const store = new MemoryStore();
  const [behind, ahead] = [await start(store, OLD), await start(store, [NEW, OLD])];
  const { cookie } = await ahead.sessions.issue({ user: 'ann' });
  expect((await behind.client().get('/read', { headers: { cookie } })).body).toBe('null');
  expect((await ahead.client().get('/read', { headers: { cookie } })).body).toBe('"ann"');
  await behind.client().get('/logout', { headers: { cookie } });
  expect((await ahead.client().get('/read', { headers: { cookie } })).body).toBe('null');
  await Promise.all([behind.close(), ahead.close()]);
});

test('an update with a key that a login has cycled is interrupted, and leaves the cookie alone', async () => {
  const app = await startApp({}, (routes) => {
    routes.get('/login', (req, res) => {
      req.session.cycleKey();
      res.end();
    });
    routes.get('/count', (req, res, next) => {
      req.session.update((session) => void session.set('n', session.get('n', 0) + 1)).then(() => res.end(), next);
    });
  });
  const { cookie } = await app.sessions.issue({ n: 1 });
  await app.client().get('/login', { headers: { cookie } });
  const late = await app.client().get('/count', { headers: { cookie } });
  expect([late.status, late.setCookies]).toEqual([400, []]);
  await app.close();
});

test('a new session that is over at once stores nothing, whether its cookie can be sent or not', async () => {
  const store = new MemoryStore();
  const app = await startApp({ store, cookie: { secure: true } }, (routes) => {
    routes.get('/', (req, res) => {
      req.session.set('a', 1);
      req.session.setExpiry(new Date(0));
      res.send('fine');
    });
  });
  const reply = await app.client().get('/');
  expect([reply.status, reply.body, reply.setCookies]).toEqual([200, 'fine', []]);
  await app.close();
});
