import { Browser } from '../browser.js';
import { type Profile, profiles } from '../clients.js';
import { type Experiment, pause, Row, until } from '../experiment.js';
import type { Lab } from '../lab.js';
import { Tally } from '../traffic.js';
import { countAlive, DEADLINE, expectDecency, TWO_CALLS } from './common.js';

/** The session that shows that the client is connected, before and after. */
const EXPECTED_RECORDS = 2;
/** What the request that comes to life again was about to do. */
const ACTS = ['/set?key=late&value=1', '/rotate?key=late', '/touch?', '/login?user=late'];

/**
 * A process has loaded a session and saves it into a network that swallows everything. Another process logs the user
 * out. Then the network comes back, and with it the client's own wish to send the old commands again.
 */
export const ghostWrite: Experiment = {
  name: 'F1',
  title: 'Ghost write: a save that takes effect after the logout',
  isQuick: true,
  async run(lab, { quick }) {
    const rows: Row[] = [];
    for (const profile of profiles(quick)) {
      rows.push(await haunt(lab, profile, 'swallowRequests', quick));
      rows.push(await haunt(lab, profile, 'swallowReplies', quick));
    }
    return rows;
  },
};

async function haunt(lab: Lab, profile: Profile, fault: 'swallowRequests' | 'swallowReplies', quick: boolean): Promise<Row> {
  const sessions = quick ? 20 : 100;
  const row = new Row(`F1 ghost write, ${fault === 'swallowRequests' ? 'request' : 'reply'} lost, ${profile}`);
  row.load = `${sessions} sessions`;
  const redis = await lab.redis();
  const proxy = await lab.proxy(redis.port);
  const cutOff = await lab.app({ place: { kind: 'single', port: proxy.port }, profile, timeout: DEADLINE });
  const direct = await lab.app({ place: { kind: 'single', port: redis.port }, profile: 'defaults', timeout: DEADLINE });
  const admin = lab.admin(redis.port);
  const tally = new Tally();

  const visitors = Array.from({ length: sessions }, () => new Browser(direct.origin));
  await Promise.all(visitors.map((visitor, index) => visitor.get(`/login?user=user-${index}`)));
  const cookies = visitors.map((visitor) => visitor.cookie);
  // The hardened client refuses what comes before its connection is there.
  await until(async () => (await new Browser(cutOff.origin).get('/set?key=first&value=1')).status === 200, 'the client connects');

  const ghosts = visitors.map(async (visitor, index) => {
    const path = ACTS[index % ACTS.length] as string;
    const late = new Browser(cutOff.origin);
    late.cookie = visitor.cookie;
    const arrived = cutOff.arrived(`gate-${index}`);
    const answer = late.get(`${path}&gate=gate-${index}`).then((reply) => ({ path, reply }));
    await arrived;
    return { answer };
  });
  const waiting = await Promise.all(ghosts);
  const released = performance.now();
  proxy[fault] = true;
  for (const index of visitors.keys()) cutOff.release(`gate-${index}`);
  for (const { answer } of waiting) {
    const { path, reply } = await answer;
    // What counts is the time since the gate was opened.
    tally.add(path, { ...reply, wait: Math.min(reply.wait, performance.now() - released) });
  }

  const logouts = await Promise.all(visitors.map((visitor) => visitor.get('/logout')));
  row.expect(
    logouts.every(({ status }) => status === 200),
    'a logout failed',
  );

  proxy.heal();
  proxy.cut();
  const began = Date.now();
  await until(async () => (await new Browser(cutOff.origin).get('/set?key=again&value=1')).status === 200, 'the client comes back');
  row.heal = Date.now() - began;
  // Nothing the client holds is left to come to life. One that doesn't tell has sent what it kept before that write.
  await until(async () => ((await cutOff.stats()).waiting ?? 0) === 0, 'the client has sent what it kept');
  if (!quick) await pause(3000);

  row.revived = await countAlive(admin, cookies);
  row.expect(row.revived === 0, `${row.revived} sessions came back after their logout`);
  for (const cookie of cookies.slice(0, 20)) {
    for (const app of [cutOff, direct]) {
      const replay = new Browser(app.origin);
      replay.cookie = cookie;
      row.expect(Object.keys(await replay.data()).length === 0, 'a cookie worked again after its logout');
    }
  }
  row.expect(tally.serverErrors === tally.answered, 'a save that nobody acknowledged was answered as done');
  await expectDecency(row, tally, [cutOff, direct], TWO_CALLS);
  const orphans = (await admin.dbsize()) - EXPECTED_RECORDS;
  row.note(`${orphans} records and markers are left that no cookie leads to; they end by their time to live`);
  return row;
}
