import type { Row } from './experiment.js';

const COLUMNS: readonly { readonly title: string; value(row: Row): string }[] = [
  { title: 'experiment', value: ({ name }) => name },
  { title: 'load', value: ({ load }) => load },
  { title: 'answered', value: ({ answered }) => show(answered) },
  { title: '5xx', value: ({ serverErrors }) => show(serverErrors) },
  { title: 'longest wait', value: ({ longest }) => show(longest, ' ms') },
  { title: 'lost', value: ({ lost }) => show(lost) },
  { title: 'revived', value: ({ revived }) => show(revived) },
  { title: 'heals in', value: ({ heal }) => show(heal, ' ms') },
  { title: 'verdict', value: ({ verdict }) => verdict },
];

/** The table in Markdown, then what was noted and what failed. */
export function table(rows: readonly Row[]): string {
  const cells = [COLUMNS.map(({ title }) => title), ...rows.map((row) => COLUMNS.map((column) => column.value(row)))];
  const widths = COLUMNS.map((_, index) => Math.max(...cells.map((line) => (line[index] as string).length)));
  const lines = cells.map((line) => `| ${line.map((cell, index) => cell.padEnd(widths[index] as number)).join(' | ')} |`);
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  const remarks = rows.flatMap((row) => [
    ...row.notes.map((note) => `${row.name}: ${note}`),
    ...[...new Set(row.failures)].map((failure) => `FAILED ${row.name}: ${failure}`),
  ]);
  return [...lines, '', ...remarks].join('\n');
}

function show(value: number | undefined, unit = ''): string {
  return value === undefined ? '' : `${Math.round(value)}${unit}`;
}
