import type { ChildProcess } from 'node:child_process';
import { until } from '../faults/experiment.js';
import { Client, SECRET } from '../helpers/app.js';
import { compile } from '../helpers/compile.js';
import { freePort, startProgram, stopProgram } from '../helpers/programs.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { recipeNamed } from './recipes.js';

// NestJS is ES modules only, which Jest can't load on every Node. The recipe is a whole program anyway: it runs as one,
// with the sessions.ts of the docs, on a Redis of its own that a test can stop.

let redis: RedisServer;
let nest: ChildProcess;
let client: Client;

beforeAll(async () => {
  const files = { 'sessions.ts': recipeNamed('sessions.ts').code, 'main.ts': recipeNamed('NestJS').code };
  expect(compile('recipes/nest', files, { experimentalDecorators: true })).toBe('');
  redis = await startRedis();
  const port = await freePort();
  const env = {
    PORT: String(port),
    REDIS_URL: redis.url,
    SESSION_SECRET: SECRET,
    TSX_TSCONFIG_PATH: 'artifacts/recipes/nest/tsconfig.json',
  };
  nest = await startProgram(process.execPath, ['--import', 'tsx', 'artifacts/recipes/nest/main.ts'], /successfully started/, env);
  client = new Client(`http://127.0.0.1:${port}`);
  // Nest says that it has started a moment before it listens.
  await until(async () => (await client.get('/about')).status === 200, 'Nest listens');
});
afterAll(async () => {
  await stopProgram(nest);
  await redis.stop();
});
beforeEach(() => client.jar.clear());

const post = (path: string) => client.get(path, { method: 'POST' });

test('a controller logs in under a new key, and out', async () => {
  expect((await post('/login')).status).toBe(201);
  const before = client.cookie;
  await post('/login');
  expect(client.cookie).not.toBe(before);
  expect(JSON.parse((await client.get('/account')).body)).toEqual({ userId: 42 });
  expect((await client.get('/account', { headers: { cookie: before } })).status).toBe(401);
  await post('/logout');
  expect(client.cookie).toBe('');
});

test('a guard keeps out who is not signed in', async () => {
  expect((await client.get('/account')).status).toBe(401);
});

test('with Redis gone, a page without a session is served, and the others are a 503: never a login that was not saved', async () => {
  await post('/login');
  await redis.stop();
  expect((await client.get('/about')).body).toBe('no session needed');
  expect((await client.get('/account')).status).toBe(503);
  client.jar.clear();
  const { status, setCookies, headers } = await post('/login');
  expect({ status, setCookies, retryAfter: headers.get('retry-after') }).toEqual({ status: 503, setCookies: [], retryAfter: '1' });
});
