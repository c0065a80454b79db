import type { AppProcess } from '../app-process.js';
import { Browser } from '../browser.js';
import type { Profile } from '../clients.js';
import { type Experiment, pause, Row, until } from '../experiment.js';
import { startCluster } from '../groups.js';
import type { Lab } from '../lab.js';
import { Traffic } from '../traffic.js';
import { DEADLINE, expectDecency, TWO_CALLS } from './common.js';

const SESSIONS = 500;
const WORKERS = 20;
const SLOTS = 3000;

/** Slots move from one node to another under load; then a node dies, and nobody stands in for it. */
export const clusterChanges: Experiment = {
  name: 'F9',
  title: 'Cluster: live resharding, then a dead primary',
  isQuick: false,
  async run(lab) {
    const rows: Row[] = [];
    for (const profile of ['defaults', 'hardened'] satisfies Profile[]) {
      rows.push(...(await changeCluster(lab, profile)));
      await lab.close();
    }
    return rows;
  },
};

async function changeCluster(lab: Lab, profile: Profile): Promise<Row[]> {
  const cluster = await startCluster(lab);
  const app = await lab.app({ place: { kind: 'cluster', ports: cluster.ports }, profile, timeout: DEADLINE });
  const [first, , third] = cluster.nodes;
  if (first === undefined || third === undefined) throw new Error('a Cluster has three nodes');

  const moving = new Row(`F9 live reshard, ${profile}`);
  moving.load = `${WORKERS} at once, ${SLOTS} slots`;
  const traffic = new Traffic([app.origin]);
  await until(async () => traffic.logIn(SESSIONS, 200).then(() => true), 'the client knows the Cluster');
  let moved = false;
  const workers = Array.from({ length: WORKERS }, async () => {
    while (!moved) await traffic.next();
  });
  const began = performance.now();
  await cluster.reshard(SLOTS, first, third);
  const took = performance.now() - began;
  moved = true;
  await Promise.all(workers);
  Object.assign(moving, await traffic.audit());
  await expectDecency(moving, traffic.tally, [app]);
  moving.expect(moving.serverErrors === 0, `${moving.serverErrors} requests failed`);
  moving.expect(moving.lost === 0 && moving.revived === 0, 'a write was lost or a session came back');
  moving.note(`the slots moved within ${(took / 1000).toFixed(1)} s`);
  return [moving, await killNode(profile, app, () => third.stop())];
}

async function killNode(profile: Profile, app: AppProcess, kill: () => Promise<void>): Promise<Row> {
  const row = new Row(`F9 dead primary, ${profile}`);
  row.load = '100/s, 8 s';
  const traffic = new Traffic([app.origin]);
  await traffic.logIn(100, 0);
  const driving = traffic.pace(100, pause(8500));
  await pause(500);
  await kill();
  await driving;
  await expectDecency(row, traffic.tally, [app], TWO_CALLS);
  const visitor = new Browser(app.origin);
  row.expect((await visitor.get('/public')).status === 200, 'a page without a session is not served');
  row.note('a Cluster that misses slots refuses all of them (cluster-require-full-coverage yes is the default of Redis)');
  return row;
}
