import type { Server } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import { listen, type Running } from '../helpers/app.js';
import { intervalOf, type Kitchen, kitchen } from './recipes.js';

const down = () => Promise.reject(new Error('down'));

let kit: Kitchen;
let running: Running;
let sockets: Socket[];
/** What the recipe does once a minute. */
let everyMinute: () => void;

beforeEach(async () => {
  kit = kitchen();
  sockets = [];
  let server: unknown;
  everyMinute = intervalOf(60_000, () => {
    server = kit.run('socket.io').server;
  });
  running = await listen(server as Server);
});
afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await running.close();
});

/** A real client, which is connecting. */
function client(cookie: string, transport = 'websocket'): Socket {
  const socket = io(running.origin, { transports: [transport], extraHeaders: { cookie }, reconnection: false, forceNew: true });
  sockets.push(socket);
  return socket;
}

async function connected(cookie: string, transport?: string): Promise<Socket> {
  const socket = client(cookie, transport);
  await next(socket, 'connect');
  return socket;
}

/** The next event of this name, as its first argument. */
const next = (socket: Socket, event: string) => new Promise<unknown>((resolve) => void socket.once(event, resolve));

const refusal = async (cookie: string) => ((await next(client(cookie), 'connect_error')) as Error).message;

async function logOut(cookie: string): Promise<void> {
  await running.client().get('/logout', { method: 'POST', headers: { cookie } });
}

test('who is not signed in does not get in, and no more does anybody while the store is down', async () => {
  expect(await refusal('')).toBe('sign in first');
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  kit.store.before('read', down);
  expect(await refusal(cookie)).toContain('store is not available');
});

test.each(['websocket', 'polling'])('by %s, what an event changes is stored when its answer arrives', async (transport) => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const socket = await connected(cookie, transport);
  socket.emit('rename', 'Ada');
  expect(await next(socket, 'renamed')).toBe('Ada');
  expect((await kit.open(cookie)).get('name')).toBe('Ada');
});

test('an event sees what other requests have written, and undoes none of it', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const socket = await connected(cookie);
  await (await kit.open(cookie)).update({ cart: ['pear'] }).save();
  socket.emit('rename', 'Ada');
  await next(socket, 'renamed');
  expect(Object.fromEntries(await kit.open(cookie))).toEqual({ userId: 1, cart: ['pear'], name: 'Ada' });
});

test('after a logout the next event is not carried out, and the socket is cut off', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const socket = await connected(cookie);
  await logOut(cookie);
  kit.store.calls.length = 0;
  socket.emit('rename', 'Mallory');
  await next(socket, 'disconnect');
  expect(kit.store.calls).toEqual(['read']);
});

test('a login elsewhere ends it, too: it connects again with the new cookie', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const socket = await connected(cookie);
  const browser = running.client();
  await browser.get('/login', { method: 'POST', headers: { cookie } });
  socket.emit('rename', 'Ada');
  await next(socket, 'disconnect');
  expect((await connected(browser.cookie)).connected).toBe(true);
});

test('a socket that only listens is cut off within a minute after a logout; the others stay', async () => {
  const [gone, still] = await Promise.all([kit.sessions.issue({ userId: 1 }), kit.sessions.issue({ userId: 2 })]);
  const [first, second] = await Promise.all([connected(gone.cookie), connected(still.cookie)]);
  await logOut(gone.cookie);
  const cut = next(first as Socket, 'disconnect');
  everyMinute();
  await cut;
  second?.emit('rename', 'Grace');
  expect(await next(second as Socket, 'renamed')).toBe('Grace');
});

test('a store that is down fails an event and cuts nobody off', async () => {
  const { cookie } = await kit.sessions.issue({ userId: 1 });
  const socket = await connected(cookie);
  kit.store.before('read', down);
  everyMinute();
  socket.emit('rename', 'Ada');
  expect(await next(socket, 'failed')).toBe('rename');
  kit.store.clearFaults();
  socket.emit('rename', 'Ada');
  expect(await next(socket, 'renamed')).toBe('Ada');
});
