import { readFileSync } from 'node:fs';
import { Cluster as ClusterClient } from 'ioredis';
import { RedisStore, session } from 'sojourn';
import { until } from '../faults/experiment.js';
import { type Cluster, infoOf, startCluster } from '../faults/groups.js';
import { Lab } from '../faults/lab.js';
import { SECRET } from '../helpers/app.js';
import { freePort } from '../helpers/programs.js';
import { testRedisUrl } from '../helpers/redis-client.js';
import type { RedisServer } from '../helpers/redis-server.js';
import { lines, Site, sojourn } from './cli.js';

const lab = new Lab();
afterAll(() => lab.close());

const without = (missing: string) => (name: string) =>
  name === missing
    ? Promise.reject(Object.assign(new Error(`Cannot find package '${name}' imported from here`), { code: 'ERR_MODULE_NOT_FOUND' }))
    : import(name);

/** Both clients, as if only one were installed. */
const CLIENTS: [string, (name: string) => Promise<unknown>][] = [
  ['ioredis', without('redis')],
  ['node-redis', without('ioredis')],
];

describe.each(CLIENTS)('on %s', (_, load) => {
  test('all commands work', async () => {
    const site = new Site();
    await site.signIn({ userId: 'ann', device: 'phone' });
    await site.signIn({ userId: 'ann', device: 'laptop' });
    const { stdout } = await site.run(['list', '--json'], { load });
    expect(lines(stdout)).toHaveLength(2);
    const { ref } = JSON.parse(lines(stdout)[0] as string);
    expect((await site.run(['show', ref, '--data'], { load })).stdout).toContain('userId');
    expect((await site.run(['revoke', ref], { load })).stdout).toBe('Ended the session.\n');
    expect((await site.run(['revoke', '--user', 'ann'], { load })).stdout).toBe('Ended all sessions of the user: 1 known.\n');
    expect((await site.run(['clear-expired'], { load })).code).toBe(0);
  });

  test('a Redis that can’t be used is told of in one line that names the fix, and never the password', async () => {
    const server = await lab.redis(['--requirepass', 'right']);
    const closed = await freePort();
    const run = async (url: string, ...more: string[]) => {
      const { code, stdout, stderr } = await sojourn(['list', '--redis', url, ...more], { load });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^sojourn: [^\n]+\n$/);
      expect(stderr).not.toContain('canary');
      return stderr;
    };
    const wrong = `redis://user:canary@127.0.0.1:${server.port}`;
    for (const more of [[], ['--cluster']]) {
      expect(await run(wrong, ...more)).toBe(
        `sojourn: Redis at 127.0.0.1:${server.port} can't be used: Redis answered WRONGPASS. Check user and password in the URL.\n`,
      );
      expect(await run(`redis://127.0.0.1:${server.port}`, ...more)).toContain('Redis answered NOAUTH');
      const refused = await run(`redis://user:canary@127.0.0.1:${closed}`, ...more);
      expect(refused).toContain(`Redis at 127.0.0.1:${closed} can't be used: `);
      expect(refused).toContain('Check that Redis runs');
    }
    expect(await run(`redis://:right@127.0.0.1:${server.port}`, '--cluster')).toContain('This is no Cluster: leave out --cluster.');
    expect(await run('redis://no-such-host.invalid')).toContain('the Redis client gave E');
  });

  test('an ACL needs no more than docs/cli.md says, and what is missing is told of', async () => {
    const server = await lab.redis();
    const admin = lab.admin(server.port);
    const [, rights = ''] = /^user operator on >password (.*)$/m.exec(readFileSync('docs/cli.md', 'utf8')) ?? [];
    const url = `redis://operator:password@127.0.0.1:${server.port}`;
    const allow = (words: string[]) => admin.acl('SETUSER', 'operator', 'reset', 'on', '>password', ...words);
    const store = new RedisStore(admin);
    const sessions = session({ secret: SECRET, store, user: (view) => view.get('userId') });
    await allow(rights.split(' '));
    const run = (...args: string[]) => sojourn([...args, '--redis', url], { load });
    await sessions.issue({ userId: 'ann' });
    await sessions.issue({ views: 1 });
    for (const args of [
      ['list'],
      ['list', '--user', 'ann'],
      ['clear-expired'],
      ['revoke', '--user', 'ann'],
      ['revoke', '--everything', '--yes'],
    ]) {
      await admin.script('FLUSH');
      expect(await run(...args)).toMatchObject({ code: 0, stderr: '' });
    }
    await sessions.issue({ userId: 'bob' });
    for (const missing of ['+scan', '+mget']) {
      await allow(rights.split(' ').filter((word) => word !== missing));
      const { code, stderr } = await run('list');
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^sojourn: [^\n]*NOPERM[^\n]*docs\/cli\.md lists the rights it takes\.\n$/),
      ]);
    }
  });

  test('revocations wait for replicas with --durability', async () => {
    const primary = await lab.redis();
    const admin = lab.admin(primary.port);
    const sessions = session({ secret: SECRET, store: new RedisStore(admin), user: (view) => view.get('userId') });
    const run = (...args: string[]) => sojourn(['revoke', ...args, '--durability', '1', '--redis', primary.url], { load });
    await lab.redis(['--replicaof', '127.0.0.1', String(primary.port)]);
    await until(async () => (await infoOf(admin, 'slave0'))?.includes('state=online') ?? false, 'the replica is there');
    await sessions.issue({ userId: 'ann' });
    const [{ ref = '' } = {}] = await sessions.of('ann').list();
    await sessions.issue({ userId: 'ann' });
    expect(await run(ref)).toEqual({ code: 0, stdout: 'Ended the session. Confirmed by 1 replica.\n', stderr: '' });
    expect((await run('--user', 'ann')).stdout).toBe('Ended all sessions of the user: 1 known. Confirmed by 1 replica.\n');
    await sessions.issue({ views: 1 });
    expect((await run('--everything', '--yes')).stdout).toBe('Ended all sessions: 1 known. Confirmed by 1 replica.\n');
  });
});

