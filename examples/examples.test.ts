import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../test/helpers/app.js';
import { startExample } from '../test/helpers/example.js';

const NAMES = readdirSync(__dirname).filter((name) => existsSync(join(__dirname, name, 'server.ts')));
const OF_ONE_PROCESS = NAMES.filter((name) => name !== 'cluster');

test('examples/README.md has a row for each example, and no other', () => {
  const rows = readFileSync(join(__dirname, 'README.md'), 'utf8').matchAll(/^\| \[([\w-]+)\]\(\1\/README\.md\)/gm);
  expect([...rows].map(([, name]) => name).sort()).toEqual(NAMES);
});

test.each(NAMES)('%s is checked with types of its own, by npm run typecheck', (name) => {
  expect(existsSync(join(__dirname, name, 'tsconfig.json'))).toBe(true);
  const { scripts } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8'));
  expect(scripts.typecheck).toContain('npm run typecheck:examples');
  expect(scripts['typecheck:examples'].split(' && ')).toContain(`tsc -p examples/${name}`);
});

test.each(NAMES.filter((name) => name !== 'login'))('%s says in at most a dozen lines what it shows and how it runs', (name) => {
  const text = readFileSync(join(__dirname, name, 'README.md'), 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(14);
  expect(text).toContain(`npx tsx examples/${name}/server.ts`);
});

test.each(OF_ONE_PROCESS)('%s runs with one command, on memory, and ends when told to', async (name) => {
  const example = await startExample(name, { REDIS_URL: '' });
  try {
    expect(example.line).toMatch(/^Sessions in memory/);
    const { status, body } = await new Client(example.origin).get('/');
    expect(status).toBe(200);
    expect(body).toContain('<h1>');
  } finally {
    await example.stop();
  }
});

test('the same command takes the Redis of REDIS_URL', async () => {
  const example = await startExample('two-sessions', { REDIS_URL: process.env.REDIS_URL as string });
  const client = new Client(example.origin);
  try {
    expect(example.line).toMatch(/^Sessions in Redis/);
    await client.get('/');
    expect((await client.get('/')).body).toContain('Visit 2');
    await client.get('/forget', { method: 'POST' });
  } finally {
    await example.stop();
  }
});
