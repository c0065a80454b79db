import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments } from '../arguments.ts';
import { show } from '../figures.ts';
import type { Load } from '../load/load.ts';
import type { Machine } from '../machine.ts';
import { peerOf } from '../peers.ts';
import { BENCH, ROOT } from '../prepare.ts';
import type { BenchRedis } from '../redis.ts';
import { table } from '../table.ts';
import { AXES, type Axis } from './axes.ts';
import { KINDS, type Kind, type Measured, measurePoint, PEERS } from './point.ts';
import { svgOf } from './svg.ts';

type Point = Measured & { readonly x: number };

/**
 * How cost grows. In full it writes `results/growth.json`, and for each axis a chart into `docs/`; quick, with the ends
 * of each axis only, it prints.
 */
export async function grow({ quick }: Arguments, machine: Machine, load: Load, redis: BenchRedis): Promise<string> {
  const charts: { readonly axis: Axis; readonly points: Point[] }[] = [];
  for (const axis of AXES) {
    const points: Point[] = [];
    for (const x of quick ? [axis.values[0] as number, axis.values.at(-1) as number] : axis.values) {
      process.stderr.write(`${axis.title}: ${x}\n`);
      const measured = await measurePoint(axis.settingOf(x), quick ? { rounds: 1, seconds: 1 } : { rounds: 3, seconds: 2 }, load, redis);
      points.push(...measured.map((each) => ({ x, ...each })));
    }
    charts.push({ axis, points });
  }
  if (!quick) {
    for (const { axis, points } of charts) writeFileSync(join(ROOT, 'docs', `growth-${axis.name}.svg`), chartOf(axis, points));
    const data = { machine, charts: charts.map(({ axis, points }) => ({ axis: axis.name, points })) };
    writeFileSync(join(BENCH, 'results', 'growth.json'), `${JSON.stringify(data, null, 1)}\n`);
  }
  return charts.map(({ axis, points }) => `## ${axis.title}\n\n${tableOf(axis, points)}`).join('\n\n');
}

const LINES = PEERS.flatMap((peer) => (Object.keys(KINDS) as Kind[]).map((kind) => ({ peer, kind })));

function chartOf({ title, label }: Axis, points: readonly Point[]): string {
  return svgOf({
    title,
    xLabel: label,
    yLabel: 'CPU time of the server per request, in µs',
    lines: LINES.map(({ peer, kind }) => ({
      label: `${peerOf(peer).label}, ${kind}`,
      colour: PEERS.indexOf(peer),
      dashed: kind === 'write',
      points: points.filter((point) => point.peer === peer && point.kind === kind).map(({ x, cpu }) => [x, cpu] as const),
    })),
  });
}

/** CPU time of the server in µs, and requests per second in brackets. */
function tableOf({ label }: Axis, points: readonly Point[]): string {
  const xs = [...new Set(points.map(({ x }) => x))];
  return table(
    [label, ...LINES.map(({ peer, kind }) => `${peerOf(peer).label}, ${kind}`)],
    xs.map((x) => [
      String(x),
      ...LINES.map(({ peer, kind }) => {
        const point = points.find((each) => each.x === x && each.peer === peer && each.kind === kind);
        return point === undefined ? '' : `${show(point.cpu)} (${point.rate.toFixed(0)}/s)`;
      }),
    ]),
  );
}
