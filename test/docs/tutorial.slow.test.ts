import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { HARDENED } from '../faults/clients.js';
import { Client, type Reply } from '../helpers/app.js';
import { codeBlocksOf } from '../helpers/code-blocks.js';
import { freePort, startProgram } from '../helpers/programs.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';

// The files of docs/tutorial.md, put together in a folder as its reader does, beside the built package, and run by Node.

const PASSWORD = 'correct horse battery';
const SECRET = 'the secret of the tutorial is long enough';
const blocks = codeBlocksOf('docs/tutorial.md');
const files = blocks.flatMap(({ language, code }): [string, string][] => {
  const [, name = ''] = /^\/\/ (\S+\.js)\n/.exec(code) ?? [];
  return language === 'js' ? [[name, code]] : [];
});

let folder: string;
let redis: RedisServer;
const servers: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-tutorial-'));
  for (const [name, code] of files) writeFileSync(join(folder, name), code);
  writeFileSync(join(folder, 'package.json'), '{ "name": "hello", "type": "module" }');
  installInto(folder);
  redis = await startRedis();
  addUser('ada');
});
afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL');
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As `npm install express ioredis sojourn` would. */
function installInto(target: string): void {
  const installed = join(target, 'node_modules', 'sojourn');
  mkdirSync(installed, { recursive: true });
  cpSync('package.json', join(installed, 'package.json'));
  const tsc = resolve('node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', 'tsconfig.build.json', '--outDir', join(installed, 'dist')], { stdio: 'pipe' });
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
  for (const name of ['express', '@types/express', '@types/node', 'ioredis', ...Object.keys(dependencies)]) {
    mkdirSync(dirname(join(target, 'node_modules', name)), { recursive: true });
    symlinkSync(resolve('node_modules', name), join(target, 'node_modules', name));
  }
}

function addUser(name: string, password = PASSWORD) {
  return spawnSync(process.execPath, ['add-user.js', name], { cwd: folder, input: `${password}\n`, encoding: 'utf8' });
}

interface Hello {
  readonly origin: string;
  /** What it has written to standard error so far. */
  errors(): string;
  /** Ends it as systemd does; its exit code. */
  stop(): Promise<number | null>;
}

/** Starts server.js as the page says, and waits until its Redis answers. */
async function start(env: Record<string, string> = {}): Promise<Hello> {
  writeFileSync(join(folder, '.env'), `SESSION_SECRET=${SECRET}\n`);
  const port = await freePort();
  const settings = { NODE_ENV: '', REDIS_URL: redis.url, PORT: String(port), ...env };
  const child = await startProgram(
    process.execPath,
    [`--env-file=${join(folder, '.env')}`, join(folder, 'server.js')],
    /Listening on/,
    settings,
  );
  servers.push(child);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const origin = `http://127.0.0.1:${port}`;
  while ((await fetch(`${origin}/ready`)).status !== 200);
  return {
    origin,
    errors: () => errors,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await exited;
      return code as number | null;
    },
  };
}

function login(client: Client, name = 'ada', password = PASSWORD, headers: Record<string, string> = {}): Promise<Reply> {
  return client.get('/login', { method: 'POST', body: new URLSearchParams({ name, password }), headers });
}

test('the page has these files, and says so in their first lines', () => {
  expect(files.map(([name]) => name)).toEqual(['sessions.js', 'users.js', 'add-user.js', 'app.js', 'server.js', 'app.test.js']);
});

test('the app compiles against the types of Sojourn, Express and ioredis', () => {
  const compilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2022',
    skipLibCheck: true,
    types: ['node'],
    // Parameters in JavaScript have no types.
    noImplicitAny: false,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['server.js', 'add-user.js'] }));
  const { stdout, status } = spawnSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});

test('its own test passes', () => {
  const env = { ...process.env, NODE_ENV: '', NODE_TEST_CONTEXT: undefined };
  const { stdout, status } = spawnSync(process.execPath, ['--test'], { cwd: folder, encoding: 'utf8', env });
  expect({ stdout, status }).toEqual({ stdout: expect.stringMatching(/pass 3\n/), status: 0 });
});

test('Redis gets the settings that docs/redis.md recommends', () => {
  const [, code = ''] = files.find(([name]) => name === 'sessions.js') ?? [];
  for (const [name, value] of Object.entries(HARDENED)) {
    const text = typeof value === 'function' ? name : `${name}: ${value},`;
    expect(code).toContain(text);
  }
});

