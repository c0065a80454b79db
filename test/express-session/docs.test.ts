import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { Redis } from 'ioredis';
import pg from 'pg';
import * as sojourn from 'sojourn';
import { listen, SECRET } from '../helpers/app.js';
import { codeBlocksOf, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';
import { type PostgresServer, startPostgres } from '../helpers/postgres.js';

// The blocks of docs/stores.md run on the real packages, and do what the text around them says.

const blocks = codeBlocksOf('docs/stores.md').filter(({ language }) => language === 'ts');
const opened: { close(): Promise<unknown> }[] = [];

class TrackedPool extends pg.Pool {
  constructor(settings: pg.PoolConfig) {
    super(settings);
    opened.push({ close: () => this.end() });
  }
}

class TrackedRedis extends Redis {
  constructor(url: string) {
    super(url);
    opened.push({ close: async () => this.disconnect() });
  }
}

function load(id: string): unknown {
  if (id === 'sojourn') return sojourn;
  if (id === 'pg') return { Pool: TrackedPool };
  if (id === 'ioredis') return { Redis: TrackedRedis };
  return requireFromRoot(id);
}

function blockOf(heading: string) {
  const block = blocks.find(({ name }) => name === heading);
  if (block === undefined) throw new Error(`no code under ${heading}`);
  return runBlock(block, load) as { app: RequestListener };
}

let postgres: PostgresServer;
beforeAll(async () => {
  process.env.SESSION_SECRET = SECRET;
  postgres = await startPostgres();
});
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await postgres.stop();
});

test('Sojourn on PostgreSQL', async () => {
  await postgres.pool.query(readFileSync('node_modules/connect-pg-simple/table.sql', 'utf8'));
  process.env.DATABASE_URL = postgres.url;
  const running = await listen(createServer(blockOf('Sojourn on PostgreSQL').app));
  const client = running.client();
  await client.get('/');
  expect((await client.get('/')).body).toBe('views: 2');
  const { rows } = await postgres.pool.query('SELECT sess FROM session');
  expect(rows).toEqual([{ sess: { cookie: expect.any(Object), sojourn: { version: expect.any(String), payload: '{"views":2}' } } }]);
  await running.close();
});

test("express-session on Sojourn's stores", async () => {
  const { app } = blockOf("express-session on Sojourn's stores") as { app: import('express').Express };
  app.get('/', (req, res) => {
    const other = req.session as unknown as { views?: number };
    other.views = (other.views ?? 0) + 1;
    res.send(`views: ${other.views}`);
  });
  const running = await listen(createServer(app));
  const client = running.client();
  await client.get('/');
  expect((await client.get('/')).body).toBe('views: 2');
  await running.close();
});

test('these are all, and they compile as they stand', () => {
  expect(blocks).toHaveLength(2);
  const root = '../../';
  const types = `
/// <reference path="${root}test/faults/express-session.d.ts" />
/// <reference path="${root}test/helpers/connect-pg-simple.d.ts" />`;
  const files = Object.fromEntries(blocks.map(({ code }, index) => [`block-${index}.ts`, code]));
  expect(compile('stores', { 'types.ts': types, ...files })).toBe('');
});
