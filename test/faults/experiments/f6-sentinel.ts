import type { AppProcess } from '../app-process.js';
import { Browser } from '../browser.js';
import type { Profile } from '../clients.js';
import { type Experiment, pause, Row, until } from '../experiment.js';
import { infoOf, MASTER_NAME, type SentinelGroup, startSentinelGroup } from '../groups.js';
import type { Lab } from '../lab.js';
import { Traffic } from '../traffic.js';
import { countAlive, DEADLINE, each, expectDecency, TWO_CALLS } from './common.js';

/** How long the load goes on after the primary hangs, in milliseconds. */
const WATCHED = 12_000;
/** Nothing a primary acknowledges may be unknown to all of its replicas for longer than about a second. */
export const SAFE = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '1'];

/**
 * The primary hangs, Sentinel promotes a replica (F6), and then the old primary wakes up and doesn't know that it is none
 * any more (F7): what a process that is still connected to it is told, and what is true.
 */
export const sentinelFailover: Experiment = {
  name: 'F6',
  title: 'Hung primary under Sentinel, and the zombie it becomes (F7)',
  isQuick: false,
  async run(lab) {
    const plain = await failover(lab, 'one replica', 1, [], ['hardened', 'defaults']);
    await lab.close();
    return [...plain, ...(await failover(lab, 'min-replicas, two replicas', 2, SAFE, ['hardened']))];
  },
};

async function failover(lab: Lab, name: string, replicas: number, args: string[], profiles: readonly Profile[]): Promise<Row[]> {
  const group = await startSentinelGroup(lab, replicas, args);
  const place = { kind: 'sentinel', sentinels: group.sentinels, name: MASTER_NAME } as const;
  const zombieApp = await lab.app({ place: { kind: 'single', port: group.master.port }, profile: 'defaults', timeout: DEADLINE });
  const apps: AppProcess[] = [];
  const loads: Traffic[] = [];
  for (const profile of profiles) {
    const app = await lab.app({ place, profile, timeout: DEADLINE });
    const load = new Traffic([app.origin]);
    await until(async () => load.logIn(50, 0).then(() => true), 'the client finds the primary');
    apps.push(app);
    loads.push(load);
  }
  const victims = await logInUsers(apps[0] as AppProcess, 1000);

  const over = pause(WATCHED + 500);
  const driving = loads.map((load) => load.pace(50, over));
  await pause(500);
  group.master.child.kill('SIGSTOP');
  const hung = Date.now();
  await Promise.all(driving);

  const rows: Row[] = [];
  for (const [index, profile] of profiles.entries())
    rows.push(await judge(name, profile, apps[index] as AppProcess, loads[index] as Traffic, hung));
  rows.push(await wakeZombie(lab, name, group, zombieApp, apps[0] as AppProcess, victims, args));
  return rows;
}

async function judge(name: string, profile: Profile, app: AppProcess, load: Traffic, hung: number): Promise<Row> {
  const row = new Row(`F6 hung primary, ${name}, ${profile}`, profile === 'hardened' ? 'promise' : 'fact');
  row.load = `50/s, ${WATCHED / 1000} s`;
  const first = load.tally.firstWriteAfter(hung);
  await expectDecency(row, load.tally, [app], TWO_CALLS);
  if (first === undefined) {
    row.expect(profile !== 'hardened', 'writes did not go well again');
    row.note(`no write went well within ${WATCHED / 1000} s: this client does not leave a connection that has gone silent`);
    return row;
  }
  row.heal = Math.max(first, load.tally.failingAfter(hung));
  row.expect(profile !== 'hardened' || row.heal <= 5000, `wrote again after ${row.heal} ms, expected within 5000`);
  const { lost } = await load.audit();
  row.lost = lost;
  row.note(`${lost} acknowledged writes were lost: replication is asynchronous, what the primary had not passed on is gone`);
  return row;
}

/** Users whose sessions all copies know. */
async function logInUsers(app: AppProcess, count: number): Promise<Browser[]> {
  const users = Array.from({ length: count }, () => new Browser(app.origin));
  await each(users, 20, async (user, index) => {
    const { status } = await user.get(`/login?user=user-${index}`);
    if (status !== 200) throw new Error(`a user could not log in: ${status}`);
  });
  return users;
}

async function wakeZombie(
  lab: Lab,
  name: string,
  { master, replicas }: SentinelGroup,
  zombieApp: AppProcess,
  app: AppProcess,
  victims: readonly Browser[],
  args: readonly string[],
): Promise<Row> {
  const row = new Row(`F7 zombie primary, ${name}`, args.length > 0 ? 'promise' : 'fact');
  row.load = `${victims.length} logouts`;
  const old = lab.admin(master.port);
  master.child.kill('SIGCONT');
  const loggedOut: string[] = [];
  row.serverErrors = 0;
  await each(victims, 20, async (victim) => {
    const visitor = new Browser(zombieApp.origin);
    visitor.cookie = victim.cookie;
    const { status, setCookies } = await visitor.get('/logout');
    if (status === 200) loggedOut.push(victim.cookie);
    else row.serverErrors = (row.serverErrors ?? 0) + 1;
    row.expect(status === 200 || setCookies.length === 0, 'a refused logout deleted the cookie');
  });
  row.answered = victims.length;
  await until(async () => (await infoOf(old, 'master_link_status')) === 'up', 'the old primary has become a replica', 60_000);

  const roles = await Promise.all(replicas.map(async ({ port }) => ({ port, role: await infoOf(lab.admin(port), 'role') })));
  const promoted = roles.find(({ role }) => role === 'master');
  if (promoted === undefined) throw new Error('no replica was promoted');
  row.revived = await countAlive(lab.admin(promoted.port), loggedOut);
  row.note(
    `${loggedOut.length} of ${victims.length} logouts were acknowledged by the zombie, ${row.revived} of those users are signed in again`,
  );
  if (args.length > 0) row.expect(row.revived === 0, 'a logout was acknowledged and did not last');
  row.expect((await new Browser(app.origin).get('/set?key=a&value=1')).status === 200, 'the application does not write');
  return row;
}
