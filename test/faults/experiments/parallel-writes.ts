import { Browser } from '../browser.js';
import { type Experiment, Row } from '../experiment.js';
import { DEADLINE, expectHealthy } from './common.js';

const AT_ONCE = 8;

/** Eight requests at once to one session, each setting a key of its own: round after round, on two processes. */
export const parallelWrites: Experiment = {
  name: 'parallel',
  title: 'Eight parallel requests, each setting its own key',
  isQuick: true,
  async run(lab, { quick }) {
    const row = new Row('8 parallel writes, Sojourn');
    const redis = await lab.redis();
    const settings = { place: { kind: 'single', port: redis.port }, profile: 'defaults', timeout: DEADLINE } as const;
    const apps = [await lab.app(settings), await lab.app(settings)];
    const origins = apps.map(({ origin }) => origin);
    await writeInParallel(row, origins, quick ? 200 : 1000);
    row.expect(row.lost === 0, `${row.lost} acknowledged writes are lost`);
    row.expect(row.answered === (quick ? 200 : 1000) * AT_ONCE, 'not every write was acknowledged');
    await expectHealthy(row, apps);
    return [row];
  },
};

/** Fills in what was answered and what is missing of it in the end. */
export async function writeInParallel(row: Row, origins: readonly string[], rounds: number): Promise<void> {
  Object.assign(row, { load: `${rounds} rounds`, answered: 0, serverErrors: 0, longest: 0, lost: 0 });
  for (let round = 0; round < rounds; round += 1) {
    const browser = new Browser(origins[0] as string);
    await browser.get('/login?user=a');
    const { cookie } = browser;
    const writes = Array.from({ length: AT_ONCE }, async (_, index) => {
      const tab = new Browser(origins[index % origins.length] as string);
      tab.cookie = cookie;
      return { key: `k${index}`, answer: await tab.get(`/set?key=k${index}&value=1`) };
    });
    const written = await Promise.all(writes);
    const data = await browser.data();
    for (const { key, answer } of written) {
      row.longest = Math.max(row.longest ?? 0, answer.wait);
      if (answer.status >= 500) row.serverErrors = (row.serverErrors ?? 0) + 1;
      if (answer.status !== 200) continue;
      row.answered = (row.answered ?? 0) + 1;
      if (data[key] !== '1') row.lost = (row.lost ?? 0) + 1;
    }
  }
}
