import { createServer, type IncomingMessage } from 'node:http';
import { Server } from 'socket.io';
import { io, type Socket } from 'socket.io-client';
import session, { type Session, type SessionData } from 'sojourn/express-session';
import { listen, type Running } from '../helpers/app.js';
import { WatchedStore } from '../helpers/stores.js';
import { type DropIn, SECRET, signIn, start } from './app.js';

// The way that socket.io's documents show with express-session: io.engine.use(session(...)).

let app: DropIn;
let running: Running;
let sockets: Socket[];
/** Resolve as the server has seen its sockets go: a client must not be left with a request under way. */
let left: Promise<unknown>[];

beforeEach(async () => {
  sockets = [];
  left = [];
  const store = new WatchedStore();
  app = await start(store);
  const server = createServer();
  const rooms = new Server(server);
  rooms.engine.use(session({ secret: SECRET, store, resave: false, saveUninitialized: false }));
  rooms.on('connection', (socket) => {
    left.push(new Promise((resolve) => void socket.conn.once('close', resolve)));
    const visit = (socket.request as IncomingMessage & { session: Session & Partial<SessionData> }).session;
    socket.emit('user', visit.user ?? 'nobody');
    socket.on('count', (answer: (views: unknown) => void) => {
      visit.reload((error) => {
        if (error) return answer((error as Error).message);
        visit.views = (visit.views ?? 0) + 1;
        visit.save((failure) => answer(failure ? 'not saved' : visit.views));
      });
    });
  });
  running = await listen(server);
});
afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await Promise.all(left);
  await running.close();
});

function connect(cookie: string, transport: string): Socket {
  const socket = io(running.origin, { transports: [transport], extraHeaders: { cookie }, reconnection: false, forceNew: true });
  sockets.push(socket);
  return socket;
}
const next = (socket: Socket, event: string) => new Promise<unknown>((resolve) => void socket.once(event, resolve));

test.each(['websocket', 'polling'])('by %s, a socket has the session, and what it saves is there for requests', async (transport) => {
  const client = await signIn(app);
  const socket = connect(client.cookie, transport);
  expect(await next(socket, 'user')).toBe('ada');
  expect(await socket.emitWithAck('count')).toBe(1);
  await app.ask(client, (req) => {
    req.session.views = 10;
  });
  expect(await socket.emitWithAck('count')).toBe(11);
  expect(await app.dataOf(client.cookie)).toEqual({ user: 'ada', views: 11 });
  await app.ask(client, (req) => req.session.destroy());
  expect(await socket.emitWithAck('count')).toBe('failed to load session');
});

test.each(['websocket', 'polling'])('by %s, a visitor without a session gets in, and none is stored', async (transport) => {
  expect(await next(connect('', transport), 'user')).toBe('nobody');
  expect(app.store.calls).toEqual([]);
});
