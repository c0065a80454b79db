import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { createClient } from 'redis';
import { RedisStore } from 'sojourn';
import { makeCertificate } from '../helpers/certificate.js';
import { type CodeBlock, codeBlocksOf, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';
import { freePort } from '../helpers/programs.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';

const blocks = codeBlocksOf('docs/redis.md').filter(({ language }) => language === 'ts');
const text = readFileSync('docs/redis.md', 'utf8');

test('every block of docs/redis.md compiles as it stands', () => {
  expect(compile('redis', Object.fromEntries(blocks.map(({ code }, index): [string, string] => [`block-${index}.ts`, code])))).toBe('');
});

describe('TLS, as docs/redis.md shows it', () => {
  let folder: string;
  let server: RedisServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-tls-'));
    const { key, cert } = makeCertificate();
    writeFileSync(join(folder, 'key.pem'), key);
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'other.pem'), makeCertificate().cert);
    const port = await freePort();
    const [certificate, secret] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    server = await startRedis([
      ...['--tls-port', String(port), '--tls-cert-file', certificate, '--tls-key-file', secret],
      ...['--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'],
    ]);
    process.env.REDIS_URL = `rediss://localhost:${port}`;
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function clientsWith(ca: string) {
    process.env.REDIS_CA = join(folder, ca);
    const block = blocks.find(({ name }) => name === 'TLS') as CodeBlock;
    const { ioredis, nodeRedis } = runBlock(block, requireFromRoot) as { ioredis: Redis; nodeRedis: ReturnType<typeof createClient> };
    ioredis.on('error', () => {});
    nodeRedis.on('error', () => {});
    return { ioredis, nodeRedis };
  }

  test('stores sessions with either family of clients', async () => {
    const { ioredis, nodeRedis } = clientsWith('cert.pem');
    await nodeRedis.connect();
    for (const client of [ioredis, nodeRedis]) {
      const store = new RedisStore(client, { prefix: `${client.constructor.name}:` });
      await store.create('key', 'payload', 60);
      expect((await store.read('key'))?.payload).toBe('payload');
    }
    ioredis.disconnect();
    nodeRedis.destroy();
  });

  test('refuses a certificate of somebody else', async () => {
    const { ioredis, nodeRedis } = clientsWith('other.pem');
    const refused = (client: { once(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown }) =>
      new Promise((resolve) => client.once('error', ({ code }) => resolve(code)));
    const both = Promise.all([refused(ioredis), refused(nodeRedis)]);
    nodeRedis.connect().catch(() => {});
    expect(await both).toEqual(['DEPTH_ZERO_SELF_SIGNED_CERT', 'DEPTH_ZERO_SELF_SIGNED_CERT']);
    ioredis.disconnect();
    nodeRedis.destroy();
  });
});

describe('the figures of docs/redis.md on sizing', () => {
  const [, row = ''] = /^## G: [\s\S]*?^\| Sojourn +\|(.*)\|$/m.exec(readFileSync('bench/RESULTS.md', 'utf8')) ?? [];
  const [cpu, , , , , , , , , bytes, redis] = row.split('|').map(Number) as number[];
  const cells = Object.fromEntries(
    [...text.matchAll(/^\| ([\w ,]+?) +\| ([\d.]+) \S[^|]*\| ([^|]*)\|$/gm)].map(([, what = '', one, all]) => [
      what,
      [Number(one), all] as const,
    ]),
  );

  test('are those that were measured', () => {
    expect(cells['Server, Express included']?.[0]).toBe(cpu);
    expect(cells.Redis?.[0]).toBe(redis);
    expect(cells['Network to Redis']?.[0]).toBe(bytes);
    expect(readFileSync('docs/scale.md', 'utf8')).toContain(`${cells['Memory of Redis']?.[0]} bytes a session`);
    expect(readFileSync('bench/RESULTS.md', 'utf8')).toMatch(/^\| Sojourn +\| +424 bytes/m);
  });

  test('are added up right', () => {
    const perCore = (microseconds = 0) => Math.round(1e6 / microseconds / 100) * 100;
    expect(cells['Server, Express included']?.[1]).toContain(`${String(perCore(cpu)).replace(/(\d{3})$/, ' $1')} requests`);
    expect(cells.Redis?.[1]).toContain(`${Math.round(perCore(redis) / 1e4) * 10} 000 requests`);
    expect(cells['Network to Redis']?.[1]).toContain(`${Math.round(((bytes ?? 0) * 9000) / 1e6)} MB`);
    expect(cells['Memory of Redis']?.[1]).toContain(`${Math.round(1e3 / 481)} million`);
  });
});
