import type { Redis } from 'ioredis';
import type { AppProcess } from '../app-process.js';
import { type Answer, Browser, cookieIn } from '../browser.js';
import type { Profile } from '../clients.js';
import { type Experiment, Row, until } from '../experiment.js';
import type { Lab } from '../lab.js';
import { Tally } from '../traffic.js';
import { countAlive, DEADLINE, expectDecency } from './common.js';

interface Refusal {
  readonly name: string;
  begin(redis: Redis): Promise<unknown>;
  end(redis: Redis): Promise<unknown>;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: 'out of memory',
    begin: (redis) => redis.config('SET', 'maxmemory', '1'),
    end: (redis) => redis.config('SET', 'maxmemory', '0'),
  },
  {
    name: 'no replicas',
    begin: (redis) => redis.config('SET', 'min-replicas-to-write', '1'),
    end: (redis) => redis.config('SET', 'min-replicas-to-write', '0'),
  },
  {
    name: 'read only',
    // A primary that is nobody: the node stays a replica that can't be written to.
    begin: (redis) => redis.replicaof('127.0.0.1', '1'),
    end: (redis) => redis.replicaof('NO', 'ONE'),
  },
];

/** Whether a request is to be made with a session or without one. */
const ACTS: readonly { path: string; signedIn: boolean }[] = [
  { path: '/login?user=new', signedIn: false },
  { path: '/set?key=new&value=1', signedIn: false },
  { path: '/login?user=other', signedIn: true },
  { path: '/rotate?key=new', signedIn: true },
  { path: '/set?key=new&value=1', signedIn: true },
  { path: '/touch', signedIn: true },
  { path: '/logout', signedIn: true },
];

/** Redis answers, and refuses to write. */
export const refusedWrites: Experiment = {
  name: 'F5',
  title: 'Writes refused: OOM, NOREPLICAS, READONLY',
  isQuick: true,
  async run(lab, { quick }) {
    const rows: Row[] = [];
    for (const profile of ['defaults', 'hardened'] satisfies Profile[]) {
      for (const refusal of REFUSALS) rows.push(await refuse(lab, profile, refusal, quick ? 3 : 30));
    }
    return rows;
  },
};

async function refuse(lab: Lab, profile: Profile, refusal: Refusal, rounds: number): Promise<Row> {
  const row = new Row(`F5 ${refusal.name}, ${profile}`);
  row.load = `${rounds} x ${ACTS.length} requests`;
  const redis = await lab.redis();
  const admin = lab.admin(redis.port);
  const app = await lab.app({ place: { kind: 'single', port: redis.port }, profile, timeout: DEADLINE });
  await until(async () => (await new Browser(app.origin).get('/set?key=a&value=1')).status === 200, 'the client connects');

  const tally = new Tally();
  const checks: (() => Promise<void>)[] = [];
  const acts = Array.from({ length: rounds }, () => ACTS).flat();
  const visitors = await Promise.all(acts.map(({ signedIn }) => visitor(app, signedIn)));
  await refusal.begin(admin);
  const cookiesIn = new Map(visitors.map((browser) => [browser, browser.cookie]));
  for (const [index, { path }] of acts.entries()) {
    const browser = visitors[index] as Browser;
    const answer = await browser.get(path);
    tally.add(path, answer);
    checks.push(() => check(row, app, admin, { path, answer, cookie: cookiesIn.get(browser) ?? '' }));
  }
  await refusal.end(admin);
  const ended = Date.now();
  await until(async () => (await new Browser(app.origin).get('/set?key=a&value=1')).status === 200, 'a write goes well again');
  row.heal = Date.now() - ended;
  row.expect(row.heal <= 1000, `healed after ${row.heal} ms`);
  for (const one of checks) await one();
  await expectDecency(row, tally, [app]);
  const done = new Set(tally.answers.filter(({ answer }) => answer.status === 200).map(({ path }) => path));
  row.note(done.size === 0 ? 'every write was refused' : `carried out all the same, and truly: ${[...done].join(', ')}`);
  return row;
}

async function visitor(app: AppProcess, signedIn: boolean): Promise<Browser> {
  const browser = new Browser(app.origin);
  if (signedIn) await browser.get('/login?user=before');
  return browser;
}

/** What was answered must be what is there: a refusal leaves the old state, a success has happened. */
async function check(
  row: Row,
  app: AppProcess,
  admin: Redis,
  { path, answer, cookie }: { path: string; answer: Answer; cookie: string },
): Promise<void> {
  const given = cookieIn(answer);
  if (given) row.expect((await countAlive(admin, [given])) === 1, `${path}: a cookie without a record`);
  if (cookie === '') return;
  const browser = new Browser(app.origin);
  browser.cookie = cookie;
  const data = JSON.stringify(await browser.data());
  if (answer.status >= 500) row.expect(data === '{"user":"before"}', `${path}: refused, but the session is now ${data}`);
  if (answer.status === 200 && path === '/logout') row.expect(data === '{}', 'a logout was acknowledged, and the session is alive');
}
