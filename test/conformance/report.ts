import { RULE_NAMES, RULES } from './rules.js';
import type { Result } from './run.js';

/** The run in words: the rules with how often each was needed, the failures, the numbers. */
export function report(results: readonly Result[]): string {
  const failed = results.filter(({ differences }) => differences.length > 0);
  const lines = ['Where Sojourn differs from Django on purpose, and in how many scenarios:'];
  for (const name of RULE_NAMES) {
    const uses = results.filter(({ rules }) => rules.includes(name)).length;
    const { when, instead, because } = RULES[name];
    lines.push(`${String(uses).padStart(5)}  ${name}`, `         when ${when}:`, `         ${instead}`, `         (${because})`);
  }
  for (const { scenario, differences, rules } of failed) {
    lines.push('', `FAILED ${scenario.name}${scenario.note === '' ? '' : ` (${scenario.note})`}`);
    for (const { path, expected, actual } of differences) {
      lines.push(`  ${path}: expected ${show(expected)}, but was ${show(actual)}`);
    }
    if (rules.length > 0) lines.push(`  rules that apply: ${rules.join(', ')}`);
  }
  lines.push('', `${results.length} scenarios run, ${results.length - failed.length} passed, ${failed.length} failed.`);
  return lines.join('\n');
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : typeof value === 'string' && value.includes('\n') ? value : JSON.stringify(value);
}
