import { percent, show } from './figures.ts';
import { figureOf, overFloor, type Results, summaryOf } from './results.ts';

/** A line of what must be seen. */
export interface Target {
  readonly what: string;
  readonly target: string;
  /** Empty if it wasn't measured. */
  readonly measured: string;
  readonly holds: boolean | null;
}

const ES = 'express-session';

/** What the figures must show, and whether they do. "Over" is the CPU time above the floor, Express alone. */
export function targetsOf(results: Results): Target[] {
  const cpu = (peer: string, workload: string) => summaryOf(results, peer, workload)?.cpu;
  const over = (peer: string, workload: string) => overFloor(results, peer, 'floor', workload);
  const commands = (peer: string, workload: string) => summaryOf(results, peer, workload)?.commands;

  const totalToLimit = (id: string, limit = 1.1, peer = 'sojourn') =>
    atMost(
      `${id}${peer === 'sojourn' ? '' : ', near cache'}: CPU, to written by hand`,
      ratio(cpu(peer, id), cpu('limit', id)),
      limit,
      times,
    );
  const overToEs = (id: string, limit: number, peer = 'sojourn') =>
    atMost(
      `${id}${peer === 'sojourn' ? '' : ', lazy'}: over the floor, to express-session`,
      ratio(over(peer, id), over(ES, id)),
      limit,
      percent,
    );
  const exactly = (what: string, value: number | undefined, expected: number): Target => ({
    what,
    target: String(expected),
    measured: value === undefined ? '' : String(Number(value.toFixed(2))),
    holds: value === undefined ? null : Math.abs(value - expected) < 0.005,
  });
  const commandsOf = (id: string, expected: number, peer = 'sojourn', variant = '') =>
    exactly(`${id}${variant}: Redis commands`, commands(peer, id), expected);
  const writes = results.ownKeys.find(({ peer }) => peer === 'sojourn');
  const micro = (id: string, limit: number) =>
    atMost(`${id}: in process, memory store`, results.micro.find((each) => each.name === id)?.microseconds, limit, microseconds);
  const p99 = (peer: string) => figureOf(results.paced?.p99 ?? [], peer);

  return [
    overToEs('A', 0.05),
    commandsOf('B', 0, 'sojourn-lazy', ', lazy'),
    overToEs('B', 0.15, 'sojourn-lazy'),
    ...['B', 'C', 'E', 'F', 'G'].flatMap((id) => [totalToLimit(id), overToEs(id, 0.5)]),
    totalToLimit('D'),
    atMost('D: CPU, to express-session', ratio(cpu('sojourn', 'D'), cpu(ES, 'D')), 0.5, times),
    ...['B', 'C', 'D', 'F'].map((id) => commandsOf(id, 1)),
    commandsOf('E', 2),
    exactly('H: writes lost', writes?.lost, 0),
    exactly('H: writes refused', writes?.refused, 0),
    micro('A', 1),
    micro('C', 8),
    micro('E', 12),
    micro('F', 13),
    totalToLimit('C', 0.9, 'sojourn-near'),
    totalToLimit('D', 0.7, 'sojourn-near'),
    commandsOf('C', 0, 'sojourn-near', ', near cache'),
    ...['C', 'F'].map((id) => commandsOf(id, 1, 'sojourn-users', ', with users')),
    commandsOf('E', 2, 'sojourn-users', ', with users'),
    atMost('G: p99 at a fixed rate, to written by hand', ratio(p99('sojourn'), p99('limit')), 1.1, times),
    atMost('G: p99 at a fixed rate, to express-session', ratio(p99('sojourn'), p99(ES)), 1, times),
    atMost('Redis memory for 300 bytes', figureOf(results.redisMemory, 'sojourn'), 450, (value) => show(value, ' bytes')),
  ];
}

function atMost(what: string, value: number | undefined, limit: number, format: (value: number) => string): Target {
  return {
    what,
    target: `≤ ${format(limit)}`,
    measured: value === undefined ? '' : format(value),
    holds: value === undefined ? null : value <= limit,
  };
}

export function ratio(value: number | undefined, to: number | undefined): number | undefined {
  return value === undefined || to === undefined ? undefined : value / to;
}

function times(value: number): string {
  return `${value.toFixed(2)} ×`;
}

function microseconds(value: number): string {
  return show(value, ' µs');
}