test('a password is asked for, must be long, and is kept as a hash', () => {
  expect(addUser('grace').stdout).toBe('Password for grace: grace can sign in.\n');
  expect(addUser('eve', 'short')).toMatchObject({ status: 1, stderr: expect.stringContaining('12 characters') });
  const users = readFileSync(join(folder, 'users.json'), 'utf8');
  expect(Object.keys(JSON.parse(users))).toEqual(['ada', 'grace']);
  expect(users).not.toContain(PASSWORD);
});

test('who signs in is greeted, also by the next process, until the logout', async () => {
  const first = await start();
  const client = new Client(first.origin);
  expect((await client.get('/')).headers.get('location')).toBe('/login');
  const reply = await login(client);
  expect([reply.status, reply.headers.get('location')]).toEqual([303, '/']);
  expect((await client.get('/')).body).toContain('Hello ada, visit 1.');
  expect(await first.stop()).toBe(0);

  const second = await start();
  const again = new Client(second.origin);
  for (const [name, value] of client.jar) again.jar.set(name, value);
  expect((await again.get('/')).body).toContain('Hello ada, visit 2.');
  await again.get('/logout', { method: 'POST' });
  expect(again.jar.size).toBe(0);
  expect((await new Client(second.origin).get('/', { headers: { cookie: client.cookie } })).headers.get('location')).toBe('/login');
  expect(second.errors()).toBe('');
  expect(await second.stop()).toBe(0);
});

describe('a sign-in', () => {
  let hello: Hello;
  beforeAll(async () => {
    hello = await start();
  });
  afterAll(() => hello.stop());

  test.each([
    ['a wrong password', 'ada', 'wrong'],
    ['an unknown name', 'nobody', PASSWORD],
    ['no password', 'ada', ''],
    ['a name of JavaScript’s own', '__proto__', PASSWORD],
  ])('by %s opens nothing, and makes no session', async (_, name, password) => {
    const reply = await login(new Client(hello.origin), name, password);
    expect([reply.status, reply.setCookies]).toEqual([401, []]);
  });

  test('by a form of another site is refused', async () => {
    const reply = await login(new Client(hello.origin), 'ada', PASSWORD, { 'Sec-Fetch-Site': 'cross-site' });
    expect([reply.status, reply.setCookies]).toEqual([403, []]);
  });

  test('leaves the key from before worthless', async () => {
    const client = new Client(hello.origin);
    await login(client);
    const before = client.cookie;
    await login(client);
    expect(client.cookie).not.toBe(before);
    expect((await new Client(hello.origin).get('/', { headers: { cookie: before } })).headers.get('location')).toBe('/login');
  });
});

test('in production the cookie is what the page says behind the proxy, and a warning without it', async () => {
  const hello = await start({ NODE_ENV: 'production' });
  const { setCookies } = await login(new Client(hello.origin), 'ada', PASSWORD, { 'X-Forwarded-Proto': 'https' });
  const [promised = ''] = /`(__Host-sessionid=[^`]+)`/.exec(readFileSync('docs/tutorial.md', 'utf8'))?.slice(1) ?? [];
  expect(setCookies.map((line) => line.replace(/=[^;]+/, '=...'))).toEqual([promised]);

  expect((await login(new Client(hello.origin))).setCookies).toEqual([]);
  await hello.stop();
  expect(hello.errors()).toContain('[SOJOURN_INSECURE]');
});

test('in production a missing secret is an error at start', () => {
  const env = { ...process.env, NODE_ENV: 'production', SESSION_SECRET: undefined, REDIS_URL: redis.url };
  const { status, stderr } = spawnSync(process.execPath, ['server.js'], { cwd: folder, encoding: 'utf8', env });
  expect([status, stderr]).toEqual([1, expect.stringContaining('ERR_SESSION_OPTION')]);
});

test('with Redis down it is alive and not ready, serves the login page, and signs nobody out', async () => {
  const own = await startRedis();
  const hello = await start({ REDIS_URL: own.url });
  const client = new Client(hello.origin);
  await login(client);
  await own.stop();
  const statusOf = async (path: string) => (await client.get(path)).status;
  expect([await statusOf('/live'), await statusOf('/ready'), await statusOf('/login'), await statusOf('/')]).toEqual([200, 503, 200, 503]);
  expect(client.jar.size).toBe(1);
  await hello.stop();
});
