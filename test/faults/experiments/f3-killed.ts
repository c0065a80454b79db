import { healsWithin, profiles } from '../clients.js';
import type { Experiment, Row } from '../experiment.js';
import { DEADLINE } from './common.js';
import { outageUnderLoad } from './outage.js';

/** Redis is killed and starts again with nothing in it. */
export const killed: Experiment = {
  name: 'F3',
  title: 'Redis killed, and started again empty',
  isQuick: true,
  async run(lab, { quick }) {
    const rows: Row[] = [];
    for (const profile of profiles(quick)) {
      const redis = await lab.redis();
      const app = await lab.app({ place: { kind: 'single', port: redis.port }, profile, timeout: DEADLINE });
      const lasts = quick ? 1500 : 5000;
      rows.push(
        await outageUnderLoad(app, {
          name: 'F3 killed Redis',
          profile,
          perSecond: quick ? 50 : 200,
          lasts,
          empties: true,
          healsWithin: healsWithin(profile),
          begin: () => redis.stop(),
          async end() {
            await lab.redis([], redis.port);
          },
        }),
      );
    }
    return rows;
  },
};
