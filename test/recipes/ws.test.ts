import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { WebSocket } from 'ws';
import { listen, type Running } from '../helpers/app.js';
import { suspend } from '../helpers/stores.js';
import { Wire, wireRequest } from '../helpers/wire.js';
import { intervalOf, type Kitchen, kitchen } from './recipes.js';

const down = () => Promise.reject(new Error('down'));

let kit: Kitchen;
let running: Running;
let sockets: WebSocket[];
let everyMinute: () => void;

beforeEach(async () => {
  kit = kitchen();
  sockets = [];
  let server: unknown;
  everyMinute = intervalOf(60_000, () => {
    server = kit.run('ws').server;
  });
  running = await listen(server as Server);
});
afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  await running.close();
});

function client(cookie: string): WebSocket {
  const socket = new WebSocket(running.origin.replace('http', 'ws'), { headers: { cookie } });
  sockets.push(socket);
  return socket;
}

async function connected(cookie: string): Promise<WebSocket> {
  const socket = client(cookie);
  await once(socket, 'open');
  return socket;
}

async function refusal(cookie: string): Promise<{ status: number | undefined; retryAfter: string | undefined }> {
  const socket = client(cookie);
  const [, { statusCode, headers }] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  // It is one for ws to give up a connection that was never made.
  socket.on('error', () => {});
  return { status: statusCode, retryAfter: headers['retry-after'] };
}

/** The code and the reason with which the server closes. */
async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = await once(socket, 'close');
  return [code, String(reason)];
}

async function logOut(cookie: string): Promise<void> {
  await running.client().get('/logout', { method: 'POST', headers: { cookie } });
}

test('who is not signed in is refused with 401, without a call of the store', async () => {
  expect(await refusal('')).toEqual({ status: 401, retryAfter: undefined });
  expect(kit.store.calls).toEqual([]);
});

test('while the store is down the upgrade is refused with 503', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  kit.store.before('read', down);
  expect(await refusal(cookie)).toEqual({ status: 503, retryAfter: '1' });
});

test('a client that is gone before the store has answered harms nobody', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const reading = suspend(kit.store, 'read');
  const upgrade = `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`;
  const wire = new Wire(running.port).send(`${upgrade}Sec-WebSocket-Key: ${'A'.repeat(22)}==\r\nCookie: ${cookie}\r\n\r\n`);
  await reading.reached;
  wire.socket.resetAndDestroy();
  await wire.closed;
  reading.release();
  expect((await wireRequest(running.port, '/account')).status).toBe(401);
});

test('of messages that are counted in parallel none is lost, and each is stored before its answer', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const [one, two] = await Promise.all([connected(cookie), connected(cookie)]);
  const answers: string[] = [];
  const all = new Promise<void>((resolve) => {
    const onMessage = (data: unknown) => {
      if (answers.push(String(data)) === 10) resolve();
    };
    for (const socket of [one, two]) socket.on('message', onMessage);
  });
  for (let at = 0; at < 5; at += 1) for (const socket of [one, two]) socket.send('hello');
  await all;
  expect(answers.sort()).toEqual(Array.from({ length: 10 }, (_, at) => `message ${at + 1}`).sort());
  expect((await kit.open(cookie)).get('messages')).toBe(10);
});

test('after a logout the next message is not carried out, and the socket is closed', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const socket = await connected(cookie);
  await logOut(cookie);
  kit.store.calls.length = 0;
  socket.send('hello');
  expect(await closing(socket)).toEqual([4401, 'signed out']);
  expect(kit.store.calls).toEqual(['read']);
});

test.each(['logout', 'login'])(
  'a socket that only listens is closed within a minute after a %s, for one call of the store',
  async (path) => {
    const [gone, still] = await Promise.all([kit.sessions.issue({ userId: 1 }), kit.sessions.issue({ userId: 2 })]);
    const [first, second] = await Promise.all([connected(gone.cookie), connected(still.cookie)]);
    await running.client().get(`/${path}`, { method: 'POST', headers: { cookie: gone.cookie } });
    kit.store.calls.length = 0;
    everyMinute();
    expect(await closing(first)).toEqual([4401, 'signed out']);
    expect(kit.store.calls).toEqual(['exists', 'exists']);
    second.send('hello');
    expect(String((await once(second, 'message'))[0])).toBe('message 1');
  },
);

test('a store that is down closes who sends, to try again later, and nobody else', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const [sender, listener] = await Promise.all([connected(cookie), connected(cookie)]);
  kit.store.before('read', down).before('exists', down);
  everyMinute();
  sender.send('hello');
  expect(await closing(sender)).toEqual([1013, 'try again later']);
  kit.store.clearFaults();
  listener.send('hello');
  expect(String((await once(listener, 'message'))[0])).toBe('message 1');
});
