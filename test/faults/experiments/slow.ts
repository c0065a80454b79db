import { healsWithin, type Profile, profiles } from '../clients.js';
import { type Experiment, pause, Row, until } from '../experiment.js';
import type { Lab } from '../lab.js';
import { Traffic } from '../traffic.js';
import { DEADLINE, expectDecency, TWO_CALLS } from './common.js';
import { outageUnderLoad } from './outage.js';

/** Late, but in time. */
const IN_TIME = DEADLINE * 0.6;
/** Too late: what is answered then nobody waits for, and Redis has carried it out all the same. */
const TOO_LATE = DEADLINE * 1.6;

/** Redis does all it is asked, and its answers take long: first less than the deadline, then more. */
export const slowReplies: Experiment = {
  name: 'slow',
  title: 'Slow Redis: answers that are late, and answers that are too late',
  isQuick: true,
  async run(lab, { quick }) {
    const rows: Row[] = [];
    for (const profile of quick ? (['defaults'] as const) : profiles(quick)) {
      rows.push(await late(lab, profile, quick ? 1500 : 5000));
      rows.push(await tooLate(lab, profile, quick));
    }
    return rows;
  },
};

async function startApp(lab: Lab, profile: Profile) {
  const redis = await lab.redis();
  const proxy = await lab.proxy(redis.port);
  return { proxy, app: await lab.app({ place: { kind: 'single', port: proxy.port }, profile, timeout: DEADLINE }) };
}

async function late(lab: Lab, profile: Profile, lasts: number): Promise<Row> {
  const row = new Row(`slow Redis, ${IN_TIME} ms late, ${profile}`);
  row.load = `50/s, ${lasts / 1000} s`;
  const { proxy, app } = await startApp(lab, profile);
  const traffic = new Traffic([app.origin]);
  // Many: writes that meet in one session are tried again, each time for as long as Redis takes.
  await until(async () => traffic.logIn(200, 50).then(() => true), 'the client connects');
  // Redis gets to know the scripts: one that it doesn't know takes two round trips.
  await traffic.pace(50, pause(1000));
  proxy.replyDelay = IN_TIME;
  await traffic.pace(50, pause(lasts));
  proxy.heal();
  Object.assign(row, await traffic.audit());
  await expectDecency(row, traffic.tally, [app], TWO_CALLS);
  row.expect((row.longest ?? 0) > IN_TIME, 'no request noticed');
  row.expect(row.serverErrors === 0, `${row.serverErrors} requests failed`);
  row.expect(row.lost === 0 && row.revived === 0, 'a write was lost or a session came back');
  return row;
}

async function tooLate(lab: Lab, profile: Profile, quick: boolean): Promise<Row> {
  const { proxy, app } = await startApp(lab, profile);
  return outageUnderLoad(app, {
    name: `slow Redis, ${TOO_LATE} ms late`,
    profile,
    perSecond: quick ? 50 : 200,
    lasts: quick ? 1500 : 5000,
    empties: false,
    healsWithin: healsWithin(profile),
    // While the replies get faster again a read may be just in time, and the write after it not.
    longest: TWO_CALLS,
    async begin() {
      proxy.replyDelay = TOO_LATE;
    },
    async end() {
      proxy.heal();
    },
  });
}
