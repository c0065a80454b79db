import { WatchedStore } from '../helpers/stores.js';
import { startApp } from './apps.js';

const down = () => {
  throw new Error('down');
};

async function start() {
  const store = new WatchedStore();
  const app = await startApp({ store }, (routes) => {
    routes.get('/page', (_req, res) => void res.send('page'));
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/login', (req, res) => {
      req.session.cycleKey();
      res.json(req.session.set('user', 'ann').size);
    });
    routes.get('/logout', (req, res) => {
      req.session.flush();
      res.redirect('/');
    });
    routes.get('/destroy', (req, res, next) => {
      req.session.destroy().then(() => res.send('destroyed'), next);
    });
  });
  const client = app.client();
  await client.get('/login');
  return { store, app, client };
}

describe('a logout that the store does not carry out is never reported as done:', () => {
  test.each(['/logout', '/destroy'])('%s', async (path) => {
    const { store, client } = await start();
    const { cookie } = client;
    store.before('delete', down);
    const reply = await client.get(path);
    expect([reply.status, JSON.parse(reply.body).code, reply.setCookies]).toEqual([503, 'ERR_STORE_UNAVAILABLE', []]);
    // The visitor still has the cookie, and so can try again.
    expect((await client.get('/read')).body).toBe('"ann"');
    store.clearFaults();
    expect((await client.get(path)).status).toBeLessThan(400);
    expect((await client.get('/read', { headers: { cookie } })).body).toBe('null');
  });
});

test('a store that can not be asked is no logout: 503, the cookie is left alone, and it works again afterwards', async () => {
  const { store, client } = await start();
  const { cookie } = client;
  store.before('read', down);
  for (const path of ['/read', '/login', '/logout']) {
    const reply = await client.get(path);
    // The application's own error handler answers, and knows nothing of Retry-After.
    expect([reply.status, reply.headers.get('retry-after'), reply.setCookies]).toEqual([503, '1', []]);
  }
  const page = await client.get('/page');
  expect([page.body, page.headers.get('retry-after')]).toEqual(['page', null]);
  store.clearFaults();
  expect((await client.get('/read', { headers: { cookie } })).body).toBe('"ann"');
});

test('a first session that the store refuses is an error without a cookie', async () => {
  const { store, app } = await start();
  store.before('create', down);
  const visitor = app.client();
  const reply = await visitor.get('/login');
  expect([reply.status, reply.setCookies, visitor.jar.size]).toEqual([503, [], 0]);
});
