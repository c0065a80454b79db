import { parseArgs } from 'node:util';
import type { Row, Size } from './experiment.js';
import { EXPERIMENTS } from './experiments/index.js';
import { Lab } from './lab.js';
import { table } from './table.js';

/**
 * Runs the fault experiments on servers it starts itself, and prints what was measured. Ends with 1 if something that
 * must hold did not.
 *
 *     npm run faults                       all of them, about a quarter of an hour
 *     npm run faults -- F1 F3              some
 *     npm run faults -- --quick            those that `npm run test:slow` runs, as short as there
 *     npm run faults -- F10 --minutes 10   a longer torture
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, minutes: { type: 'string', default: '2' } },
});
const size: Size = { quick: values.quick, minutes: Number(values.minutes) };
const unknown = positionals.filter((name) => !EXPERIMENTS.some((experiment) => experiment.name === name));
if (unknown.length > 0 || !(size.minutes > 0)) {
  console.error(`Usage: npm run faults -- [--quick] [--minutes n] [${EXPERIMENTS.map(({ name }) => name).join(' | ')}]...`);
  process.exit(2);
}

const chosen = EXPERIMENTS.filter(({ name, isQuick }) => (positionals.length > 0 ? positionals.includes(name) : !size.quick || isQuick));
const rows: Row[] = [];
let failed = false;
let lab = new Lab();
process.once('SIGINT', () => void lab.close().then(() => process.exit(130)));

for (const { name, title, run } of chosen) {
  process.stderr.write(`${name}: ${title} ...\n`);
  try {
    rows.push(...(await run(lab, size)));
  } catch (error) {
    failed = true;
    console.error(`${name} could not be carried out:`, error);
  } finally {
    await lab.close();
    lab = new Lab();
  }
}
console.log(table(rows));
process.exit(failed || rows.some(({ failures }) => failures.length > 0) ? 1 : 0);
