import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type RequestListener, type Server } from 'node:http';
import express from 'express';
import { Redis } from 'ioredis';
import * as sojourn from 'sojourn';
import * as testing from 'sojourn/testing';
import { listen, SECRET } from '../helpers/app.js';
import { type CodeBlock, codeBlocksOf, type Declared, DeclaredTests, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';

// Every TypeScript block of the README runs, and does what the text around it says.

const blocks = codeBlocksOf('README.md').filter(({ language }) => language === 'ts');
const clients: Redis[] = [];
const servers: Server[] = [];
const tests = new DeclaredTests();
const subscribed: Parameters<typeof subscribe>[] = [];

/** The README's blocks open clients and never close them. */
class TrackedRedis extends Redis {
  constructor(url: string) {
    super(url);
    clients.push(this);
  }
}

/** Express, whose servers listen where the tests' do and end with them. */
const trackedExpress = Object.assign(() => {
  const app = express();
  app.listen = (() => servers.push(createServer(app).listen(0, '127.0.0.1'))) as never;
  return app;
}, express);

function load(id: string): unknown {
  if (id === 'sojourn') return sojourn;
  if (id === 'sojourn/testing') return testing;
  if (id === 'node:test') return tests;
  if (id === 'express') return trackedExpress;
  if (id === 'ioredis') return { Redis: TrackedRedis };
  // Channels outlive a test file: other files would hear what the README's listeners print.
  if (id === 'node:diagnostics_channel') {
    const subscribeForNow = (...args: Parameters<typeof subscribe>) => {
      subscribed.push(args);
      subscribe(...args);
    };
    return { subscribe: subscribeForNow };
  }
  return requireFromRoot(id);
}

const post = (headers: Record<string, string> = {}, body = ''): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  body,
});

const checks: Record<string, (declared: Declared) => Promise<void>> = {
  async 'Use it (2)'({ app }) {
    const running = await listen(createServer(app as RequestListener));
    const client = running.client();
    expect((await client.get('/')).body).toBe('views: 1');
    const before = client.cookie;
    expect((await client.get('/login', post())).headers.get('location')).toBe('/');
    expect(client.cookie).not.toBe(before);
    expect((await client.get('/')).body).toBe('views: 2');
    await client.get('/logout', post());
    expect(client.cookie).toBe('');
    await running.close();
  },

  // Checked by the compiler, in the test of the types below.
  async 'Typed data'() {},

  async 'Who is signed in where'({ signedInWhere }) {
    const app = express();
    const store = new sojourn.MemoryStore();
    (signedInWhere as (app: express.Express, store: sojourn.Store) => void)(app, store);
    app.get('/login', (req, res) => {
      req.session.update({ userId: 7, device: String(req.headers['user-agent']) });
      res.end();
    });
    const running = await listen(createServer(app));
    const clients = [running.client(), running.client(), running.client()] as const;
    for (const client of clients) await client.get('/login', { headers: { 'user-agent': `browser ${clients.indexOf(client)}` } });
    const list = async () => JSON.parse((await clients[0].get('/sessions')).body) as { ref: string; current: boolean; device: string }[];
    expect((await list()).map(({ current, device }) => (current ? `${device}, this one` : device)).sort()).toEqual([
      'browser 0, this one',
      'browser 1',
      'browser 2',
    ]);
    const { ref } = (await list()).find(({ device }) => device === 'browser 1') as { ref: string };
    expect((await clients[0].get(`/sessions/${ref}/end`, post())).status).toBe(303);
    expect((await list()).map(({ device }) => device).sort()).toEqual(['browser 0', 'browser 2']);
    expect((await clients[0].get('/password', post())).status).toBe(303);
    expect((await list()).map(({ device }) => device)).toEqual(['browser 0']);
    await running.close();
  },

  async 'Stay signed in'({ app }) {
    const running = await listen(createServer(app as RequestListener));
    const [short] = (await running.client().get('/login', post({}, 'name=ada'))).setCookies;
    expect(short).not.toContain('Max-Age');
    const [long] = (await running.client().get('/login', post({}, 'name=ada&remember=on'))).setCookies;
    expect(long).toContain('Max-Age=2592000');
    await running.close();
  },

  async 'Signed in, in a test'() {
    expect(await tests.run()).toEqual(['Ada sees her page']);
  },

  async 'Two sessions in one app'({ app }) {
    const routes = app as import('express').Express;
    routes.get('/both', (req, res) => void res.json('admin' in req));
    routes.get('/admin/login', (req, res) => {
      (req as typeof req & { admin: sojourn.Session }).admin.set('name', 'root');
      req.session.set('name', 'ada');
      res.end();
    });
    const running = await listen(createServer(routes));
    expect((await running.client().get('/both')).body).toBe('false');
    const client = running.client();
    await client.get('/admin/login');
    expect([...client.jar.keys()].sort()).toEqual(['adminid', 'sessionid']);
    await running.close();
  },

  async 'Encrypted at rest'({ sessions }) {
    const { store, issue } = sessions as sojourn.SessionMiddleware;
    const create = jest.spyOn(store, 'create');
    await issue({ note: 'a secret note' });
    const [, payload] = create.mock.calls[0] as [string, string, number];
    expect(payload).toMatch(/^e1\./);
    expect(payload).not.toContain('note');
  },

  // The events themselves are tested elsewhere.
  async 'See what happens'() {
    expect(subscribed.map(([name]) => name)).toEqual(['sojourn:storeError', 'sojourn:interrupted']);
    const names: string[] = [];
    const listener = (_message: unknown, name: string | symbol) => void names.push(String(name));
    subscribe('sojourn:created', listener);
    await sojourn.session({ secret: SECRET }).issue({ a: 1 });
    unsubscribe('sojourn:created', listener);
    expect(names).toEqual(['sojourn:created']);
  },
};

beforeAll(() => {
  process.env.SESSION_SECRET = SECRET;
});

afterAll(() => {
  for (const client of clients) client.disconnect();
  for (const server of servers) server.close();
  for (const [name, listener] of subscribed) unsubscribe(name, listener);
});

test('the README has the blocks that are checked here, and no other', () => {
  expect(blocks.map(({ name }) => name).sort()).toEqual(Object.keys(checks).sort());
});

test.each(blocks.map((block): [string, CodeBlock] => [block.name, block]))(
  'the block under "%s" does what it says',
  async (name, block) => {
    await checks[name]?.(runBlock(block, load));
  },
);

const TYPED_USE = `
import type { Session } from 'sojourn';
declare const session: Session;
export const userId: number | undefined = session.get('userId');
// @ts-expect-error a user id is a number
session.set('userId', 'x');
// @ts-expect-error nobody declared this key
session.set('unknown', 1);
`;

test('every block compiles as it stands', () => {
  const isTyped = ({ name }: CodeBlock) => name === 'Typed data';
  const others = blocks.filter((block) => !isTyped(block)).map(({ code }, index): [string, string] => [`block-${index}.ts`, code]);
  // Declared data types hold for a whole program, so that block is a program of its own.
  const declaration = blocks.find(isTyped)?.code ?? '';
  expect(compile('readme/others', Object.fromEntries(others))).toBe('');
  expect(compile('readme/typed', { 'declaration.ts': declaration, 'use.ts': TYPED_USE })).toBe('');
});

test('the README names the two commands, and package.json has them', () => {
  const [commands] = codeBlocksOf('README.md');
  expect(commands?.code).toContain('npm install && npm start');
  expect(commands?.code).toContain('npm install && npm test');
  const { scripts } = requireFromRoot('./package.json') as { scripts: Record<string, string> };
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', 'conformance']));
});
