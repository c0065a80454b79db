import { Session } from 'sojourn';
import { startApp } from '../helpers/app.js';
import { WatchedStore } from '../helpers/stores.js';

const down = () => {
  throw new Error('down');
};

describe('a logout while the store fails', () => {
  it('answers 503 after the failed read, without waiting for a second deadline, and leaves the cookie', async () => {
    const store = new WatchedStore();
    const app = await startApp({ store }, (routes) => {
      routes.get('/login', (req, res) => void res.send(String(req.session.set('user', 'a').size)));
      routes.get('/logout', (req, res) => {
        req.session.flush();
        res.send('logged out');
      });
    });
    const client = app.client();
    await client.get('/login');
    store.before('read', down).calls.length = 0;
    const reply = await client.get('/logout');
    expect(reply).toMatchObject({ status: 503, setCookies: [] });
    expect(store.calls).toEqual(['read']);

    store.clearFaults();
    expect(await client.get('/logout')).toMatchObject({ status: 200 });
    expect(client.jar.size).toBe(0);
    await app.close();
  });

  it('asks the store again when it is tried again', async () => {
    const store = new WatchedStore();
    const stored = new Session({ store });
    await stored.set('user', 'a').save();
    const session = new Session({ store, sessionKey: stored.sessionKey as string });
    store.before('read', down);
    await expect(session.load()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    session.flush();
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await session.save();
    expect(await stored.exists(stored.sessionKey as string)).toBe(false);
  });
});
