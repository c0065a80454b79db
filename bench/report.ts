import { percent, show } from './figures.ts';
import type { ParallelWrites } from './parallel-writes.ts';
import { WRITES } from './parallel-writes.ts';
import { PEERS, type Peer } from './peers.ts';
import { figureOf, overFloor, type Results, summaryOf } from './results.ts';
import { table } from './table.ts';
import { ratio, type Target, targetsOf } from './targets.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/** All that was measured, in Markdown. In a complete report a target that wasn't measured is said to be missing. */
export function report(results: Results, complete: boolean): string {
  const sections = [
    `# Results\n\n${machineOf(results)}`,
    section('What must be seen', targetTable(targetsOf(results).filter(({ holds }) => complete || holds !== null))),
    ...WORKLOADS.map((workload) => section(`${workload.id}: ${workload.title}`, workloadTable(results, workload))),
    section(`H: ${WRITES} parallel writes, eight at a time`, parallelTable(results)),
    section('G at a fixed rate', pacedTable(results)),
    section('Memory', memoryTable(results)),
    section('In process, without HTTP and Redis', microTable(results)),
    section('Noise', noise(results)),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function section(title: string, text: string): string {
  return text === '' ? '' : `## ${title}\n\n${text}`;
}

function machineOf({ machine, settings, again = [] }: Results): string {
  const { connections, rounds, seconds, sessions } = settings;
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  const cores = machine.pinned
    ? 'The server has one core to itself; load, Redis and driver share another.'
    : 'The processes are not kept to cores of their own: the figures are not to be compared with others.';
  return [
    `${machine.date}, commit ${machine.commit || 'unknown'}. ${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}.`,
    `Node ${machine.node}, Redis ${machine.redis}, load by ${machine.load}. ${packages.join(', ')}.`,
    `${cores} ${connections} connections, ${sessions} sessions; medians of ${rounds} rounds of ${seconds} s, the peers interleaved.`,
    ...again.map(
      ({ workloads, date, commit }) => `Measured again on ${date}, commit ${commit}: ${workloads.join(', ')}, and what is in process.`,
    ),
    '[README.md](README.md) says how to read this.',
  ].join('\n');
}

function targetTable(targets: readonly Target[]): string {
  const verdict = ({ holds }: Target) => (holds === null ? 'not measured' : holds ? 'holds' : "**doesn't hold**");
  return table(
    ['Sojourn', 'target', 'measured', ''],
    targets.map((target) => [target.what, target.target, target.measured, verdict(target)]),
  );
}

const HEAD = [
  '',
  'CPU µs',
  'over floor',
  '× by hand',
  'over ÷ ES over',
  '× ES',
  'req/s',
  'p50 ms',
  'p99 ms',
  'commands',
  'bytes',
  'Redis CPU µs',
];

function workloadTable(results: Results, { id }: Workload): string {
  const rows = PEERS.flatMap((peer) => row(results, peer, id));
  return rows.length === 0 ? '' : table(HEAD, rows);
}

/** CPU time per request first: in total, over the framework alone, and both in relation to others. */
function row(results: Results, { name, label, floor, keeps }: Peer, workload: string): string[][] {
  const own = summaryOf(results, name, workload);
  if (own === undefined) return [];
  const over = floor === null ? undefined : overFloor(results, name, floor, workload);
  const overOfEs = overFloor(results, 'express-session', 'floor', workload);
  const isRedis = keeps === 'in Redis';
  return [
    [
      label,
      show(own.cpu),
      show(over),
      show(ratio(own.cpu, summaryOf(results, 'limit', workload)?.cpu)),
      show(ratio(over, overOfEs)),
      show(ratio(own.cpu, summaryOf(results, 'express-session', workload)?.cpu)),
      own.rate.toFixed(0),
      show(own.p50),
      show(own.p99),
      isRedis ? show(own.commands) : '',
      isRedis ? own.bytes.toFixed(0) : '',
      isRedis ? show(own.redisCpu) : '',
    ],
  ];
}

function parallelTable({ ownKeys, oneCounter }: Results): string {
  if (ownKeys.length === 0) return '';
  const of = (list: readonly ParallelWrites[], peer: string) => list.find((each) => each.peer === peer);
  return table(
    ['', 'own key each: lost', 'refused', 'one counter for all: lost', 'refused'],
    ownKeys.map(({ peer, lost, refused }) => [
      labelOf(peer),
      String(lost),
      String(refused),
      String(of(oneCounter, peer)?.lost ?? ''),
      String(of(oneCounter, peer)?.refused ?? ''),
    ]),
  );
}

function pacedTable({ paced }: Results): string {
  if (paced === null) return '';
  const rows = paced.p99.map(({ peer, value }) => [labelOf(peer), show(figureOf(paced.p50, peer)), show(value)]);
  return `${paced.rate} requests a second.\n\n${table(['', 'p50 ms', 'p99 ms'], rows)}`;
}

function memoryTable({ redisMemory, heap }: Results): string {
  const peers = PEERS.map(({ name }) => name).filter((name) => [...redisMemory, ...heap].some(({ peer }) => peer === name));
  if (peers.length === 0) return '';
  const megabytes = (bytes: number | undefined) => (bytes === undefined ? '' : show(bytes / 1e6, ' MB'));
  return table(
    ['', 'Redis, session of 300 bytes', 'heap, 10 000 of them in a memory store'],
    peers.map((peer) => [labelOf(peer), show(figureOf(redisMemory, peer), ' bytes'), megabytes(figureOf(heap, peer))]),
  );
}

/** The micro benchmarks alone, as `--micro` prints them. */
export function microTable({ micro }: Pick<Results, 'micro'>): string {
  if (micro.length === 0) return '';
  return table(
    ['', 'CPU µs', 'target', 'spread'],
    micro.map(({ name, title, microseconds, target, spread }) => [
      `${name}: ${title}`.replace(/^: /, ''),
      show(microseconds),
      target === undefined ? '' : `≤ ${target}`,
      percent(spread),
    ]),
  );
}

/** How far two runs of the same lie apart, and how far the rounds of one. */
function noise(results: Results): string {
  const rows = WORKLOADS.flatMap(({ id }) => {
    const first = summaryOf(results, 'sojourn', id);
    const again = summaryOf(results, 'sojourn-again', id);
    if (first === undefined) return [];
    return [[id, percent(first.spread), again === undefined ? '' : percent(again.cpu / first.cpu - 1)]];
  });
  if (rows.length === 0) return '';
  return table(['Sojourn, CPU', 'middle half of the rounds', 'the same peer once more'], rows);
}

function labelOf(name: string): string {
  return PEERS.find((peer) => peer.name === name)?.label ?? name;
}
