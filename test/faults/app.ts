import { channel } from 'node:diagnostics_channel';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import express, { type NextFunction, type Request, type Response } from 'express';
import { RedisStore, type SessionEvents, session } from 'sojourn';
import type { AppSettings, FromApp, Stats, ToApp } from './app-process.js';
import { connect } from './clients.js';

/**
 * The application of the experiments, a process of its own: Express, Sojourn and a Redis client. It tells its parent
 * where it listens and how it feels, and logs every error in full, so that a secret in one of them would be seen.
 */
const settings = JSON.parse(process.env.FAULTS_APP ?? '') as AppSettings;
const client = connect(settings.place, settings.profile);
const store = new RedisStore(client, {
  timeout: settings.timeout,
  nearCache: settings.nearCache ?? false,
  ...(settings.durability && { durability: settings.durability }),
});
const secret = settings.secret;

const stats = { unhandled: 0, conflicts: 0, corrupt: 0, storeErrors: 0 };
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (reason: unknown) => {
    stats.unhandled += 1;
    console.error(event, reason);
  });
}
const count = (name: keyof SessionEvents, counter: keyof typeof stats) =>
  channel(`sojourn:${name}`).subscribe((message) => {
    stats[counter] += 1;
    if (name !== 'conflict') console.error(name, inspect(message, { depth: 10, showHidden: true }));
  });
count('conflict', 'conflicts');
count('corrupt', 'corrupt');
count('storeError', 'storeErrors');

/** Requests that have loaded their session and wait until the parent lets them go on: `?gate=name` on any path. */
const held = new Map<string, () => void>();
const app = express();
const user = (visitor: { get(key: string): unknown }) => visitor.get('user');
const options = { secret, store, ...(settings.users && { user }) };
const touching = session({ ...options, saveEveryRequest: true });
const plain = session(options);
app.use((req, res, next) => (req.path === '/touch' ? touching : plain)(req, res, next));

const text = (value: unknown) => (typeof value === 'string' ? value : '');

app.use((req, _res, next) => {
  const gate = text(req.query.gate);
  if (gate === '') return next();
  held.set(gate, next);
  tell({ kind: 'arrived', gate });
});
app.get('/public', (_req, res) => {
  res.send('public');
});
app.get(['/data', '/touch'], (req, res) => {
  res.json(Object.fromEntries(req.session.entries()));
});
app.get('/set', (req, res) => {
  req.session.set(text(req.query.key), text(req.query.value));
  res.send('set');
});
app.get('/login', (req, res) => {
  req.session.cycleKey();
  req.session.set('user', text(req.query.user));
  res.send('logged in');
});
app.get('/rotate', (req, res) => {
  req.session.cycleKey();
  req.session.set(text(req.query.key), 'rotated');
  res.send('rotated');
});
app.get('/logout', (req, res) => {
  req.session.flush();
  res.send('logged out');
});
app.get('/sessions', async (req, res) => {
  res.json(await plain.of(text(req.query.user)).list({ current: req.session }));
});
app.get('/revoke-all', async (req, res) => {
  res.json(await plain.of(text(req.query.user)).revokeAll());
});
app.get('/revoke-others', async (req, res) => {
  res.json(await plain.of(text(req.query.user)).revokeAll({ except: req.session }));
});
app.use((error: Error, _req: Request, _res: Response, next: NextFunction) => {
  console.error(inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error));
  // Express' own error handler answers, with the status and the headers the error carries.
  next(error);
});

const server = app.listen(0, '127.0.0.1', () => tell({ kind: 'listening', port: (server.address() as AddressInfo).port }));
// A connection that the server closes for being idle, just as the load takes it up again, is no fault of the store.
server.keepAliveTimeout = 120_000;

process.on('message', (message: ToApp) => {
  if (message.kind === 'release') {
    held.get(message.gate)?.();
    held.delete(message.gate);
  } else {
    tell({ kind: 'stats', stats: measure() });
  }
});
// The parent went away: nobody needs this process any more.
process.on('disconnect', () => process.exit());

function measure(): Stats {
  return { ...stats, rss: process.memoryUsage().rss, waiting: commandsIn(client as Queues) };
}

/** Where the clients keep their commands: in two lists, or in a queue that tells. */
interface Queues {
  readonly commandQueue?: { readonly length: number };
  readonly offlineQueue?: { readonly length: number };
  _getQueue?(): { readonly pendingCount: number };
}

function commandsIn({ commandQueue, offlineQueue, _getQueue }: Queues): number | undefined {
  if (_getQueue) return _getQueue.call(client).pendingCount;
  return commandQueue && commandQueue.length + (offlineQueue?.length ?? 0);
}

function tell(message: FromApp): void {
  process.send?.(message);
}
