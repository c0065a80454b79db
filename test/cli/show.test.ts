import { deflateRawSync } from 'node:zlib';
import { type Codec, compressed, encrypted, json, signed } from 'sojourn';
import { lines, Site } from './cli.js';

const KEY = 'a key for records that has more than 32 characters';

let site: Site;
beforeEach(() => {
  site = new Site();
});

async function shown(...args: string[]): Promise<Record<string, unknown>> {
  const [ref = ''] = await site.refs();
  const { code, stdout } = await site.run(['show', ref, '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe('sojourn show', () => {
  test('tells of one session, with the names and sizes of its data but not the data', async () => {
    await site.signIn({ userId: 'ann', device: 'phone', cart: ['a secret wish'] });
    site.clock.advance(90);
    const [ref = ''] = await site.refs();
    const start = new Date(site.clock.now - 90_000).toISOString();
    const end = new Date(site.clock.now - 90_000 + 14 * 86_400_000).toISOString();
    expect(await site.run(['show', ref])).toEqual({
      code: 0,
      stderr: '',
      stdout: `${[
        `ref        ${ref}`,
        'state      alive',
        'user       ann',
        `created    ${start}  1 m ago`,
        `last seen  ${start}  1 m ago`,
        `expires    ${end}  in 13 d`,
        'device     phone',
        'size       58 B',
        'stored as  JSON',
        'data',
        '  userId                  5 B',
        '  device                  7 B',
        '  cart                   17 B',
      ].join('\n')}\n`,
    });
    expect((await site.run(['show', ref, '--json'])).stdout).not.toContain('wish');
    expect(await shown()).toMatchObject({ ref, state: 'alive', storedAs: ['JSON'], data: [{ name: 'userId', size: 5 }, {}, {}] });
  });

  test('prints the data as well with --data', async () => {
    await site.signIn({ userId: 'ann', cart: [{ name: 'tea' }], 1: 'first' });
    const [ref = ''] = await site.refs();
    expect((await site.run(['show', ref, '--data'])).stdout).toContain('cart                   16 B  [{"name":"tea"}]\n');
    const { data } = await shown('--data');
    expect(data).toContainEqual({ name: 'cart', size: 16, value: [{ name: 'tea' }] });
    expect(data).toContainEqual({ name: '1', size: 7, value: 'first' });
  });

  test.each<[string, Codec, string[], boolean]>([
    ['signed', signed(KEY), ['signed', 'JSON'], true],
    ['compressed', compressed(json(), { threshold: 1 }), ['compressed', 'JSON'], true],
    ['too short to be compressed', compressed(), ['JSON'], true],
    ['signed and compressed', signed(KEY, compressed(json(), { threshold: 1 })), ['signed', 'compressed', 'JSON'], true],
    ['encrypted', encrypted(KEY), ['encrypted'], false],
    ['signed and encrypted', signed(KEY, encrypted(KEY)), ['signed', 'encrypted'], false],
    ['of another codec', { encode: () => 'what is this', decode: () => new Map() }, ['unknown'], false],
    ['like one that is compressed', { encode: () => 'zebra', decode: () => new Map() }, ['unknown'], false],
  ])('says how it is stored, and reads what can be read without keys: %s', async (_, codec, storedAs, isRead) => {
    await site.signIn({ userId: 'ann', device: 'phone' }, site.application({ codec }));
    expect(await shown()).toMatchObject({ storedAs, device: isRead ? 'phone' : null, data: isRead ? expect.any(Array) : null });
    const [ref = ''] = await site.refs();
    const { stdout } = await site.run(['show', ref, '--data']);
    expect(stdout.includes('"phone"')).toBe(isRead);
    if (storedAs.includes('signed')) expect(stdout).toContain('signed (not checked: that takes the key)');
    if (storedAs.includes('encrypted')) expect(stdout).toContain("encrypted (can't be read without the key)");
  });

  test('unfolds no more than compressed() itself would', async () => {
    const bomb = `z${deflateRawSync(JSON.stringify({ userId: 'x'.repeat(5_000_000) })).toString('base64url')}`;
    await site.signIn({ userId: 'ann' }, site.application({ codec: { encode: () => bomb, decode: () => new Map() } }));
    expect(await shown()).toMatchObject({ storedAs: ['unknown'], data: null });
  });

  test('tells what has become of a session: revoked, cycled or expired', async () => {
    await site.signIn({ userId: 'ann' });
    const [revoked = ''] = await site.refs();
    await site.client.del(...(await site.client.keys(`${site.prefix}*:index`)));
    await site.sessions.of('ann').revokeAll();
    expect((await site.run(['show', revoked])).stdout).toContain('state      revoked: ended with all others of its user\n');

    const { cookie } = await site.sessions.issue({ views: 1 });
    const [cycled = ''] = await site.refs();
    const session = await site.sessions.load({ headers: { cookie } } as never);
    session.cycleKey();
    await session.save();
    const { stdout } = await site.run(['show', cycled]);
    expect(stdout).toContain('state      cycled: goes on under another key\n');
    expect(stdout).not.toContain('stored as');
    expect(JSON.parse((await site.run(['show', cycled, '--json'])).stdout)).toMatchObject({ state: 'cycled', storedAs: [], data: null });

    const [living = ''] = await site.refs();
    site.clock.advance(15 * 86_400);
    expect((await site.run(['show', living])).stdout).toContain('state      expired: its time is over\n');
  });

  test('says that a session has no data', async () => {
    await site.signIn({}, site.sessions);
    const [ref = ''] = await site.refs();
    expect(lines((await site.run(['show', ref])).stdout).at(-1)).toBe('data       none');
  });

  test('finds a session of a user without going through all keys', async () => {
    await site.signIn({ userId: 'ann' });
    await site.signIn({ userId: 'bob' });
    const [ref = ''] = await site.refs('--user', 'ann');
    expect((await site.run(['show', ref, '--user', 'ann'])).code).toBe(0);
    expect(await site.run(['show', ref, '--user', 'bob'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'sojourn: this user has no session with this ref (any more). sojourn list --user shows those there are\n',
    });
  });

  test('says where to look for a ref that nobody has', async () => {
    await site.signIn({ userId: 'ann' });
    expect(await site.run(['show', '-nobodyhasit'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'sojourn: no session has this ref (any more). sojourn list shows those there are; --prefix says where to look\n',
    });
  });
});
