import type { Redis } from 'ioredis';
import type { AppProcess } from '../app-process.js';
import { type Answer, Browser, cookieIn, send } from '../browser.js';
import { type Experiment, Row } from '../experiment.js';
import { Tally } from '../traffic.js';
import { countAlive, DEADLINE, expectDecency } from './common.js';

/**
 * A login is clicked twice while other requests of the same page are under way, and two more have loaded the session
 * and answer only after the logins.
 */
export const cycleKey: Experiment = {
  name: 'cycle',
  title: 'Two logins at once, writes at the same time, and late requests with the old key',
  isQuick: true,
  async run(lab, { quick }) {
    const row = new Row('cycleKey under parallel requests');
    const rounds = quick ? 60 : 300;
    row.load = `${rounds} rounds`;
    const redis = await lab.redis();
    const settings = { place: { kind: 'single', port: redis.port }, profile: 'defaults', timeout: DEADLINE } as const;
    const apps = [await lab.app(settings), await lab.app(settings)] as const;
    const tally = new Tally();
    row.lost = 0;
    row.revived = 0;
    const admin = lab.admin(redis.port);
    for (let round = 0; round < rounds; round += 1) await clickTwice(row, apps, admin, tally, round);
    row.expect(row.lost === 0, `${row.lost} acknowledged writes are lost`);
    row.expect(row.revived === 0, `the old key was alive ${row.revived} times after a login was answered`);
    row.expect(acknowledged(tally) > 0, 'no write was acknowledged: the requests did not meet');
    row.note(`${acknowledged(tally)} of ${3 * rounds} writes beside the logins were in time; the others were answered with 400`);
    await expectDecency(row, tally, apps);
    return [row];
  },
};

function acknowledged(tally: Tally): number {
  return tally.answers.filter(({ path, answer }) => path.startsWith('/set') && answer.status === 200).length;
}

async function clickTwice(row: Row, apps: readonly [AppProcess, AppProcess], admin: Redis, tally: Tally, round: number): Promise<void> {
  const [one, other] = apps;
  const browser = new Browser(one.origin);
  await browser.get('/set?key=cart&value=tea');
  const { cookie } = browser;
  /** A request that has loaded the session when this resolves, and waits to be told to go on. */
  const hold = async (app: AppProcess, path: string) => {
    const gate = `${path}-${round}`;
    const arrived = app.arrived(gate);
    const coming = send(`${app.origin}${path}&gate=${encodeURIComponent(gate)}`, cookie);
    await arrived;
    return async () => {
      const released = performance.now();
      app.release(gate);
      const answer = await coming;
      tally.add(path, { ...answer, wait: performance.now() - released });
      return answer;
    };
  };

  const lateWrite = await hold(one, '/set?key=late&value=1');
  const lateRead = await hold(other, '/data?');
  const logins = [await hold(one, '/login?user=first'), await hold(other, '/login?user=second')] as const;
  const keys = ['a', 'b', 'c'] as const;
  const held = await Promise.all(keys.map((key, index) => hold(index % 2 === 0 ? one : other, `/set?key=${key}&value=1`)));

  const logIn = async (goOn: () => Promise<Answer>) => {
    const answer = await goOn();
    row.revived = (row.revived ?? 0) + (await countAlive(admin, [cookie]));
    return answer;
  };
  // Some of the writes a little before the logins, the others a little after: another number in each round.
  const before = held.slice(0, round % 4).map((goOn) => goOn());
  const loggingIn = Promise.all([logIn(logins[0]), logIn(logins[1])]);
  const after = held.slice(round % 4).map((goOn) => goOn());
  const [first, second] = await loggingIn;
  const writes = (await Promise.all([...before, ...after])).map((answer, index) => ({ key: keys[index] as string, answer }));

  row.expect(first.status === 200 && second.status === 200, `a login was answered with ${first.status} or ${second.status}`);
  const cookies = [cookieIn(first) ?? '', cookieIn(second) ?? ''];
  row.expect(new Set([cookie, ...cookies]).size === 3, 'the two logins did not give two new sessions');
  const [ours, theirs] = await Promise.all(cookies.map((given) => dataOf(one, given)));
  row.expect(ours?.user === 'first' && theirs?.user === 'second', 'the two logins got mixed up');
  row.expect(ours?.cart === 'tea' && theirs?.cart === 'tea', 'a login lost what the session held before');
  for (const { key, answer } of writes) {
    if (answer.status === 200) row.lost = (row.lost ?? 0) + (ours?.[key] === '1' || theirs?.[key] === '1' ? 0 : 1);
    else row.expect(answer.status === 400, `a write was answered with ${answer.status}`);
    row.expect([null, cookie].includes(cookieIn(answer)), 'a write of the old session replaced or deleted the cookie');
  }

  const [written, read] = await Promise.all([lateWrite(), lateRead()]);
  row.expect(written.status === 400 && read.status === 200, `late requests were answered with ${written.status} and ${read.status}`);
  row.expect(written.setCookies.length + read.setCookies.length === 0, 'a late request replaced or deleted the cookie');
}

async function dataOf(app: AppProcess, cookie: string): Promise<Record<string, unknown>> {
  const browser = new Browser(app.origin);
  browser.cookie = cookie;
  return browser.data();
}
