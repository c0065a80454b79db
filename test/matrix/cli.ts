import { type Plan, planOf, USAGE } from './axes.js';
import { findNode, type Node } from './nodes.js';
import { notRun, type Outcome, runTests } from './run.js';
import { table } from './table.js';

/**
 * Runs the tests, or a part of them, on every Node, Express and ioredis that is supported, as CI's matrix does.
 *
 *     npm run matrix                             all tests, 16 times: about half an hour
 *     npm run matrix -- test/stores              some tests
 *     npm run matrix -- --node 22 --express 4    two runs
 *
 * Ends with 1 if a run failed, or could not be made because npm has no such Node for this machine.
 */
async function main(): Promise<number> {
  let plan: Plan;
  try {
    plan = planOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const nodes = new Map<string, Node | Error>();
  for (const major of new Set(plan.runs.map(({ node }) => node))) {
    nodes.set(major, await findNode(major).catch((error: Error) => error));
  }
  const outcomes: Outcome[] = [];
  for (const run of plan.runs) {
    const node = nodes.get(run.node) as Node | Error;
    const outcome = node instanceof Error ? notRun(run, node.message) : await runTests(node, run, plan);
    outcomes.push(outcome);
    process.stderr.write(`Node ${outcome.node}, Express ${run.express}, ioredis ${run.ioredis}: ${outcome.success ? 'ok' : 'FAILED'}\n`);
  }
  console.log(`\n${table(outcomes)}`);
  return outcomes.every(({ success }) => success) ? 0 : 1;
}

process.exitCode = await main();
