import type { AppSettings } from '../app-process.js';
import { Browser } from '../browser.js';
import { type Experiment, pause, Row, until } from '../experiment.js';
import { infoOf } from '../groups.js';
import type { Lab } from '../lab.js';
import { countAlive, DEADLINE, each, expectHealthy } from './common.js';
import { SAFE } from './f6-sentinel.js';

/** How long the logouts go on after the link to the replica broke, in milliseconds. */
const WATCHED = 4000;
const USERS = 400;

/**
 * The link to the replica breaks without a word, users log out, the primary dies, and the replica takes over: with it
 * come the sessions of everybody whose logout it never heard of.
 */
export const lostRevocation: Experiment = {
  name: 'F8',
  title: 'Logouts that the replica never heard of, and the primary dies',
  isQuick: false,
  async run(lab) {
    return [
      await loseLink(lab, 'no precaution', []),
      await loseLink(lab, 'min-replicas', SAFE),
      await loseLink(lab, 'durability', [], { replicas: 1, timeout: 200 }),
      await restart(lab, 'snapshot', []),
      await restart(lab, 'append-only file', ['--appendonly', 'yes', '--appendfsync', 'everysec']),
    ];
  },
};

async function loseLink(lab: Lab, name: string, args: string[], durability?: AppSettings['durability']): Promise<Row> {
  const row = new Row(`F8 lost revocation, ${name}`, args.length > 0 || durability ? 'promise' : 'fact');
  row.load = `${USERS} logouts in ${WATCHED / 1000} s`;
  const primary = await lab.redis(args);
  const link = await lab.proxy(primary.port);
  const replica = await lab.redis(['--replicaof', '127.0.0.1', String(link.port), ...args]);
  const [first, second] = [lab.admin(primary.port), lab.admin(replica.port)];
  await until(async () => (await infoOf(second, 'master_link_status')) === 'up', 'the replica follows');
  const app = await lab.app({
    place: { kind: 'single', port: primary.port },
    profile: 'hardened',
    timeout: DEADLINE,
    ...(durability && { durability }),
  });
  await until(async () => (await new Browser(app.origin).get('/set?key=a&value=1')).status === 200, 'the primary takes writes');
  const users = Array.from({ length: USERS }, () => new Browser(app.origin));
  await each(users, 20, async (user) => {
    await user.get('/login?user=a');
  });
  await until(async () => (await first.wait(1, 1000)) === 1, 'the replica has all of it');

  link.swallowRequests = true;
  link.swallowReplies = true;
  const broken = performance.now();
  let last = 0;
  const loggedOut: string[] = [];
  const answers = users.map(async (user, index) => {
    await pause((index * WATCHED) / USERS);
    const { cookie } = user;
    const sent = performance.now() - broken;
    const { status } = await user.get('/logout');
    if (status !== 200) return;
    loggedOut.push(cookie);
    last = Math.max(last, sent);
  });
  await Promise.all(answers);
  const heard = await first.wait(1, 200);
  await primary.stop();
  await second.replicaof('NO', 'ONE');

  row.answered = users.length;
  row.serverErrors = users.length - loggedOut.length;
  row.revived = await countAlive(second, loggedOut);
  row.note(`${loggedOut.length} logouts were acknowledged, the last ${Math.round(last)} ms after the link broke; ${row.revived} came back`);
  row.note(`WAIT 1 200 after them answered ${heard}`);
  if (durability) row.expect(row.revived === 0, `${row.revived} logouts that were acknowledged came back`);
  if (args.length > 0) row.expect(last < 3000, `a logout was acknowledged ${Math.round(last)} ms after the link broke`);
  await expectHealthy(row, [app]);
  return row;
}

/** A snapshot is taken, users log out, Redis is killed, and starts from what is on disk. */
async function restart(lab: Lab, name: string, args: string[]): Promise<Row> {
  const row = new Row(`F8 killed and restarted, ${name}`, 'fact');
  const users = 100;
  row.load = `${users} logouts`;
  const onDisk = ['--dir', lab.folder(), ...args];
  const before = await lab.redis(onDisk);
  const app = await lab.app({ place: { kind: 'single', port: before.port }, profile: 'hardened', timeout: DEADLINE });
  await until(async () => (await new Browser(app.origin).get('/set?key=a&value=1')).status === 200, 'the client connects');
  const browsers = Array.from({ length: users }, () => new Browser(app.origin));
  await each(browsers, 20, async (user) => {
    await user.get('/login?user=a');
  });
  const cookies = browsers.map(({ cookie }) => cookie);
  await lab.admin(before.port).save();
  await each(browsers, 20, async (user) => {
    row.expect((await user.get('/logout')).status === 200, 'a logout failed');
  });
  await before.stop();
  const after = await lab.redis(onDisk, before.port);
  row.answered = users;
  row.revived = await countAlive(lab.admin(after.port), cookies);
  row.note(`${row.revived} of ${users} users who had logged out are signed in again`);
  await expectHealthy(row, [app]);
  return row;
}
