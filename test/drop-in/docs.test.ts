import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { Redis } from 'ioredis';
import * as sojourn from 'sojourn';
import * as dropIn from 'sojourn/express-session';
import { KNOWN_DIFFERENCES } from '../compat/known-differences.js';
import { listen, type Running } from '../helpers/app.js';
import { type CodeBlock, codeBlocksOf, type Declared, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';
import { startOldApp } from '../helpers/express-session.js';

// Every block of docs/express-session.md runs, and does what the text around it says.

const text = readFileSync('docs/express-session.md', 'utf8');
const blocks = codeBlocksOf('docs/express-session.md').filter(({ language }) => language === 'ts');
const clients: Redis[] = [];
const open: Running[] = [];

beforeAll(() => {
  process.env.SESSION_SECRET = 'keyboard cat';
  process.env.NEW_SESSION_SECRET = 'at least thirty-two characters, please';
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()));
});
afterAll(() => {
  for (const client of clients) client.disconnect();
});

class TrackedRedis extends Redis {
  constructor(url: string) {
    super(url);
    clients.push(this);
  }
}

/** Runs the first block of TypeScript under a heading, or the one of that name. */
function run(name: string): Declared {
  const own: Record<string, unknown> = {
    sojourn,
    'sojourn/express-session': { ...dropIn, __esModule: true },
    ioredis: { Redis: TrackedRedis },
  };
  const block = blocks.find((each) => each.name === name || each.name.startsWith(`${name} (`)) as CodeBlock;
  return runBlock(block, (id) => own[id] ?? requireFromRoot(id));
}

async function serve(app: unknown): Promise<Running> {
  const running = await listen(createServer(app as RequestListener));
  open.push(running);
  return running;
}

const POST = { method: 'POST' };

test.each(['One line', 'Moving on to session()'])('the app under “%s” counts, logs in under a new ID and logs out', async (name) => {
  const client = (await serve(run(name).app)).client();
  expect((await client.get('/')).body).toBe('views: 1');
  expect((await client.get('/')).body).toBe('views: 2');
  const before = client.cookie;
  await client.get('/login', POST);
  expect(client.cookie).not.toBe(before);
  // regenerate() begins with nothing, cycleKey() goes on with the same data.
  expect((await client.get('/')).body).toBe(name === 'One line' ? 'views: 1' : 'views: 3');
  await client.get('/logout', POST);
  expect(client.cookie).toBe('');
});

test('the sessions of connect-redis go on, under the drop-in and then under session()', async () => {
  const old = await startOldApp('sess:');
  open.push(old);
  const browser = old.client();
  await browser.get('/login?user=ada');

  const express = requireFromRoot('express') as typeof import('express');
  const { sessions } = run('Which store') as { sessions: RequestListener };
  const app = express().use(sessions as never);
  app.get('/', (req, res) => void res.json(req.session.user));
  const onDropIn = await serve(app);
  const { body, setCookies } = await onDropIn.client().get('/', { headers: { cookie: browser.cookie } });
  expect([body, setCookies]).toEqual(['"ada"', []]);

  const bob = old.client();
  await bob.get('/login?user=bob');
  const native = await serve(run('Moving on to session() (2)').app);
  const client = native.client();
  client.jar.set('connect.sid', bob.jar.get('connect.sid') as string);
  expect((await client.get('/')).body).toBe('hello bob');
  expect([...client.jar.keys()]).toEqual(['sessionid']);
  expect((await native.client().get('/')).body).toBe('hello stranger');
});

test('each block compiles, those on session() in a program of their own', () => {
  const [own, other] = [true, false].map((isNative) => blocks.filter(({ code }) => /session } from 'sojourn'/.test(code) === isNative));
  const files = (list: readonly CodeBlock[] = []) => Object.fromEntries(list.map(({ code }, index) => [`block-${index}.ts`, code]));
  expect([own?.length, other?.length]).toEqual([1, 3]);
  expect([compile('express-session/native', files(own)), compile('express-session/drop-in', files(other))]).toEqual(['', '']);
});

test('the table of the suite’s tests that don’t pass is the list that the script goes by', () => {
  const rows = [...text.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].map(([, title = '', reason = '']) => [`session() ${title}`, reason]);
  const listed = rows.filter(([title = '']) => / should /.test(title));
  expect(Object.fromEntries(listed)).toEqual(KNOWN_DIFFERENCES);
  expect(text).toContain(`Of express-session's own 160 tests it passes ${160 - Object.keys(KNOWN_DIFFERENCES).length}`);
});

test('every option and every warning of the drop-in is named', () => {
  const options = readFileSync('src/express-session/options.ts', 'utf8');
  const known = /const KNOWN[^{]*{([^}]*)}/.exec(options)?.[1]?.match(/\w+(?=: true)/g) ?? [];
  expect(known.length).toBeGreaterThan(12);
  expect(known.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  for (const code of [
    'SOJOURN_RESAVE',
    'SOJOURN_SAVEUNINITIALIZED',
    'SOJOURN_UNKNOWN_OPTION',
    'SOJOURN_INSECURE',
    'SOJOURN_HEADERS_SENT',
  ]) {
    expect(text).toContain(`\`${code}\``);
  }
});
