import { Site } from './cli.js';

let site: Site;
beforeEach(() => {
  site = new Site();
});

async function isSignedIn(cookie: string): Promise<boolean> {
  return !(await site.sessions.load({ headers: { cookie } } as never)).isEmpty();
}

describe('sojourn revoke', () => {
  test('ends one session by its ref', async () => {
    const cookies = [await site.signIn({ userId: 'ann' }), await site.signIn({ userId: 'ann' }), await site.signIn({ views: 1 })];
    for (const left of [2, 1, 0]) {
      const [ref = ''] = await site.refs();
      expect(await site.run(['revoke', ref])).toEqual({ code: 0, stdout: 'Ended the session.\n', stderr: '' });
      expect(await site.refs()).toHaveLength(left);
      const alive = await Promise.all(cookies.map(isSignedIn));
      expect(alive.filter(Boolean)).toHaveLength(left);
      expect((await site.run(['revoke', ref])).code).toBe(1);
    }
  });

  test('ends one session of a user without going through all keys', async () => {
    await site.signIn({ userId: 'ann' });
    await site.signIn({ userId: 'bob' });
    const [ref = ''] = await site.refs('--user', 'ann');
    expect((await site.run(['revoke', ref, '--user', 'bob'])).code).toBe(1);
    expect((await site.run(['revoke', ref, '--user', 'ann', '--json'])).stdout).toBe('{"ended":1}\n');
    expect(await site.refs()).toEqual(await site.refs('--user', 'bob'));
  });

  test('leaves the marker of a cycled session, which keeps late requests off', async () => {
    const { cookie } = await site.sessions.issue({ views: 1 });
    const [ref = ''] = await site.refs();
    const session = await site.sessions.load({ headers: { cookie } } as never);
    session.cycleKey();
    await session.save();
    const before = await site.keys();
    expect((await site.run(['revoke', ref])).code).toBe(1);
    expect((await site.keys()).sort()).toEqual(before.sort());
  });

  test('ends all sessions of a user, also those that the list has lost', async () => {
    const cookies = [await site.signIn({ userId: 'ann' }), await site.signIn({ userId: 'ann' })];
    const bob = await site.signIn({ userId: 'bob' });
    expect(await site.run(['revoke', '--user', 'ann'])).toEqual({
      code: 0,
      stdout: 'Ended all sessions of the user: 2 known.\n',
      stderr: '',
    });
    expect(await Promise.all(cookies.map(isSignedIn))).toEqual([false, false]);
    site.clock.advance(1);
    const lost = await site.signIn({ userId: 'ann' });
    await site.client.del(...(await site.client.keys(`${site.prefix}*:index`)));
    expect((await site.run(['revoke', '--user', 'ann', '--json'])).stdout).toBe('{"ended":0}\n');
    expect(await isSignedIn(lost)).toBe(false);
    expect(await isSignedIn(bob)).toBe(true);
  });

  test('ends everything with --yes, and without refuses where nobody can be asked', async () => {
    const cookies = [await site.signIn({ userId: 'ann' }), await site.signIn({ views: 1 })];
    expect(await site.run(['revoke', '--everything'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'sojourn: --everything signs everybody out: add --yes if that is meant\n',
    });
    expect(await Promise.all(cookies.map(isSignedIn))).toEqual([true, true]);
    expect((await site.run(['revoke', '--everything', '--yes'])).stdout).toBe('Ended all sessions: 2 known.\n');
    expect(await Promise.all(cookies.map(isSignedIn))).toEqual([false, false]);
  });

  test('asks on a terminal, and takes nothing but a yes for one', async () => {
    const cookie = await site.signIn({ userId: 'ann' });
    for (const typed of ['no\n', '\n', 'y\n', '']) {
      const { code, stdout, stderr } = await site.run(['revoke', '--everything'], { columns: 80, typed });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('This signs everybody out. Type yes to go on: ');
      expect(stderr).toContain('sojourn: nothing was done, as that was no yes\n');
      expect(await isSignedIn(cookie)).toBe(true);
    }
    expect((await site.run(['revoke', '--everything'], { columns: 80, typed: 'yes\n' })).stdout).toBe('Ended all sessions: 1 known.\n');
    expect(await isSignedIn(cookie)).toBe(false);
  });
});