test('a revocation that replicas don’t confirm fails, but everybody is signed out', async () => {
  const primary = await lab.redis();
  const sessions = session({ secret: SECRET, store: new RedisStore(lab.admin(primary.port)), user: (view) => view.get('userId') });
  await sessions.issue({ userId: 'ann' });
  await sessions.issue({ userId: 'bob' });
  const { code, stderr } = await sojourn(['revoke', '--everything', '--yes', '--durability', '1', '--redis', primary.url]);
  expect(code).toBe(1);
  expect(stderr).toContain('sojourn: The session has ended, but only 0 of 1 replicas have confirmed it within 5000 ms');
  expect([await sessions.of('ann').list(), await sessions.of('bob').list()]).toEqual([[], []]);
});

describe('on a Cluster', () => {
  let cluster: Cluster;
  let sessions: ReturnType<typeof session>;
  beforeAll(async () => {
    cluster = await startCluster(lab);
    const client = new ClusterClient([{ host: '127.0.0.1', port: cluster.ports[0] as number }]);
    lab.later(() => client.disconnect());
    sessions = session({ secret: SECRET, store: new RedisStore(client), user: (view) => view.get('userId') });
  });

  test.each(CLIENTS)('all nodes are gone through, with %s', async (name, load) => {
    const url = (cluster.nodes[0] as RedisServer).url;
    const run = (...args: string[]) => sojourn([...args, '--redis', url, '--cluster'], { load });
    for (let n = 0; n < 10; n += 1) {
      await sessions.issue({ userId: `${name} ${n}` });
      await sessions.issue({ n });
    }
    const { stdout } = await run('list');
    const refs = lines(stdout).map((line) => line.split('\t')[0] as string);
    expect(new Set(refs).size).toBe(20);
    expect((await run('show', refs.at(-1) as string)).code).toBe(0);
    expect((await run('revoke', refs[0] as string)).stdout).toBe('Ended the session.\n');
    expect((await run('clear-expired', '--json')).stdout).toBe('{"records":0,"names":0}\n');
    expect((await run('revoke', '--everything', '--yes')).stdout).toBe('Ended all sessions: 19 known.\n');
    expect((await run('list')).stdout).toBe('');
  });

  test.each(CLIENTS)('who forgets --cluster is told of it, with %s', async (_, load) => {
    const outcomes = await Promise.all(cluster.nodes.map(({ url }) => sojourn(['list', '--user', 'user 1', '--redis', url], { load })));
    const failed = outcomes.filter(({ code }) => code === 1);
    expect(failed).toHaveLength(2);
    for (const { stderr } of failed) expect(stderr).toContain('This is a node of a Cluster: add --cluster.');
  });
});

describe('the client', () => {
  test('that is missing is told of', async () => {
    const load = (name: string) => without(name)(name);
    expect(await sojourn(['list', '--redis', testRedisUrl()], { load })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'sojourn: a Redis client is missing: npm install ioredis, or npm install redis\n',
    });
  });

  test('that is broken is told of, too', async () => {
    const broken = () => Promise.reject(Object.assign(new Error("Cannot find package 'canary'"), { code: 'ERR_MODULE_NOT_FOUND' }));
    expect((await sojourn(['list', '--redis', testRedisUrl()], { load: broken })).stderr).toBe(
      "sojourn: the package ioredis is installed but can't be loaded: install it again\n",
    );
  });

  test('that Sojourn can’t work with is told of', async () => {
    class Redis {
      on() {}
      async connect() {}
      disconnect() {}
    }
    const { code, stderr } = await sojourn(['list', '--redis', testRedisUrl()], { load: async () => ({ Redis }) });
    expect([code, stderr]).toEqual([1, expect.stringContaining('sojourn: client: must be a client of ioredis 5 or 6')]);
  });
});
