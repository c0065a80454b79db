import { healsWithin, profiles } from '../clients.js';
import type { Experiment, Row } from '../experiment.js';
import { DEADLINE } from './common.js';
import { outageUnderLoad } from './outage.js';

/** Redis hangs: connections stay, answers don't come. */
export const hung: Experiment = {
  name: 'F2',
  title: 'Hung Redis: SIGSTOP, then SIGCONT',
  isQuick: true,
  async run(lab, { quick }) {
    const rows: Row[] = [];
    for (const profile of profiles(quick)) {
      const redis = await lab.redis();
      const app = await lab.app({ place: { kind: 'single', port: redis.port }, profile, timeout: DEADLINE });
      rows.push(
        await outageUnderLoad(app, {
          name: 'F2 hung Redis',
          profile,
          perSecond: quick ? 50 : 200,
          lasts: quick ? 1500 : 8000,
          empties: false,
          healsWithin: healsWithin(profile),
          async begin() {
            redis.child.kill('SIGSTOP');
          },
          async end() {
            redis.child.kill('SIGCONT');
          },
        }),
      );
    }
    return rows;
  },
};
