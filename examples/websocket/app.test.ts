import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { type Client, listen, type Reply, type Running, SECRET } from '../../test/helpers/app.js';
import { TestClock } from '../../test/helpers/clock.js';
import { deferred, WatchedStore } from '../../test/helpers/stores.js';
import { type Chat, createChat } from './app.js';

const DAY = 86_400;

let clock: TestClock;
let store: WatchedStore;
let chat: Chat;
let running: Running;
let client: Client;
let opened: WebSocket[];

beforeEach(async () => {
  clock = new TestClock();
  store = new WatchedStore({ clock: clock.read });
  chat = createChat({ secret: SECRET, store, clock: clock.read });
  running = await listen(chat.server);
  client = running.client();
  opened = [];
});
afterEach(async () => {
  for (const socket of opened) socket.terminate();
  await running.close();
});

function post(path: string, fields: Record<string, string> = {}): Promise<Reply> {
  return client.get(path, { method: 'POST', body: new URLSearchParams(fields) });
}

const signIn = (name = 'Ada') => post('/login', { name });

function socketFor(headers: Record<string, string>): WebSocket {
  const socket = new WebSocket(running.origin.replace('http', 'ws'), { headers });
  opened.push(socket);
  return socket;
}

async function connected(): Promise<WebSocket> {
  const socket = socketFor({ cookie: client.cookie, origin: running.origin });
  await once(socket, 'open');
  return socket;
}

async function refusal(headers: Record<string, string>): Promise<number | undefined> {
  const socket = socketFor(headers);
  const [, { statusCode }] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  // It is one for ws to give up a connection that was never made.
  socket.on('error', () => {});
  return statusCode;
}

async function heard(socket: WebSocket): Promise<unknown> {
  const [data] = await once(socket, 'message');
  return JSON.parse(String(data));
}

async function closing(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

test('what one says all hear, under the name in the session, and it is counted there', async () => {
  await signIn();
  const [ada, adasOther] = [await connected(), await connected()];
  ada.send('hello');
  expect(await heard(adasOther)).toEqual({ name: 'Ada', text: 'hello', count: 1 });
  adasOther.send('hello yourself');
  expect(await heard(ada)).toEqual({ name: 'Ada', text: 'hello yourself', count: 2 });
});

test('messages of one socket are heard in their order, though the first takes longer to be counted', async () => {
  await signIn();
  const socket = await connected();
  const said: string[] = [];
  const both = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      if (said.push(JSON.parse(String(data)).text) === 2) resolve();
    });
  });
  const slow = deferred();
  store.before('update', () => {
    store.clearFaults();
    return slow.promise;
  });
  socket.send('one');
  socket.send('two');
  // Its answer comes when the server has received both.
  socket.ping();
  await once(socket, 'pong');
  slow.resolve();
  await both;
  expect(said).toEqual(['one', 'two']);
});

describe('the upgrade', () => {
  test('is refused with 401 to who isn’t signed in, and to an old cookie', async () => {
    expect(await refusal({})).toBe(401);
    await signIn();
    const old = client.cookie;
    await post('/logout');
    expect(await refusal({ cookie: old })).toBe(401);
  });

  test('is refused with 403 to a page of another origin, cookie or not, without a call of the store', async () => {
    await signIn();
    store.calls.length = 0;
    for (const origin of ['http://elsewhere.example', 'http://127.0.0.1:1', 'null']) {
      expect(await refusal({ cookie: client.cookie, origin })).toBe(403);
    }
    expect(store.calls).toEqual([]);
  });

  test('is refused with 503 while the store is down', async () => {
    await signIn();
    store.before('read', () => Promise.reject(new Error('down')));
    expect(await refusal({ cookie: client.cookie })).toBe(503);
  });
});

describe('a socket is closed', () => {
  test('at once when its visitor signs out here, and nobody else’s', async () => {
    await signIn('Grace');
    const other = await connected();
    client.jar.clear();
    await signIn();
    const [one, two] = [await connected(), await connected()];
    store.calls.length = 0;
    const both = Promise.all([closing(one), closing(two)]);
    await post('/logout');
    expect(await both).toEqual([4401, 4401]);
    expect(store.calls.filter((call) => call === 'exists')).toHaveLength(2);
    other.send('still here');
    expect(await heard(other)).toMatchObject({ name: 'Grace' });
  });

  test('when its visitor signs in under another name: the session is a new one', async () => {
    await signIn();
    const socket = await connected();
    const closed = closing(socket);
    await signIn('Grace');
    expect(await closed).toBe(4401);
  });

  test('with its next message when another process has ended the session', async () => {
    await signIn();
    const [speaker, listener] = [await connected(), await connected()];
    // As another process does: this one isn't told.
    const other = await listen(createChat({ secret: SECRET, store, clock: clock.read }).server);
    await other.client().get('/logout', { method: 'POST', headers: { cookie: client.cookie } });
    await other.close();
    const messages: unknown[] = [];
    listener.on('message', (data) => messages.push(data));
    speaker.send('hello');
    speaker.send('anybody?');
    expect(await closing(speaker)).toBe(4401);
    const closed = closing(listener);
    await chat.sockets.closeEnded();
    expect(await closed).toBe(4401);
    expect(messages).toEqual([]);
  });

  test('within a minute when the session has expired, though it only listened', async () => {
    await signIn();
    const socket = await connected();
    clock.advance(13 * DAY);
    await chat.sockets.closeEnded();
    expect(socket.readyState).toBe(WebSocket.OPEN);
    clock.advance(DAY);
    const closed = closing(socket);
    await chat.sockets.closeEnded();
    expect(await closed).toBe(4401);
  });

  test('to try again later when it speaks while the store is down; who only listens stays', async () => {
    await signIn();
    const [speaker, listener] = [await connected(), await connected()];
    const down = () => Promise.reject(new Error('down'));
    store.before('read', down).before('exists', down);
    await chat.sockets.closeEnded();
    speaker.send('hello');
    expect(await closing(speaker)).toBe(1013);
    store.clearFaults();
    listener.send('back');
    expect(await heard(listener)).toMatchObject({ text: 'back' });
  });

  test('and what it has still said after that nobody hears', async () => {
    await signIn();
    const [speaker, listener] = [await connected(), await connected()];
    store.before('read', () => {
      store.clearFaults();
      throw new Error('down');
    });
    speaker.send('one');
    speaker.send('two');
    expect(await closing(speaker)).toBe(1013);
    listener.send('three');
    expect(await heard(listener)).toMatchObject({ text: 'three', count: 1 });
  });

  test('when it sends what is too large', async () => {
    await signIn();
    const socket = await connected();
    socket.send('x'.repeat(5000));
    expect(await closing(socket)).toBe(1009);
  });
});

test.each(['', ' ', 'x'.repeat(41)])('%j is no name', async (name) => {
  expect((await signIn(name)).status).toBe(400);
  expect(client.jar.size).toBe(0);
});
