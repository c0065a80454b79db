import { parseArgs } from 'node:util';
import { FULL, PEERS, QUICK } from './peers.ts';
import { PARALLEL_WRITES, WORKLOADS } from './workloads.ts';

export type Mode = 'compare' | 'micro' | 'growth' | 'slow-paths' | 'profile';

export interface Arguments {
  readonly mode: Mode;
  readonly quick: boolean;
  /** Names of peers, in the order of `PEERS`. */
  readonly peers: readonly string[];
  /** Letters of workloads, in the order they are measured. */
  readonly workloads: readonly string[];
  /** Everything was asked for: only such figures may replace those in RESULTS.md. */
  readonly complete: boolean;
  /** Some workloads once more, in the place of what RESULTS.md has of them, which then says so. */
  readonly again: boolean;
}

export const USAGE = `Usage: npm run bench -- [what] [how]
  (nothing)      compare all peers under all workloads, and write bench/RESULTS.md: half an hour
  --micro        the hot path in process, part by part: 20 seconds
  --slow-paths   what an attacker or a careless application can make a request cost: a minute
  --growth       how cost grows with sessions, connections, processes: 15 minutes
  --profile      what the server does under a workload, by function
  --quick        fewer peers and short rounds; with the comparison under two minutes
  --only C,E     these workloads
  --again        with --only: replaces these workloads in bench/RESULTS.md, and what is measured in process
  --peers sojourn,limit,floor   these peers`;

const MODES = ['micro', 'growth', 'slow-paths', 'profile'] as const;
const LETTERS = [...WORKLOADS.map(({ id }) => id), PARALLEL_WRITES];

/** Throws with the usage for what it doesn't know. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parse(args);
  const modes = MODES.filter((mode) => values[mode]);
  if (modes.length > 1) throw new Error(`${modes.map((mode) => `--${mode}`).join(' and ')} don't go together.\n${USAGE}`);
  const mode = modes[0] ?? 'compare';
  const quick = values.quick ?? false;
  const names = PEERS.map(({ name }) => name);
  const again = values.again ?? false;
  if (again && (quick || values.peers !== undefined || values.only === undefined || mode !== 'compare')) {
    throw new Error(`--again goes with --only, and with nothing else.\n${USAGE}`);
  }
  const usual = mode === 'profile' ? ['sojourn'] : quick ? QUICK : FULL;
  return {
    mode,
    quick,
    peers: chosen('--peers', values.peers, names, usual),
    workloads: chosen('--only', values.only?.toUpperCase(), LETTERS, mode === 'profile' ? ['C', 'E'] : LETTERS),
    complete: !quick && values.only === undefined && values.peers === undefined,
    again,
  };
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  const options = {
    quick: flag,
    micro: flag,
    growth: flag,
    'slow-paths': flag,
    profile: flag,
    again: flag,
    only: { type: 'string' },
    peers: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args: [...args], options });
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}

function chosen(option: string, list: string | undefined, known: readonly string[], usual: readonly string[]): string[] {
  const wanted = list === undefined ? usual : list.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${option}: there is no ${unknown.join(', ')}, but ${known.join(', ')}.\n${USAGE}`);
  return known.filter((name) => wanted.includes(name));
}
