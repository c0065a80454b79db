import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LinkedApp, manifestOf, pack } from './packed.js';

// The command line as npm installs it, with whichever Redis client is there.

const app = new LinkedApp(pack());
const bin = join(app.installed, manifestOf(app.installed).bin.sojourn as string);
const sojourn = (...args: string[]) =>
  spawnSync(process.execPath, [bin, ...args, '--prefix', 'sojourn:package-test:'], {
    cwd: app.folder,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

test('is a program that npm can start', () => {
  expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(sojourn('--help')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('sojourn list') });
});

test('says what to install where there is no client', () => {
  const stderr = 'sojourn: a Redis client is missing: npm install ioredis, or npm install redis\n';
  expect(sojourn('list')).toMatchObject({ status: 1, stdout: '', stderr });
});

test.each([
  ['ioredis 6', 'ioredis', 'ioredis'],
  ['ioredis 5', 'ioredis5', 'ioredis'],
  ['node-redis 6', 'redis', 'redis'],
  ['node-redis 5', 'redis5', 'redis'],
])('works with %s alone', (_, alias, as) => {
  app.link(alias, as);
  try {
    expect(sojourn('list')).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(sojourn('clear-expired', '--json')).toMatchObject({ status: 0, stdout: '{"records":0,"names":0}\n', stderr: '' });
  } finally {
    app.unlink(as);
  }
});
