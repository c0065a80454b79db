import type { ChildProcess } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, SECRET } from '../helpers/app.js';
import { codeBlocksOf } from '../helpers/code-blocks.js';
import { freePort, startProgram, stopProgram } from '../helpers/programs.js';
import { testRedisUrl } from '../helpers/redis-client.js';
import { emptyFolder, manifestOf, npm, pack } from './packed.js';

// The first ten minutes of somebody who found the package: an empty folder, npm install, the README's first block, curl.

const folder = emptyFolder();
const running: ChildProcess[] = [];

/** The README's first block as it stands. */
const asModule = codeBlocksOf('README.md').find(({ language }) => language === 'ts')?.code ?? '';
/** Says when it listens, and lets it do so on 127.0.0.1 only. */
const announce = join(folder, 'announce.cjs');
const ANNOUNCE = `
  const { Server } = require('node:net');
  const { listen } = Server.prototype;
  Server.prototype.listen = function (port) {
    return listen.call(this, Number(port), '127.0.0.1', () => console.log('listening'));
  };`;
const asCommonJs = asModule.replace(/^import (.+) from (.+);$/gm, 'const $1 = require($2);');

beforeAll(() => {
  const { devDependencies } = manifestOf('.');
  const versionOf = (name: string, older: string, takesOlder: boolean) =>
    `${name}@${takesOlder ? devDependencies[older]?.split('@').at(-1) : devDependencies[name]}`;
  const express = versionOf('express', 'express4', process.env.EXPRESS === '4');
  const ioredis = versionOf('ioredis', 'ioredis5', process.env.IOREDIS === '5');
  npm(folder, ['install', pack(), express, ioredis, '--prefer-offline', '--no-audit', '--no-fund']);
  writeFileSync(join(folder, 'app.mjs'), asModule);
  writeFileSync(announce, ANNOUNCE);
  writeFileSync(join(folder, 'app.cjs'), asCommonJs);
});

afterAll(() => Promise.all(running.splice(0).map(stopProgram)));

async function start(file: string): Promise<Client> {
  const env = { PORT: String(await freePort()), REDIS_URL: testRedisUrl(), SESSION_SECRET: SECRET };
  running.push(await startProgram(process.execPath, ['--require', announce, join(folder, file)], /listening/, env));
  return new Client(`http://127.0.0.1:${env.PORT}`);
}

test('npm installs it with its three dependencies, and nothing else that was not asked for', () => {
  const { dependencies } = manifestOf(join(folder, 'node_modules', 'sojourn'));
  for (const name of Object.keys(dependencies)) expect(manifestOf(join(folder, 'node_modules', name)).name).toBe(name);
  expect(readdirSync(join(folder, 'node_modules'))).not.toContain('redis');
});

test('the CommonJS form is what one would type', () => {
  expect(asCommonJs).toContain("const { RedisStore, session } = require('sojourn');");
  expect(asCommonJs).not.toMatch(/^(import|export) /m);
});

test.each(['app.mjs', 'app.cjs'])(
  "the README's first block counts, logs in and logs out as %s, over HTTP and on a real Redis",
  async (file) => {
    const client = await start(file);
    expect((await client.get('/')).body).toBe('views: 1');
    expect((await client.get('/')).body).toBe('views: 2');
    const before = client.cookie;
    const login = await client.get('/login', { method: 'POST' });
    expect([login.status, login.headers.get('location')]).toEqual([302, '/']);
    expect(client.cookie).not.toBe(before);
    expect((await client.get('/')).body).toBe('views: 3');
    const stranger = new Client(client.origin);
    expect((await stranger.get('/', { headers: { cookie: before } })).status).toBe(400);
    await client.get('/logout', { method: 'POST' });
    expect(client.jar.size).toBe(0);
    expect((await client.get('/')).body).toBe('views: 1');
  },
);

test('a session of the one form goes on in the other: it is in Redis, not in the process', async () => {
  const [first, second] = [await start('app.mjs'), await start('app.cjs')];
  await first.get('/');
  expect((await second.get('/', { headers: { cookie: first.cookie } })).body).toBe('views: 2');
});
