import { sojourn } from './cli.js';

const PASSWORD = 'pass-canary-9Kq';
const URL = `redis://user:${PASSWORD}@127.0.0.1:1`;

async function complaint(args: readonly string[], env: Record<string, string> = { REDIS_URL: URL }) {
  const { code, stdout, stderr } = await sojourn(args, { env });
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^sojourn: [^\n]+\n$/);
  expect(stderr).not.toContain('canary');
  return { code, says: stderr.slice('sojourn: '.length, -1) };
}

describe('wrong usage', () => {
  const how = (command: string) => `. sojourn ${command} --help tells how`;

  test.each<[string[], string]>([
    [[], 'a command is missing: list, show, revoke, clear-expired. sojourn --help tells more'],
    [[URL], 'there is no such command: the first word must be one of list, show, revoke, clear-expired'],
    [['lst'], 'there is no such command: the first word must be one of list, show, revoke, clear-expired'],
    [['list', '--evrything'], `there is no option --evrything${how('list')}`],
    [['list', `--url=${URL}`], `there is no option --url${how('list')}`],
    [['list', `-${PASSWORD}`], `there is an unknown option${how('list')}`],
    [['list', '--yes'], `there is no option --yes${how('list')}`],
    [['list', '--redis'], `an option lacks its value, or has one too many${how('list')}`],
    [['list', '--json=1'], `an option lacks its value, or has one too many${how('list')}`],
    [['list', 'abcdefghijkl'], `there is a word too many${how('list')}`],
    [['list', '--user', ''], `--user needs the ID of a user${how('list')}`],
    [['list', '--prefix', ''], `--prefix must not be empty${how('list')}`],
    [['show'], `the ref of a session is missing${how('show')}`],
    [['show', `${PASSWORD}-and-more`], `a ref has 12 characters, as sojourn list shows them${how('show')}`],
    [['show', 'abcdefghijkl', 'mnopqrstuvwx'], `there is a word too many${how('show')}`],
    [['revoke'], `say which: a ref, --user <id>, or --everything${how('revoke')}`],
    [['revoke', '--everything', '--user', 'ann'], `--everything goes with neither a ref nor --user${how('revoke')}`],
    [['revoke', '--everything', 'abcdefghijkl'], `--everything goes with neither a ref nor --user${how('revoke')}`],
    [['revoke', '--user', 'ann', '--durability', 'x'], `--durability takes a number of replicas, 1 or more${how('revoke')}`],
    [['revoke', '--user', 'ann', '--durability', '0'], `--durability takes a number of replicas, 1 or more${how('revoke')}`],
  ])('%j is told of in one line, with exit code 2', async (args, says) => {
    expect(await complaint(args)).toEqual({ code: 2, says });
  });

  test.each(['localhost:6379', `http://user:${PASSWORD}@127.0.0.1:6379`, `redis://`, `redis://:${PASSWORD}:x@y:z`])(
    '%s is no URL of a Redis',
    async (url) => {
      const says = 'the URL of Redis is none: it must be redis://user:password@host:port, or rediss:// for TLS';
      expect(await complaint(['list', '--redis', url])).toEqual({ code: 2, says });
    },
  );

  test('a URL is needed, as an option or in REDIS_URL', async () => {
    const says = 'where is Redis? Give --redis redis://host:6379, or set REDIS_URL';
    expect(await complaint(['list'], {})).toEqual({ code: 2, says });
    expect(await complaint(['list'], { REDIS_URL: '' })).toEqual({ code: 2, says });
  });

  test.each(['/', '#', '?'])('a password with %s in it isn’t taken for the host', async (character) => {
    const { code, says } = await complaint(['list', '--redis', `redis://canary${character}rest@127.0.0.1:1`]);
    expect([code, says]).toEqual([2, expect.stringContaining('write / as %2F, # as %23 and ? as %3F')]);
  });
});

describe('help', () => {
  test.each([
    [['--help'], 'Sessions of Sojourn in Redis'],
    [['-h'], 'Sessions of Sojourn in Redis'],
    [['help'], 'Sessions of Sojourn in Redis'],
    [['list', '--help'], 'sojourn list [--user <id>]'],
    [['show', '--help'], 'sojourn show <ref>'],
    [['revoke', '--help'], 'sojourn revoke <ref> [--user <id>]'],
    [['clear-expired', '--help'], 'sojourn clear-expired'],
  ])('%j explains in 80 columns, without a Redis', async (args, start) => {
    const { code, stdout, stderr } = await sojourn(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.startsWith(start)).toBe(true);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('names every option of its command', async () => {
    for (const [command, options] of Object.entries({
      list: ['user', 'user-key', 'device-key'],
      show: ['data', 'user', 'user-key', 'device-key'],
      revoke: ['user', 'everything', 'yes', 'durability'],
      'clear-expired': [],
    })) {
      const { stdout } = await sojourn([command, '--help']);
      const named = new Set([...stdout.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name));
      expect([...named].sort()).toEqual([...options, 'redis', 'prefix', 'cluster', 'json', 'help'].sort());
    }
  });
});
