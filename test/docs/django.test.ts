import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { Request } from 'express';
import { Redis } from 'ioredis';
import * as sojourn from 'sojourn';
import { RULE_NAMES } from '../conformance/rules.js';
import { listen, SECRET, startApp } from '../helpers/app.js';
import { type CodeBlock, codeBlocksOf, type Declared, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';

const text = readFileSync('docs/django.md', 'utf8');
const blocks = codeBlocksOf('docs/django.md').filter(({ language }) => language === 'ts');
const clients: Redis[] = [];

class TrackedRedis extends Redis {
  constructor(url: string) {
    super(url);
    clients.push(this);
  }
}

beforeAll(() => {
  process.env.SESSION_SECRET = SECRET;
});
afterAll(() => {
  for (const client of clients) client.disconnect();
});

interface User {
  id: number;
  authHash: string;
}

/** What the block under "login() and logout()" exports. */
interface Auth {
  login(req: Request, user: User): void;
  logout(req: Request): void;
  currentUser(req: Request, find: (id: number) => Promise<User | undefined>): Promise<User | undefined>;
  updateSessionAuthHash(req: Request, user: User): void;
}

/** The cells of the tables under a heading, without the lines above them. */
function rowsUnder(heading: string): string[][] {
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
}

function run(heading: string): Declared {
  const block = blocks.find(({ name }) => name === heading) as CodeBlock;
  return runBlock(block, (id) => (id === 'sojourn' ? sojourn : id === 'ioredis' ? { Redis: TrackedRedis } : requireFromRoot(id)));
}

/** What `session()` says of options that can't work. */
function errorOf(options: Record<string, unknown>): string {
  try {
    sojourn.session(options);
  } catch (error) {
    return String(error);
  }
  throw new Error('nothing was wrong with these options');
}

const namesIn = (cell: string | undefined) => [...(cell ?? '').matchAll(/\b[sS](?:ession)?\.(\w+)/g)].map(([, name = '']) => name);

describe('the table of methods', () => {
  const rows = rowsUnder('The session object');
  const own = [...Object.getOwnPropertyNames(sojourn.Session.prototype), ...Object.getOwnPropertyNames(sojourn.Session)];

  test('names only what a session has', () => {
    const missing = rows.flatMap(([, cell]) => namesIn(cell)).filter((name) => !own.includes(name));
    expect(missing).toEqual([]);
  });

  test('has everything that a session has and Django as well', () => {
    const ours = ['constructor', 'length', 'name', 'prototype'];
    const named = rows.flatMap(([, cell]) => namesIn(cell));
    expect(own.filter((name) => !named.includes(name) && !ours.includes(name))).toEqual([]);
  });

  test('has each method of Django’s SessionBase', () => {
    const django =
      'get pop setdefault set_test_cookie test_cookie_worked delete_test_cookie encode decode update has_key keys values items clear ' +
      'is_empty session_key get_session_cookie_age get_expiry_age get_expiry_date set_expiry get_expire_at_browser_close flush ' +
      'cycle_key exists create save delete load clear_expired accessed modified serializer key_salt';
    const column = rows.map(([first]) => first).join(' ');
    expect(django.split(' ').filter((name) => !new RegExp(`\\.${name}\\b`).test(column))).toEqual([]);
  });
});

test('the table of settings has those of Django 5.2, and names options that there are', () => {
  const rows = rowsUnder('Settings');
  const django = rows.map(([setting]) => setting?.replaceAll('`', ''));
  const sessions = [
    'CACHE_ALIAS',
    'COOKIE_AGE',
    'COOKIE_DOMAIN',
    'COOKIE_HTTPONLY',
    'COOKIE_NAME',
    'COOKIE_PATH',
    'COOKIE_SAMESITE',
    'COOKIE_SECURE',
    'ENGINE',
    'EXPIRE_AT_BROWSER_CLOSE',
    'FILE_PATH',
    'SAVE_EVERY_REQUEST',
    'SERIALIZER',
  ];
  expect(django).toEqual(expect.arrayContaining(sessions.map((name) => `SESSION_${name}`)));
  const options = rows.flatMap(([, , cell]) => [...(cell ?? '').matchAll(/`((?:cookie\.)?[a-z]\w+)`/g)].map(([, name = '']) => name));
  expect(options).toEqual(expect.arrayContaining(['cookie.name', 'store', 'codec']));
  for (const option of options) {
    const [name = '', part] = option.split('.') as [string, string?];
    const bad = part === undefined ? { [name]: Symbol('bad') } : { cookie: { [part]: Symbol('bad') } };
    // A name that there isn't is another error than a bad value.
    expect([option, errorOf({ secret: SECRET, ...bad })]).toEqual([option, expect.not.stringContaining('is no option')]);
  }
});

test('every rule by which Sojourn leaves Django is in the table, and no other', () => {
  const named = rowsUnder('What is different on purpose').flatMap(([rules]) =>
    [...(rules ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(named.sort()).toEqual([...RULE_NAMES].sort());
});

test('the events in the table are published', () => {
  const names = [
    ...rowsUnder('Signals')
      .join(' ')
      .matchAll(/`sojourn:(\w+)`/g),
  ].map(([, name]) => name);
  const documented = readFileSync('docs/events.md', 'utf8');
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(documented).toContain(`| \`sojourn:${name}\``);
});

test('the view counts, and its change in place is kept', async () => {
  const running = await listen(createServer(run('In one look').app as RequestListener));
  const client = running.client();
  await client.get('/');
  expect(JSON.parse((await client.get('/')).body)).toEqual([2, ['/', '/']]);
  await running.close();
});

describe('login() and logout()', () => {
  const auth = run('login() and logout()') as unknown as Auth;
  const users = new Map([1, 2].map((id) => [id, { id, authHash: `hash of ${id}` }]));
  const find = async (id: number) => users.get(id);

  async function startAuth() {
    return startApp({}, (app) => {
      const userOf = (req: Request) => users.get(Number(req.query.id)) as User;
      app.get('/note', (req, res) => void res.json(req.session.setDefault('note', 'kept')));
      app.get('/login', (req, res) => {
        auth.login(req, userOf(req));
        res.end();
      });
      app.get('/logout', (req, res) => {
        auth.logout(req);
        res.end();
      });
      app.get('/password', (req, res) => {
        const user = userOf(req);
        user.authHash = String(req.query.hash);
        auth.updateSessionAuthHash(req, user);
        res.end();
      });
      app.get('/', async (req, res) => void res.json([(await auth.currentUser(req, find))?.id ?? null, req.session.get('note', null)]));
    });
  }

  test('a login keeps what a stranger left under a new key, and not what another user did', async () => {
    const running = await startAuth();
    const client = running.client();
    const seen = async () => JSON.parse((await client.get('/')).body);
    await client.get('/note');
    const before = client.cookie;
    await client.get('/login?id=1');
    expect(client.cookie).not.toBe(before);
    expect(await seen()).toEqual([1, 'kept']);
    await client.get('/login?id=2');
    expect(await seen()).toEqual([2, null]);
    await client.get('/logout');
    expect(client.jar.size).toBe(0);
    await running.close();
  });

  test('a change of password signs out everywhere but where it was changed', async () => {
    const running = await startAuth();
    const [here, there] = [running.client(), running.client()];
    await here.get('/login?id=1');
    await there.get('/login?id=1');
    await here.get('/password?id=1&hash=another');
    expect(JSON.parse((await here.get('/')).body)).toEqual([1, null]);
    expect(JSON.parse((await there.get('/')).body)).toEqual([null, null]);
    expect(there.jar.size).toBe(0);
    await running.close();
  });
});

test('every block compiles as it stands', () => {
  expect(compile('django', Object.fromEntries(blocks.map(({ code }, index): [string, string] => [`block-${index}.ts`, code])))).toBe('');
});
