import type { Outcome, SuiteRun } from './suite.ts';

export interface Verdict {
  /** Whether all is as the list of known differences says. */
  readonly ok: boolean;
  readonly text: string;
}

/** What a run says beside the differences that are known: the count first, then each test that doesn't pass. */
export function verdictOn({ tests, hooks }: SuiteRun, known: Readonly<Record<string, string>>): Verdict {
  const different = tests.filter(({ state }) => state !== 'passed');
  const titles = new Set(different.map(({ title }) => title));
  const isKnown = ({ title, state }: Outcome) => state === 'failed' && Object.hasOwn(known, title);
  const outdated = Object.keys(known).filter((title) => !titles.has(title));
  const lines = [
    `express-session's own suite: ${tests.length - different.length} of ${tests.length}`,
    ...[...hooks, ...different].flatMap((outcome) => [
      '',
      `${isKnown(outcome) ? 'known' : 'NOT KNOWN'}: ${outcome.title}`,
      `  ${firstLine(outcome.error) || outcome.state}`,
      ...(isKnown(outcome) ? [`  because ${known[outcome.title]}`] : []),
    ]),
    ...outdated.flatMap((title) => ['', `LISTED, BUT NOT FAILING: ${title}`, '  Take it off test/compat/known-differences.ts.']),
  ];
  const ok = tests.length > 0 && hooks.length === 0 && different.every(isKnown) && outdated.length === 0;
  return { ok, text: lines.join('\n') };
}

/** The first line of an error, and the next if the first only announces it, as those of `node:assert` do. */
function firstLine(error: string): string {
  const [first = '', next = ''] = error.split('\n').filter((line) => line.trim() !== '');
  return first.endsWith(':') ? `${first} ${next.trim()}` : first;
}
