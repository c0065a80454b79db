import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { testRedisUrl } from '../helpers/redis-client.js';
import { lines, Site, sojournProcess } from './cli.js';

describe('the command line as a process', () => {
  test('lists, shows and revokes, with the URL from REDIS_URL, and ends with its exit code', async () => {
    const site = new Site();
    await site.signIn({ userId: 'ann', device: 'phone' });
    const listed = await site.runProcess(['list', '--user', 'ann']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    const [ref = ''] = lines(listed.stdout).map((line) => line.split('\t')[0]);
    expect(await site.runProcess(['show', ref, '--data'])).toMatchObject({ code: 0, stderr: '' });
    expect(await site.runProcess(['revoke', ref])).toEqual({ code: 0, stdout: 'Ended the session.\n', stderr: '' });
    expect(await site.runProcess(['revoke', ref])).toMatchObject({ code: 1, stdout: '' });
    expect(await site.runProcess(['revoke'])).toMatchObject({ code: 2, stdout: '' });
    expect(await site.runProcess(['revoke', '--everything'])).toMatchObject({ code: 2, stdout: '' });
  });

  test('prints no password of a URL, whatever goes wrong', async () => {
    for (const args of [['list'], ['list', '--cluster'], ['redis'], ['list', '--nothing']]) {
      const { code, stdout, stderr } = await sojournProcess(args, { REDIS_URL: 'redis://user:canary@127.0.0.1:1' });
      expect([code > 0, stdout, lines(stderr).length]).toEqual([true, '', 1]);
      expect(stderr).not.toContain('canary');
    }
  });

  test('ends quietly when whoever reads its output has enough, and holds no more than that in memory', async () => {
    const site = new Site();
    const keys = Array.from({ length: 3000 }, (_, at) => `${at}`.padStart(43, '0'));
    await Promise.all(keys.map((key) => site.store.create(key, JSON.stringify({ device: 'd'.repeat(200) }), 600)));
    const args = ['--import', 'tsx', 'src/cli/bin.ts', 'list', '--prefix', site.prefix];
    const child = spawn(process.execPath, args, { env: { ...process.env, REDIS_URL: testRedisUrl() } });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const closed = once(child, 'close');
    await once(child.stdout, 'readable');
    child.stdout.destroy();
    expect([...(await closed), errors]).toEqual([0, null, '']);
  });
});
