import { type Experiment, pause, Row } from '../experiment.js';
import { Traffic } from '../traffic.js';
import { DEADLINE, expectDecency } from './common.js';

/** Redis forgets its scripts again and again: no request may notice. */
export const scriptsFlushed: Experiment = {
  name: 'scripts',
  title: 'SCRIPT FLUSH ten times a second',
  isQuick: true,
  async run(lab, { quick }) {
    const seconds = quick ? 2 : 10;
    const row = new Row('SCRIPT FLUSH under load');
    row.load = `100/s, ${seconds} s`;
    const redis = await lab.redis();
    const admin = lab.admin(redis.port);
    const app = await lab.app({ place: { kind: 'single', port: redis.port }, profile: 'defaults', timeout: DEADLINE });
    const traffic = new Traffic([app.origin]);
    await traffic.logIn(20, 50);
    const flushing = async () => {
      for (let turn = 0; turn < seconds * 10; turn += 1) {
        await admin.script('FLUSH');
        await pause(100);
      }
    };
    await traffic.pace(100, flushing());
    Object.assign(row, await traffic.audit());
    await expectDecency(row, traffic.tally, [app]);
    row.expect(row.serverErrors === 0, `${row.serverErrors} requests failed`);
    row.expect(row.lost === 0 && row.revived === 0, 'a write was lost or a session came back');
    return [row];
  },
};
