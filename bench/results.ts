import { median, spread } from './figures.ts';
import type { Machine } from './machine.ts';
import type { MicroResult } from './micro/result.ts';
import type { ParallelWrites } from './parallel-writes.ts';

/** One round of load on one server. Times of CPU in microseconds per request, latencies in milliseconds. */
export interface Round {
  /** Of the server process: all threads, user and system. */
  readonly cpu: number;
  readonly redisCpu: number;
  /** Requests per second. */
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

/** A peer under a workload. */
export interface Cell {
  readonly peer: string;
  readonly workload: string;
  readonly rounds: Round[];
  /** Commands that the peer sends to Redis, and bytes between them, for one request. */
  readonly commands: number;
  readonly bytes: number;
}

/** A figure of a peer that isn't measured in rounds. */
export interface Figure {
  readonly peer: string;
  readonly value: number;
}

export interface Paced {
  /** Requests per second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: readonly Figure[];
  readonly p99: readonly Figure[];
}

export interface Results {
  readonly machine: Machine;
  readonly settings: { readonly connections: number; readonly rounds: number; readonly seconds: number; readonly sessions: number };
  readonly cells: readonly Cell[];
  readonly ownKeys: readonly ParallelWrites[];
  readonly oneCounter: readonly ParallelWrites[];
  /** Bytes in Redis for a session of 300 bytes. */
  readonly redisMemory: readonly Figure[];
  /** Bytes of heap for 10 000 sessions in a memory store. */
  readonly heap: readonly Figure[];
  readonly paced: Paced | null;
  readonly micro: readonly MicroResult[];
  /** What was measured once more later, and with which commit. */
  readonly again?: readonly { readonly workloads: readonly string[]; readonly date: string; readonly commit: string }[];
}

/** The results with some workloads, and what is measured in process, measured once more. All peers of a workload come from one run. */
export function replaced(before: Results, later: Results, workloads: readonly string[]): Results {
  const { date, commit } = later.machine;
  return {
    ...before,
    cells: [...before.cells.filter(({ workload }) => !workloads.includes(workload)), ...later.cells],
    ownKeys: later.ownKeys.length > 0 ? later.ownKeys : before.ownKeys,
    oneCounter: later.oneCounter.length > 0 ? later.oneCounter : before.oneCounter,
    paced: later.paced ?? before.paced,
    micro: later.micro,
    again: [...(before.again ?? []), { workloads, date, commit }],
  };
}

export type Summary = Round & Pick<Cell, 'commands' | 'bytes'> & { readonly spread: number };

/** The medians of a peer under a workload, or undefined if that wasn't measured. */
export function summaryOf(results: Pick<Results, 'cells'>, peer: string, workload: string): Summary | undefined {
  const cell = results.cells.find((each) => each.peer === peer && each.workload === workload);
  if (cell === undefined || cell.rounds.length === 0) return undefined;
  const middle = (of: (round: Round) => number) => median(cell.rounds.map(of));
  return {
    cpu: middle(({ cpu }) => cpu),
    redisCpu: middle(({ redisCpu }) => redisCpu),
    rate: middle(({ rate }) => rate),
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    spread: spread(cell.rounds.map(({ cpu }) => cpu)),
    commands: cell.commands,
    bytes: cell.bytes,
  };
}

/** CPU time above the framework's alone, or undefined if one of both wasn't measured. */
export function overFloor(results: Pick<Results, 'cells'>, peer: string, floor: string, workload: string): number | undefined {
  const summary = summaryOf(results, peer, workload);
  const below = summaryOf(results, floor, workload);
  return summary && below && summary.cpu - below.cpu;
}

export function figureOf(figures: readonly Figure[], peer: string): number | undefined {
  return figures.find((figure) => figure.peer === peer)?.value;
}
