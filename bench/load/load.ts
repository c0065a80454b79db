import type { Kind, Workload } from '../workloads.ts';

export interface LoadOptions {
  readonly port: number;
  /** As they go over the wire, sent in turn. */
  readonly requests: readonly string[];
  /** Kept alive, each with one request at a time. */
  readonly connections: number;
  /** Whole seconds. */
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Connections that failed, and requests without an answer. */
  readonly failed: number;
  /** Answers with another status or body than expected, and one of them. */
  readonly wrong: number;
  readonly sample: string;
  /** Answers with a Set-Cookie. */
  readonly cookies: number;
  readonly answers: Readonly<Record<Kind, number>>;
}

export type Load = (options: LoadOptions) => Promise<LoadResult>;

/** Throws if an answer was wrong or missing, or of a kind that wasn't asked for: an error must not look fast. */
export function assertAnswered({ id, steps }: Workload, result: LoadResult, keepsNothing: boolean): void {
  const problem = (text: string) => new Error(`Workload ${id}: ${text}`);
  if (result.failed > 0) throw problem(`${result.failed} requests failed`);
  if (result.wrong > 0) throw problem(`${result.wrong} of ${result.requests} answers were wrong, such as "${result.sample}"`);
  const answered = Object.values(result.answers).reduce((sum, count) => sum + count, 0);
  if (answered === 0) throw problem('nothing was answered');
  for (const kind of Object.keys(result.answers) as Kind[]) {
    const expected = steps.find((step) => step.kind === kind)?.share ?? 0;
    const share = (100 * result.answers[kind]) / answered;
    if (Math.abs(share - expected) > 2) throw problem(`${share.toFixed(1)} % of the answers are to "${kind}", and not ${expected} %`);
  }
  if (!keepsNothing && result.cookies < result.answers.login) throw problem('a login without a cookie');
}
