import { isDeepStrictEqual } from 'node:util';
import { type Difference, differencesOf, expectation } from './compare.js';
import { Host } from './host.js';
import { playModel } from './model/middleware.js';
import { assertKnown } from './ops.js';
import { RULE_NAMES, type RuleName } from './rules.js';
import { type Answers, readFolder, type Scenario } from './scenario.js';
import { playSojourn } from './world.js';

export interface Result {
  scenario: Scenario;
  differences: Difference[];
  /** The rules without which another answer would be expected; none where all of them together change nothing. */
  rules: RuleName[];
}

/** Runs all scenarios of a folder. */
export async function runFolder(folder: string): Promise<Result[]> {
  const host = await new Host().start();
  try {
    const results: Result[] = [];
    for (const { scenario, django } of readFolder(folder)) results.push(await runScenario(host, scenario, django));
    return results;
  } finally {
    await host.stop();
  }
}

/** Compares what Sojourn answers to a scenario with what Django answered, as the rules change it. */
export async function runScenario(host: Host, scenario: Scenario, django: Answers): Promise<Result> {
  try {
    for (const { ops } of scenario.requests) assertKnown(ops);
    const all = new Set(RULE_NAMES);
    const withRules = playModel(scenario, all);
    const withoutRules = playModel(scenario, new Set());
    const expected = expectation(django, withoutRules, withRules);
    // Most scenarios need none: then none is to be looked for among them all.
    const rules = isDeepStrictEqual(withoutRules, withRules)
      ? []
      : RULE_NAMES.filter((rule) => !isDeepStrictEqual(playModel(scenario, without(all, rule)), withRules));
    return { scenario, differences: differencesOf(expected, await playSojourn(host, scenario)), rules };
  } catch (error) {
    return { scenario, differences: [{ path: 'the run', expected: 'an answer', actual: String((error as Error).stack) }], rules: [] };
  }
}

function without(rules: ReadonlySet<RuleName>, rule: RuleName): ReadonlySet<RuleName> {
  return new Set([...rules].filter((other) => other !== rule));
}
