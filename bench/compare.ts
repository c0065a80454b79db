import type { Arguments } from './arguments.ts';
import { type Contestant, requestsFor, withContestants } from './contestant.ts';
import { median, percentile } from './figures.ts';
import type { Load } from './load/load.ts';
import { paced } from './load/pacer.ts';
import { oneCounter, ownKeys, type ParallelWrites } from './parallel-writes.ts';
import type { BenchRedis } from './redis.ts';
import { type Cell, type Figure, type Paced, type Results, summaryOf } from './results.ts';
import { countTraffic, measureRound } from './round.ts';
import { PARALLEL_WRITES, type Workload, workloadOf } from './workloads.ts';

export interface Settings {
  readonly connections: number;
  readonly rounds: number;
  /** Of one round. */
  readonly seconds: number;
  /** Seconds of load that each server gets before a workload is measured. None: then the median drops the cold round. */
  readonly warmUp: number;
  /** At a fixed rate, in each of three rounds. */
  readonly pacedSeconds: number;
}
export const FULL: Settings = { connections: 32, rounds: 5, seconds: 2, warmUp: 2, pacedSeconds: 5 };
export const QUICK: Settings = { connections: 32, rounds: 3, seconds: 1, warmUp: 0, pacedSeconds: 1 };

export type Comparison = Pick<Results, 'cells' | 'ownKeys' | 'oneCounter' | 'redisMemory' | 'paced'>;

/**
 * Measures the peers side by side: each in every round, one after another, so that what disturbs one disturbs all.
 */
export function compare({ peers, workloads }: Arguments, settings: Settings, load: Load, redis: BenchRedis): Promise<Comparison> {
  return withContestants(peers, redis, async (contestants) => {
    const cells: Cell[] = [];
    let atFixedRate: Paced | null = null;
    for (const workload of workloads.filter((id) => id !== PARALLEL_WRITES).map(workloadOf)) {
      cells.push(...(await measureWorkload(contestants, workload, settings, load, redis)));
      if (workload.id === 'G') atFixedRate = await measurePaced(contestants, workload, cells, settings);
    }
    const writes: Record<'ownKeys' | 'oneCounter', ParallelWrites[]> = { ownKeys: [], oneCounter: [] };
    if (workloads.includes(PARALLEL_WRITES)) {
      for (const { server } of contestants.filter(({ peer }) => peer.keeps !== 'nothing')) {
        writes.ownKeys.push(await ownKeys(server));
        writes.oneCounter.push(await oneCounter(server));
      }
    }
    const redisMemory = contestants.flatMap(({ peer, memory }) => (memory === null ? [] : [{ peer: peer.name, value: memory }]));
    return { cells, ...writes, redisMemory, paced: atFixedRate };
  });
}

async function measureWorkload(
  all: readonly Contestant[],
  workload: Workload,
  settings: Settings,
  load: Load,
  redis: BenchRedis,
): Promise<Cell[]> {
  const contestants = all.filter((contestant) => requestsFor(contestant, workload).length > 0);
  process.stderr.write(`${workload.id}: ${workload.title} `);
  const cells: (Cell & { readonly contestant: Contestant })[] = [];
  for (const contestant of contestants) {
    if (settings.warmUp > 0) await measureRound(contestant, workload, { ...settings, seconds: settings.warmUp }, load, redis);
    const traffic = await countTraffic(contestant, workload, redis);
    cells.push({ contestant, peer: contestant.peer.name, workload: workload.id, rounds: [], ...traffic });
  }
  for (let round = 0; round < settings.rounds; round += 1) {
    // Each round begins with another peer: none has always the same neighbour.
    for (let turn = 0; turn < cells.length; turn += 1) {
      const { contestant, rounds } = cells[(turn + round) % cells.length] as (typeof cells)[0];
      rounds.push(await measureRound(contestant, workload, settings, load, redis));
      // New sessions pile up: each round is to find Redis as the first one did. No other workload needs them after this one.
      if (workload.id === 'F') await redis.clear(contestant.database);
    }
    process.stderr.write('.');
  }
  process.stderr.write('\n');
  return cells.map(({ contestant: _, ...cell }) => cell);
}

const PACED_PEERS = ['limit', 'sojourn', 'express-session'];
const PACED_ROUNDS = 3;

/** Latencies where all get the same number of requests a second: half of what the slowest of them can take. */
async function measurePaced(
  all: readonly Contestant[],
  workload: Workload,
  cells: readonly Cell[],
  settings: Settings,
): Promise<Paced | null> {
  const contestants = all.filter(({ peer }) => PACED_PEERS.includes(peer.name));
  if (contestants.length === 0) return null;
  const rates = contestants.map(({ peer }) => summaryOf({ cells }, peer.name, workload.id)?.rate ?? Number.NaN);
  const rate = Math.max(100, Math.floor(Math.min(...rates) / 200) * 100);
  const rounds = contestants.map(() => ({ p50: [] as number[], p99: [] as number[] }));
  for (let round = 0; round < PACED_ROUNDS; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const times = await paced(contestant.server.port, requestsFor(contestant, workload), rate, settings.pacedSeconds);
      rounds[index]?.p50.push(percentile(times, 0.5));
      rounds[index]?.p99.push(percentile(times, 0.99));
    }
  }
  const figures = (of: 'p50' | 'p99'): Figure[] =>
    contestants.map(({ peer }, index) => ({ peer: peer.name, value: median(rounds[index]?.[of] ?? []) }));
  return { rate, p50: figures('p50'), p99: figures('p99') };
}
