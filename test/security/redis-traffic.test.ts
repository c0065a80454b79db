import type { Redis } from 'ioredis';
import { RedisStore, type SessionOptions } from 'sojourn';
import { allowedCommands } from '../helpers/acl.js';
import type { Client, Reply } from '../helpers/app.js';
import { connect } from '../helpers/redis-client.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { type OpenStore, storeContract } from '../stores/store-contract.js';
import { startApp } from './apps.js';

// A Redis nobody else uses: everything that is sent to it, and everything in it, is ours.
let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = connect({}, server.url);
});
beforeEach(() => redis.flushall());
afterAll(() => server.stop());

async function start(options: SessionOptions = {}) {
  const app = await startApp({ store: new RedisStore(redis), ...options }, (routes) => {
    routes.get('/untouched', (_req, res) => void res.send('page'));
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/write', (req, res) => void res.json(req.session.set('at', Math.random()).size));
    routes.get('/login', (req, res) => {
      req.session.cycleKey();
      res.json(req.session.set('user', 'ann').size);
    });
    routes.get('/logout', (req, res) => {
      req.session.flush();
      res.send('out');
    });
  });
  return { app, client: app.client() };
}

/** The commands Redis was sent while `act` ran, those of its scripts included, as one text each. */
async function commandsDuring(act: () => Promise<unknown>): Promise<string[]> {
  const commands: string[] = [];
  const monitor = await redis.monitor();
  const over = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[]) => {
      if (args[1] === 'that was all') resolve();
      else commands.push(args.join(' '));
    });
  });
  await act();
  await redis.echo('that was all');
  await over;
  monitor.disconnect();
  return commands;
}

const nameOf = (command: string) => command.split(' ', 1)[0]?.toLowerCase();
const secretsIn = (client: Client) => (client.jar.get('sessionid') as string).split('.');

test('no session key and no signature is ever sent to Redis or kept there', async () => {
  const { app, client } = await start();
  const secrets: string[] = [];
  const commands = await commandsDuring(async () => {
    for (const path of ['/write', '/login', '/read', '/write', '/read', '/login', '/untouched', '/write', '/read', '/write', '/login']) {
      await client.get(path);
      secrets.push(...secretsIn(client));
    }
    const { sessionKey } = await app.sessions.issue({ user: 'bob' });
    secrets.push(sessionKey);
  });
  expect(commands.length).toBeGreaterThan(15);
  const kept: string[] = [];
  for (const key of await redis.keys('*')) {
    const dump = (await redis.dumpBuffer(key)) as Buffer;
    kept.push(key, (await redis.get(key)) ?? '', dump.toString('latin1'));
  }
  expect(kept.length).toBeGreaterThan(6);
  for (const secret of new Set(secrets)) {
    expect([...commands, ...kept].filter((text) => text.includes(secret))).toEqual([]);
  }
});

test('who reads all of Redis can make no cookie of it', async () => {
  const { app, client } = await start();
  await client.get('/login');
  const texts = new Set<string>();
  for (const key of await redis.keys('*')) {
    const value = (await redis.get(key)) ?? '';
    const storeKey = key.slice('sojourn:'.length);
    const version = value.slice(7, 14);
    for (const text of [key, storeKey, value, value.slice(14), version, storeKey + version]) {
      texts.add(text).add(Buffer.from(text).toString('base64url')).add(Buffer.from(text, 'base64url').toString('base64url'));
      texts.add(`${text}.${storeKey}`).add(`${text}.${text}`).add(`s%3A${text}`);
    }
  }
  expect(texts.size).toBeGreaterThan(15);
  for (const text of texts) {
    const reply = await app.client().get('/read', { headers: { cookie: `sessionid=${encodeURIComponent(text)}` } });
    expect(reply.body).toBe('null');
    const raw = await app.client().get('/read', { headers: { cookie: `sessionid=${text.replaceAll(';', '')}` } });
    expect(raw.body).toBe('null');
  }
});

test('a hundred requests that only read send a hundred GETs, and nothing that writes', async () => {
  const { client } = await start();
  await client.get('/login');
  const commands = await commandsDuring(() => Promise.all(Array.from({ length: 100 }, () => client.get('/read'))));
  expect(commands.map(nameOf)).toEqual(Array(100).fill('get'));
});

describe('a hundred requests that leave the session alone, with a good cookie,', () => {
  test.each([
    ['send nothing with lazy: true', true, []],
    ['only read without it', false, Array(100).fill('get')],
  ])('%s, and say nothing of cookies', async (_what, lazy, expected) => {
    const { app, client } = await start({ lazy });
    const { cookie } = await app.sessions.issue({ user: 'ann' });
    let replies: Reply[] = [];
    const commands = await commandsDuring(async () => {
      replies = await Promise.all(Array.from({ length: 100 }, () => client.get('/untouched', { headers: { cookie } })));
    });
    expect(commands.map(nameOf)).toEqual(expected);
    for (const { status, headers, setCookies } of replies) {
      expect([status, setCookies, headers.get('vary'), headers.get('cache-control')]).toEqual([200, [], null, null]);
    }
  });
});

test('after a logout the cookie is worthless on every server: a hundred replays on two of them', async () => {
  const [one, two] = [await start(), await start()];
  await one.client.get('/login');
  const { cookie } = one.client;
  const replay = (app: typeof one) => app.app.client().get('/read', { headers: { cookie } });
  expect((await replay(two)).body).toBe('"ann"');
  expect((await one.client.get('/logout')).status).toBe(200);
  const replies = await Promise.all(Array.from({ length: 100 }, (_, index) => replay(index % 2 ? one : two)));
  expect(replies.filter(({ status, body }) => status !== 200 || body !== 'null')).toEqual([]);
});

test('FLUSHALL under load logs everybody out, and that is all: no 5xx, and everybody can go on', async () => {
  const { app } = await start();
  const clients = Array.from({ length: 20 }, () => app.client());
  await Promise.all(clients.map((client) => client.get('/login')));
  const statuses = new Map<number, number>();
  let rounds = 0;
  await Promise.all(
    clients.map(async (client, index) => {
      for (let round = 0; round < 15; round += 1) {
        const { status } = await client.get(['/read', '/write', '/untouched', '/login'][(round + index) % 4] as string);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        rounds += 1;
        if (rounds === 100) await redis.flushall();
      }
    }),
  );
  // A write to a session that went while the request was on its way is a 400, as after a logout.
  expect([...statuses.keys()].filter((status) => status !== 200 && status !== 400)).toEqual([]);
  expect(statuses.get(200)).toBeGreaterThan(270);
  for (const client of clients) {
    expect((await client.get('/login')).status).toBe(200);
    expect((await client.get('/read')).body).toBe('"ann"');
  }
});

// All acts of a store, each with what the contract promises of it, as a user that may do nothing else.
storeContract('RedisStore as a user with the ACL of docs/redis.md', async (): Promise<OpenStore> => {
  const commands = allowedCommands();
  await redis.acl('SETUSER', 'sessions', 'reset', 'on', '>password', '~sojourn:*', '-@all', ...commands.map((name) => `+${name}`));
  const client = connect({ host: '127.0.0.1', port: server.port, username: 'sessions', password: 'password' }, server.url);
  return {
    store: new RedisStore(client),
    outlives: async (key, seconds) => (await redis.pttl(`sojourn:${key}`)) > seconds * 1000,
    async expire(key) {
      await redis.pexpire(`sojourn:${key}`, 0);
    },
  };
});
