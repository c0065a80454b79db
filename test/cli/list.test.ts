import { encrypted } from 'sojourn';
import { lines, Site } from './cli.js';

let site: Site;
beforeEach(() => {
  site = new Site();
});

const REF = expect.stringMatching(/^[\w-]{12}$/);

describe('sojourn list', () => {
  test('shows all living sessions in a table on a terminal', async () => {
    await site.signIn({ userId: 'ann', device: 'Firefox on Linux' });
    site.clock.advance(3 * 3600);
    const { code, stdout, stderr } = await site.run(['list'], { columns: 100 });
    expect([code, stderr]).toEqual([0, '']);
    const [ref] = await site.refs();
    expect(stdout).toBe(
      [
        'REF           USER                    CREATED    LAST SEEN  EXPIRES   SIZE    DEVICE',
        `${ref}  ann                     3 h ago    3 h ago    in 13 d   44 B    Firefox on Linux`,
        '1 session.\n',
      ].join('\n'),
    );
  });

  test('keeps within 80 columns and in line, whatever the texts are', async () => {
    await site.signIn({ userId: 'a'.repeat(300), device: '会議室のテレビとその他' });
    await site.signIn({ userId: '👩‍👩‍👧 family', device: `x${'\u0301'.repeat(50)} combining` });
    await site.signIn({ note: 'of nobody' });
    const { stdout } = await site.run(['list'], { columns: 80 });
    const rows = lines(stdout).slice(0, -1);
    expect(rows).toHaveLength(4);
    expect(stdout).toContain('aaaaaaaaaaa…');
    expect(stdout).toContain('会議室のテ…');
    const wide = /[\u2e80-\ud7ff]/g;
    for (const row of rows) expect(row.replace(wide, '##').replace(/\u0301/g, '').length).toBeLessThanOrEqual(80);
    expect(lines(stdout).at(-1)).toBe('3 sessions.');
  });

  test('gives full values between tabs to a pipe, and nothing else', async () => {
    await site.signIn({ userId: 7, device: 'a device with a long name, as they are' });
    await site.signIn({ cart: [] });
    const now = new Date(site.clock.now).toISOString();
    const end = new Date(site.clock.now + 14 * 86_400_000).toISOString();
    const rows = lines((await site.run(['list'])).stdout).map((line) => line.split('\t'));
    expect(rows).toHaveLength(2);
    expect(rows).toEqual(
      expect.arrayContaining([
        [REF, '7', now, now, end, '62', 'a device with a long name, as they are'],
        [REF, '-', '-', '-', end, '11', '-'],
      ]),
    );
  });

  test('gives a JSON object a line with --json', async () => {
    await site.signIn({ userId: 7, device: 'phone' });
    await site.signIn({ cart: [] });
    const now = new Date(site.clock.now).toISOString();
    const expiresAt = new Date(site.clock.now + 14 * 86_400_000).toISOString();
    for (const columns of [{}, { columns: 80 }]) {
      const { stdout } = await site.run(['list', '--json'], columns);
      expect(lines(stdout).map((line) => JSON.parse(line))).toEqual(
        expect.arrayContaining([
          { ref: REF, user: 7, createdAt: now, lastSeenAt: now, expiresAt, device: 'phone', size: 29 },
          { ref: REF, user: null, createdAt: null, lastSeenAt: null, expiresAt, device: null, size: 11 },
        ]),
      );
    }
  });

  test('shows those of one user, the last seen first, under the refs that the application knows', async () => {
    await site.signIn({ userId: 'ann', device: 'phone' });
    site.clock.advance(60);
    await site.signIn({ userId: 'ann', device: 'laptop' });
    await site.signIn({ userId: 'bob', device: 'another' });
    const known = await site.sessions.of('ann').list();
    expect(await site.refs('--user', 'ann')).toEqual(known.map(({ ref }) => ref));
    const { stdout } = await site.run(['list', '--user', 'ann']);
    expect(lines(stdout).map((line) => line.split('\t').at(-1))).toEqual(['laptop', 'phone']);
  });

  test('says so where there are none', async () => {
    expect(await site.run(['list'], { columns: 80 })).toEqual({ code: 0, stdout: 'No sessions.\n', stderr: '' });
    expect(await site.run(['list', '--user', 'ann'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('leaves out what leads to no session: revoked, cycled, expired, and what others wrote', async () => {
    const cookie = await site.signIn({ userId: 'ann' });
    // A record that its revocation doesn't find.
    await site.client.del(...(await site.client.keys(`${site.prefix}*:index`)));
    await site.sessions.of('ann').revokeAll();
    expect((await site.keys()).filter((key) => /[\w-]{43}$/.test(key))).toHaveLength(1);
    expect(cookie).toContain('sessionid=');

    const plain = await site.sessions.issue({ views: 1 });
    const loaded = await site.sessions.load({ headers: { cookie: plain.cookie } } as never);
    loaded.cycleKey();
    await loaded.save();
    const other = `${site.prefix}${'x'.repeat(43)}`;
    await site.client.set(other, 'not a session');
    await site.client.hset(`${site.prefix}${'y'.repeat(43)}`, 'not', 'one either');
    await site.client.set(`${site.prefix}{${'z'.repeat(22)}}:${'z'.repeat(43)}`, 'nor this');
    await site.client.set(`${site.prefix}more:${'x'.repeat(43)}`, 'of another store');
    expect(await site.refs()).toHaveLength(1);
    // Somebody has taken its time to live away.
    for (const key of await site.client.keys(`${site.prefix}*`)) await site.client.persist(key);
    site.clock.advance(15 * 86_400);
    expect(await site.refs()).toEqual([]);
  });

  test('finds user and device under other names', async () => {
    const sessions = site.application({ user: (view) => view.get('account') });
    await site.signIn({ account: 'ann', agent: 'phone' }, sessions);
    const { stdout } = await site.run(['list', '--user-key', 'account', '--device-key', 'agent']);
    expect(stdout.split('\t')).toEqual(expect.arrayContaining(['ann', 'phone\n']));
  });

  test('shows only what can be read: not what is encrypted, nor what is no text', async () => {
    const codec = encrypted('a key for records that has more than 32 characters');
    await site.signIn({ userId: 'ann', device: 'phone' }, site.application({ codec }));
    await site.signIn({ views: 1, userId: { id: 1 }, device: 5 }, site.application({ user: () => null }));
    const rows = lines((await site.run(['list'])).stdout).map((line) => line.split('\t'));
    expect(rows.map((row) => [row[1], row[6]])).toEqual([
      ['-', '-'],
      ['-', '-'],
    ]);
    // Whose it is tells the key.
    expect((await site.run(['list', '--user', 'ann'])).stdout.split('\t')[1]).toBe('ann');
  });

  test('encodes what a terminal might obey, in text and in JSON alike', async () => {
    const evil = '\u001b]0;title\u0007\u001b[2J\u009b31m\r\nfake\tline\u202e\u2028\u200b\ud800 C:\\x \u{e0041}';
    await site.signIn({ userId: evil, device: evil });
    const shown =
      '\\u001b]0;title\\u0007\\u001b[2J\\u009b31m\\u000d\\u000afake\\u0009line\\u202e\\u2028\\u200b\\ud800 C:\\\\x \\udb40\\udc41';
    const [ref = ''] = await site.refs();
    for (const command of [['list'], ['show', ref], ['show', ref, '--data']]) {
      const piped = await site.run(command);
      expect(piped.stdout).toContain(shown);
      const terminal = await site.run(command, { columns: 600 });
      expect(terminal.stdout).toContain(shown);
      const json = await site.run([...command, '--json']);
      expect(JSON.parse(json.stdout)).toMatchObject({ user: evil, device: evil });
      for (const { stdout } of [piped, terminal, json]) {
        expect(stdout.replace(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(lines(stdout).every((line) => !line.startsWith('fake'))).toBe(true);
      }
    }
  });

  test('waits for whoever reads slowly, and takes a terminal of unknown width for one of 80 columns', async () => {
    await site.signIn({ userId: 'ann', device: 'd'.repeat(20_000) });
    expect((await site.run(['list'])).stdout.endsWith(`\t${'d'.repeat(20_000)}\n`)).toBe(true);
    expect(lines((await site.run(['list'], { columns: undefined, isTerminal: true })).stdout)[1]).toHaveLength(80);
  });

  test('goes through more sessions than one SCAN gives', async () => {
    const keys = Array.from({ length: 1500 }, (_, at) => `${at}`.padStart(43, '0'));
    await Promise.all(keys.map((key) => site.store.create(key, '{"n":1}', 600)));
    expect(new Set(await site.refs()).size).toBe(1500);
  });
});
