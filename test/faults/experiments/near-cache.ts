import type { AppProcess } from '../app-process.js';
import { Browser, send } from '../browser.js';
import { type Experiment, pause, Row, until } from '../experiment.js';
import type { Lab } from '../lab.js';
import { Traffic } from '../traffic.js';
import { DEADLINE, each, expectHealthy } from './common.js';

/** The `maxAge` of the near caches, in milliseconds: their default. */
const MAX_AGE = 1000;
/** What a request on its way, and a timer of a busy machine, may add. */
const TOLERANCE = 100;

/** Users log out in one process, and the other one, which has just read their sessions, goes on being asked. */
export const nearCache: Experiment = {
  name: 'near',
  title: 'Logouts, and how long another process with a near cache still answers',
  isQuick: true,
  async run(lab, { quick }) {
    return [await usual(lab, quick ? 40 : 400, 'defaults'), await usual(lab, quick ? 40 : 400, 'node-redis'), await silent(lab)];
  },
};

/** With 200 requests a second beside it. */
async function usual(lab: Lab, users: number, profile: 'defaults' | 'node-redis'): Promise<Row> {
  const row = new Row(`near cache, logouts elsewhere, ${profile === 'defaults' ? 'ioredis' : profile}`);
  row.load = `${users} logouts, 200/s`;
  const redis = await lab.redis();
  const admin = lab.admin(redis.port);
  const settings = { place: { kind: 'single', port: redis.port }, profile, timeout: DEADLINE, nearCache: true } as const;
  const [here, there] = await Promise.all([lab.app(settings), lab.app(settings)]);
  await until(async () => (await listeners(admin)) === 2, 'both processes hear of changes');
  const traffic = new Traffic([here.origin, there.origin]);
  await traffic.logIn(20, users);
  await admin.config('RESETSTAT');
  const delays: number[] = [];
  let answers = 0;
  const measuring = each(Array.from({ length: users }), 4, async () => {
    const seen = await logOut(here, there);
    delays.push(seen.delay);
    answers += seen.answers;
  });
  await traffic.pace(200, measuring);
  await measuring;
  tell(row, delays, answers);
  row.note(`Redis was asked for ${await gets(admin)} sessions in all`);
  Object.assign(row, await traffic.audit());
  row.expect(row.lost === 0 && row.revived === 0, 'a write was lost or a session came back');
  row.expect(traffic.tally.serverErrors === 0, `${traffic.tally.serverErrors} requests failed`);
  await expectHealthy(row, [here, there]);
  return row;
}

/** The connection on which the other process hears of changes goes silent, without a word. */
async function silent(lab: Lab): Promise<Row> {
  const users = 20;
  const row = new Row('near cache, hears nothing any more');
  row.load = `${users} logouts`;
  const redis = await lab.redis();
  const admin = lab.admin(redis.port);
  const proxy = await lab.proxy(redis.port);
  const settings = { profile: 'defaults', timeout: DEADLINE, nearCache: true } as const;
  const here = await lab.app({ place: { kind: 'single', port: redis.port }, ...settings });
  const there = await lab.app({ place: { kind: 'single', port: proxy.port }, ...settings });
  await until(async () => (await listeners(admin)) === 2, 'both processes hear of changes');
  const delays: number[] = [];
  let answers = 0;
  proxy.swallowMessages = true;
  await each(Array.from({ length: users }), users, async () => {
    const seen = await logOut(here, there);
    delays.push(seen.delay);
    answers += seen.answers;
  });
  tell(row, delays, answers);
  row.expect(Math.max(...delays) > 0, 'the fault had no effect: it was not there, or nothing was kept');
  await until(async () => (await new Browser(there.origin).get('/set?key=a&value=1')).status === 200, 'it goes on');
  await expectHealthy(row, [here, there]);
  return row;
}

/**
 * One user signs in and out here, while the other process is asked for the session again and again. `delay`: from the
 * answer to the logout, in milliseconds, the last request was sent that still found the user signed in; 0 if none was.
 */
async function logOut(here: AppProcess, there: AppProcess): Promise<{ delay: number; answers: number }> {
  const user = new Browser(here.origin);
  await user.get('/login?user=a');
  const { cookie } = user;
  let answers = 0;
  let last = Number.NEGATIVE_INFINITY;
  const ask = async () => {
    const sent = performance.now();
    const { status, body } = await send(`${there.origin}/data`, cookie);
    if (status !== 200) throw new Error(`the other process answered ${status}`);
    answers += 1;
    if (!body.includes('user')) return false;
    last = sent;
    return true;
  };
  await ask();
  const asking = (async () => {
    while (await ask()) await pause(1);
  })();
  await pause(10);
  await user.get('/logout');
  const loggedOut = performance.now();
  await asking;
  return { delay: Math.max(0, last - loggedOut), answers };
}

function tell(row: Row, delays: readonly number[], answers: number): void {
  const sorted = [...delays].sort((one, other) => one - other);
  const late = sorted.filter((delay) => delay > 0).length;
  const longest = sorted.at(-1) as number;
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  row.answered = answers;
  row.note(
    `${late} of ${sorted.length} users were still answered after their logout elsewhere: ` +
      `median ${median.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`,
  );
  row.expect(longest <= MAX_AGE + TOLERANCE, `a user was answered ${Math.round(longest)} ms after the logout`);
}

async function listeners(admin: ReturnType<Lab['admin']>): Promise<number> {
  return String(await admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
    .split('\n')
    .filter(Boolean).length;
}

async function gets(admin: ReturnType<Lab['admin']>): Promise<number> {
  return Number(/^cmdstat_get:calls=(\d+)/m.exec(await admin.info('commandstats'))?.[1] ?? 0);
}
