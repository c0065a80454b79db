import type { Lab } from './lab.js';

/** How much of an experiment is run. */
export interface Size {
  /** Short outages and few rounds: what `npm run test:slow` runs. */
  readonly quick: boolean;
  /** How long the torture (F10) lasts. */
  readonly minutes: number;
}

export interface Experiment {
  readonly name: string;
  readonly title: string;
  /** Short enough, with `quick`, for every run of the tests. */
  readonly isQuick: boolean;
  run(lab: Lab, size: Size): Promise<Row[]>;
}

/** One line of the table: what was measured, and what was expected and did not happen. */
export class Row {
  load = '';
  answered: number | undefined;
  serverErrors: number | undefined;
  /** Milliseconds. */
  longest: number | undefined;
  lost: number | undefined;
  revived: number | undefined;
  /** Milliseconds until the first request went well again, and none failed any more. */
  heal: number | undefined;
  readonly failures: string[] = [];
  readonly notes: string[] = [];

  /** A fact is what happens to a setting that docs/redis.md advises against, or that nothing can be promised for. */
  constructor(
    readonly name: string,
    readonly kind: 'promise' | 'fact' = 'promise',
  ) {}

  /** Something that must be so. */
  expect(holds: boolean, what: string): void {
    if (!holds) this.failures.push(what);
  }

  /** Something that was measured and is neither right nor wrong. */
  note(what: string): void {
    this.notes.push(what);
  }

  get verdict(): string {
    if (this.failures.length > 0) return 'FAILED';
    return this.kind === 'promise' ? 'passed' : 'measured';
  }
}

/** Resolves as soon as `attempt` gives true; an attempt that rejects counts as false. Rejects when `limit` ms are over. */
export async function until(attempt: () => Promise<boolean>, what: string, limit = 30_000): Promise<void> {
  const end = Date.now() + limit;
  for (;;) {
    if (await attempt().catch(() => false)) return;
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain: ${what}`);
    await pause(20);
  }
}

/** The length of an outage, and the pace of a load. Never a way to wait for something that can be asked for. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
