import type { Outcome } from './run.js';

const COLUMNS: readonly { readonly title: string; value(outcome: Outcome): string }[] = [
  { title: 'Node', value: ({ node }) => node },
  { title: 'Express', value: ({ express }) => express },
  { title: 'ioredis', value: ({ ioredis }) => ioredis },
  { title: 'passed', value: ({ passed }) => String(passed) },
  { title: 'failed', value: ({ failed }) => String(failed) },
  { title: 'seconds', value: ({ seconds }) => seconds.toFixed(1) },
  { title: '', value: ({ success, note }) => (success ? 'ok' : `FAILED ${note}`) },
];

/** One line for each run, under titles. */
export function table(outcomes: readonly Outcome[]): string {
  const lines = [COLUMNS.map(({ title }) => title), ...outcomes.map((outcome) => COLUMNS.map(({ value }) => value(outcome)))];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const padded = lines.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return padded.map((line) => line.trimEnd()).join('\n');
}
