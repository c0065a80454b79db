import { type Experiment, Row } from '../experiment.js';
import { parallelWrites, writeInParallel } from './parallel-writes.js';

/** The same requests to express-session, which writes back the whole session as it was loaded. */
export const compareExpressSession: Experiment = {
  name: 'compare',
  title: 'Eight parallel requests: Sojourn, and express-session with connect-redis',
  isQuick: false,
  async run(lab, size) {
    const rows = await parallelWrites.run(lab, size);
    const row = new Row('8 parallel writes, express-session', 'fact');
    const redis = await lab.redis();
    const apps = [await lab.otherApp(redis.port), await lab.otherApp(redis.port)];
    const origins = apps.map(({ origin }) => origin);
    await writeInParallel(row, origins, size.quick ? 200 : 1000);
    const share = Math.round((100 * (row.lost ?? 0)) / (row.answered || 1));
    row.note(`express-session with connect-redis loses ${share} % of the writes that it has answered with 200`);
    return [...rows, row];
  },
};
