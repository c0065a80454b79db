import { Browser } from '../browser.js';
import { healsWithin, type Profile, profiles } from '../clients.js';
import { type Experiment, pause, Row, until } from '../experiment.js';
import type { Lab } from '../lab.js';
import { Tally } from '../traffic.js';
import { DEADLINE, expectDecency } from './common.js';

/** The application starts first, Redis later. */
export const downAtStart: Experiment = {
  name: 'F4',
  title: 'Redis is down when the application starts',
  isQuick: true,
  async run(lab, { quick }) {
    const rows: Row[] = [];
    for (const profile of profiles(quick)) rows.push(await startLate(lab, profile, quick ? 1000 : 5000));
    return rows;
  },
};

async function startLate(lab: Lab, profile: Profile, late: number): Promise<Row> {
  const row = new Row(`F4 down at start, ${profile}`);
  row.load = `10/s, Redis ${late / 1000} s late`;
  const tally = new Tally();
  const port = await lab.freePort();
  const app = await lab.app({ place: { kind: 'single', port }, profile, timeout: DEADLINE });

  const answers: Promise<void>[] = [];
  const ask = async (path: string) => tally.add(path, await new Browser(app.origin).get(path));
  for (let waited = 0; waited < late; waited += 100) {
    answers.push(ask(waited % 200 === 0 ? '/public' : '/set?key=a&value=1'));
    await pause(100);
  }
  await Promise.all(answers);
  const wrong = tally.answers.filter(({ path, answer }) => answer.status !== (path === '/public' ? 200 : 503)).length;
  row.expect(wrong === 0, `${wrong} answers were neither a public page nor a 503`);

  await lab.redis([], port);
  const ready = Date.now();
  await until(async () => (await new Browser(app.origin).get('/set?key=a&value=1')).status === 200, 'a write goes well');
  row.heal = Date.now() - ready;
  const limit = healsWithin(profile);
  row.expect(row.heal <= limit, `healed ${row.heal} ms after Redis was ready, expected within ${limit}`);
  await expectDecency(row, tally, [app]);
  return row;
}
