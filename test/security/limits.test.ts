import { createServer } from 'node:http';
import { MemoryStore, Session, session } from 'sojourn';
import { createSessionKey, storeKeyOf } from '../../src/session-key.js';
import { listen, SECRET } from '../helpers/app.js';
import { WatchedStore } from '../helpers/stores.js';
import { Wire, wireRequest } from '../helpers/wire.js';
import { startApp } from './apps.js';

/** A server without a framework, for very many requests. */
async function startPlain(store: WatchedStore) {
  const sessions = session({ secret: SECRET, store });
  const server = createServer((req, res) => {
    sessions(req, res, () => {
      const visitor = (req as typeof req & { session: Session }).session;
      if (req.url === '/logout') visitor.flush();
      else if (req.url === '/read') visitor.get('user' as never);
      res.end('ok');
    });
  });
  // Node closes a connection with too many requests on it; here they all come on one.
  server.maxRequestsPerSocket = 0;
  return { ...(await listen(server)), sessions };
}

/** Sends all requests on one connection, one behind the other, and reads all replies. */
async function pipeline(port: number, requests: readonly string[]): Promise<string> {
  const wire = new Wire(port);
  for (const [index, request] of requests.entries()) {
    wire.socket.write(`${request}${index === requests.length - 1 ? 'Connection: close\r\n' : ''}\r\n`);
  }
  return wire.closed;
}

test('ten thousand visitors who store nothing leave no record and get no cookie, whatever they bring', async () => {
  const store = new WatchedStore();
  const app = await startPlain(store);
  const forged = () => `Cookie: sessionid=${createSessionKey()}.${createSessionKey()}\r\n`;
  const { cookie, sessionKey } = await app.sessions.issue({ user: 'ann' });
  await store.delete(storeKeyOf(sessionKey));
  const ended = `Cookie: ${cookie}\r\n`;
  store.calls.length = 0;
  const requests = Array.from({ length: 10_000 }, (_, index) => {
    const path = ['/', '/read', '/logout'][index % 3] as string;
    const header = index % 4 === 0 ? forged() : index % 100 === 1 ? ended : '';
    return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${header}`;
  });
  const parts = await Promise.all(
    Array.from({ length: 10 }, (_, part) => pipeline(app.port, requests.slice(part * 1000, part * 1000 + 1000))),
  );
  const replies = parts.join('');
  expect(replies.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(10_000);
  // Some were told to drop a cookie that leads nowhere; nobody was given one.
  expect(replies.match(/Set-Cookie: sessionid=[^;]/gi)).toBe(null);
  expect(new Set(store.calls)).toEqual(new Set(['read']));
  expect(store.calls).toHaveLength(100);
  await app.close();
});

test('a hundred thousand new sessions leave a memory store with as many as it was made for', async () => {
  const store = new MemoryStore({ max: 1000 });
  const keys: string[] = [];
  for (let count = 0; count < 100_000; count += 1) {
    const key = createSessionKey();
    await store.create(key, '{"a":1}', 60);
    if (count % 100 === 0 || count >= 99_000) keys.push(key);
  }
  const alive = await Promise.all(keys.map((key) => store.exists(key)));
  expect(alive.filter(Boolean)).toHaveLength(1000);
  expect(alive.slice(-1000).every(Boolean)).toBe(true);
  await store.close();
});

describe('64 KiB of an encoded session', () => {
  const valueFor = (bytes: number) => 'x'.repeat(bytes - '{"a":""}'.length);

  test.each([
    ['are stored', 65_536, 200, ['create']],
    ['and a byte are an error before any store call', 65_537, 500, []],
  ])('%s', async (_what, bytes, status, calls) => {
    const store = new WatchedStore();
    const app = await startApp({ store }, (routes) => {
      routes.get('/', (req, res) => void res.json(req.session.set('a', valueFor(bytes)).size));
    });
    const reply = await app.client().get('/');
    expect([reply.status, reply.setCookies.length, store.calls]).toEqual([status, calls.length, calls]);
    if (status === 500) expect(JSON.parse(reply.body).code).toBe('ERR_SESSION_TOO_LARGE');
    await app.close();
  });

  test('count in bytes, not in characters', async () => {
    const store = new WatchedStore();
    const attempt = new Session({ store }).set('a', 'ä'.repeat(32_768)).save();
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SESSION_TOO_LARGE' });
    expect(store.calls).toEqual([]);
  });

  test('that somebody else exceeded in the store are not decoded', async () => {
    const store = new WatchedStore();
    const app = await startApp({ store }, (routes) => {
      routes.get('/', (req, res) => void res.json([...req.session.keys()]));
    });
    const { cookie, sessionKey } = await app.sessions.issue({ user: 'ann' });
    await store.delete(storeKeyOf(sessionKey));
    await store.create(storeKeyOf(sessionKey), JSON.stringify({ a: 'x'.repeat(50 * 1024 * 1024) }), 60);
    const parse = jest.spyOn(JSON, 'parse');
    const reply = await app.client().get('/', { headers: { cookie } });
    expect([reply.status, reply.body, parse.mock.calls.length]).toEqual([200, '[]', 0]);
    parse.mockRestore();
    await app.close();
  });
});

test('reading a large session costs one parse, one HMAC at most, and no text made of anything', async () => {
  const { default: crypto } = await import('node:crypto');
  const store = new WatchedStore();
  const sessions = session({ secret: SECRET, store });
  const { cookie } = await sessions.issue({ user: 'ann', large: Array.from({ length: 5000 }, (_, index) => index) });
  const another = session({ secret: SECRET, store });
  const spies = [jest.spyOn(JSON, 'parse'), jest.spyOn(JSON, 'stringify'), jest.spyOn(crypto, 'createHmac')];
  const request = { headers: { cookie } } as Parameters<typeof sessions.load>[0];
  const loaded = await another.load(request);
  for (let round = 0; round < 100; round += 1) loaded.get('user' as never);
  expect(loaded.modified).toBe(false);
  expect(spies.map((spy) => spy.mock.calls.length)).toEqual([1, 0, 1]);
  // An object that is handed out is written down, once, to notice changes in it.
  for (let round = 0; round < 100; round += 1) loaded.get('large' as never);
  expect(spies.map((spy) => spy.mock.calls.length)).toEqual([1, 1, 1]);
  // From then on the signature is known.
  void (await another.load(request)).size;
  expect(spies.map((spy) => spy.mock.calls.length)).toEqual([2, 1, 1]);
  for (const spy of spies) spy.mockRestore();
});

describe('a Cookie header', () => {
  test.each([
    ['of 15 000 bytes of noise costs no store call', `sessionid=${'x'.repeat(15_000)}`, 200],
    ['of 1500 names costs no store call', Array.from({ length: 1500 }, (_, index) => `n${index}=v`).join('; '), 200],
    ['of 20 000 bytes is a 431, which Node answers', `sessionid=${'x'.repeat(20_000)}`, 431],
  ])('%s', async (_what, cookie, status) => {
    const store = new WatchedStore();
    const app = await startPlain(store);
    const reply = await wireRequest(app.port, '/read', { headers: { Cookie: cookie } });
    expect([reply.status, store.calls]).toEqual([status, []]);
    await app.close();
  });
});
