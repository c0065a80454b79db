import type { Case, Introduction } from './case.ts';
import { partCases } from './parts.ts';
import { requestCases } from './requests.ts';
import { slowPathCases } from './slow-paths.ts';

export type Suite = 'hot path' | 'slow paths';

const SUITES: Record<Suite, () => Promise<Case[]>> = {
  'hot path': async () => [...(await requestCases(false)), ...(await requestCases(true)), ...partCases()],
  'slow paths': slowPathCases,
};

// One case, or its harness, in a process of its own: neither is to sweep up what another has left behind, and the
// compiler sees nothing else. Each message asks for a round.
const [suite, index, side] = process.argv.slice(2);
const cases = await SUITES[suite as Suite]();
const { name, title, target, count, run, harness } = cases[Number(index)] as Case;
const work = side === 'harness' ? harness : run;

process.on('message', async () => {
  const before = process.cpuUsage();
  await work(count);
  const { user, system } = process.cpuUsage(before);
  process.send?.((user + system) / count);
});
process.on('disconnect', () => process.exit());
const introduction: Introduction = { name, title, ...(target === undefined ? undefined : { target }), cases: cases.length };
process.send?.(introduction);
