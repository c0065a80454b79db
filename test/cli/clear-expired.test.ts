import { RedisStore } from 'sojourn';
import { placeOf } from '../../src/stores/redis.js';
import { clearLeftovers } from '../../src/stores/redis-survey.js';
import { connect } from '../helpers/redis-client.js';
import { Site } from './cli.js';

let site: Site;
beforeEach(() => {
  site = new Site();
});

describe('sojourn clear-expired', () => {
  test('deletes revoked records and takes names that lead nowhere out of the lists; everything else stays', async () => {
    const index = async () => (await site.client.keys(`${site.prefix}*:index`))[0] as string;
    await site.signIn({ userId: 'ann' });
    const lost = await index();
    await site.client.rename(lost, `${lost}-aside`);
    await site.sessions.of('ann').revokeAll();
    // The index is back, with the name of the revoked record, and one that Redis has expired.
    await site.client.rename(`${lost}-aside`, lost);
    await site.client.zadd(lost, site.clock.now / 1000 + 600, 'e'.repeat(43));
    await site.signIn({ userId: 'ann' });
    await site.signIn({ userId: 'bob' });
    await site.signIn({ views: 1 });
    const refs = await site.refs();
    const before = (await site.keys()).length;

    expect(await site.run(['clear-expired', '--json'])).toEqual({ code: 0, stdout: '{"records":1,"names":2}\n', stderr: '' });
    expect(await site.client.zcard(lost)).toBe(1);
    expect(await site.keys()).toHaveLength(before - 1);
    expect((await site.refs()).sort()).toEqual(refs.sort());
    expect((await site.run(['clear-expired'])).stdout).toBe(
      "Deleted 0 revoked records that had been left over.\nTook 0 names out of users' lists. The rest Redis expires by itself.\n",
    );
  });

  test('says what it did', async () => {
    await site.signIn({ userId: 'ann' });
    const [index = ''] = await site.client.keys(`${site.prefix}*:index`);
    await site.client.rename(index, `${index}-aside`);
    await site.sessions.of('ann').revokeAll();
    await site.client.rename(`${index}-aside`, index);
    expect((await site.run(['clear-expired'])).stdout).toBe(
      "Deleted 1 revoked record that had been left over.\nTook 1 name out of users' lists. The rest Redis expires by itself.\n",
    );
  });

  test('signs nobody out where the clock is wrong', async () => {
    await site.signIn({ userId: 'ann' });
    await site.signIn({ views: 1 });
    const before = (await site.keys()).sort();
    expect((await site.run(['clear-expired', '--json'], { clock: () => site.clock.now + 400 * 86_400_000 })).stdout).toBe(
      '{"records":0,"names":0}\n',
    );
    expect((await site.keys()).sort()).toEqual(before);
    expect(await site.refs('--user', 'ann')).toHaveLength(1);
  });

  test('looks once more as it deletes: a record whose user is known again by then stays', async () => {
    await site.signIn({ userId: 'ann' });
    const [user = ''] = await site.client.keys(`${site.prefix}*:user`);
    const epoch = (await site.client.getdel(user)) as string;
    const client = connect();
    const mget = client.mget.bind(client) as (keys: string[]) => Promise<(string | null)[]>;
    let looked = 0;
    const lookedAt = async (keys: string[]) => {
      const values = await mget(keys);
      await site.client.set(user, epoch);
      looked += 1;
      return values;
    };
    Object.assign(client, { mget: lookedAt });
    const store = new RedisStore(client, { prefix: site.prefix, clock: site.clock.read });
    expect(await clearLeftovers(placeOf(store))).toMatchObject({ records: 0 });
    expect(looked).toBe(1);
    expect(await site.refs()).toHaveLength(1);
  });

  test('leaves what no Sojourn wrote', async () => {
    await site.signIn({ userId: 'ann' });
    const [record = ''] = (await site.client.keys(`${site.prefix}*`)).filter((key) => /[\w-]{43}$/.test(key));
    const other = record.slice(0, -43) + 'x'.repeat(43);
    await site.client.set(other, 'of somebody else');
    await site.run(['clear-expired']);
    expect(await site.client.get(other)).toBe('of somebody else');
  });
});
