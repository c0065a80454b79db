import { parseArgs } from 'node:util';

/** What the tests run on, as in CI's matrix. */
export const AXES = { node: ['20', '22', '24', '26'], express: ['4', '5'], ioredis: ['5', '6'] } as const;
type Axis = keyof typeof AXES;

/** One run of the tests: a major version of each. */
export type Run = Readonly<Record<Axis, string>>;

export interface Plan {
  readonly runs: readonly Run[];
  /** The part of the tests to run, as Jest takes it; empty: all. */
  readonly tests: readonly string[];
  /** The folder of what Jest says. */
  readonly logs: string;
}

export const USAGE = `npm run matrix -- [${Object.entries(AXES)
  .map(([axis, versions]) => `--${axis} ${versions.join('|')}`)
  .join('] [')}] [--logs folder] [part of the tests]...
Node, Express and ioredis may be repeated. Without one of them: all of its versions.`;

/** What a command line asks for. Throws an error that says what is wrong with it. */
export function planOf(args: readonly string[]): Plan {
  const option = { type: 'string', multiple: true } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { node: option, express: option, ioredis: option, logs: { type: 'string', default: 'artifacts/matrix' } },
  });
  const versionsOf = (axis: Axis): readonly string[] => {
    const unknown = values[axis]?.find((version) => !(AXES[axis] as readonly string[]).includes(version));
    if (unknown !== undefined) throw new Error(`--${axis} ${unknown}: there are ${AXES[axis].join(', ')}`);
    return AXES[axis].filter((version) => values[axis]?.includes(version) ?? true);
  };
  const runs = versionsOf('node').flatMap((node) =>
    versionsOf('express').flatMap((express) => versionsOf('ioredis').map((ioredis) => ({ node, express, ioredis }))),
  );
  return { runs, tests: positionals, logs: values.logs };
}
