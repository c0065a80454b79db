import type { Profiler } from 'node:inspector';
import type { Arguments } from './arguments.ts';
import { requestsFor, withContestants } from './contestant.ts';
import { show } from './figures.ts';
import type { Load } from './load/load.ts';
import { ROOT } from './prepare.ts';
import type { BenchRedis } from './redis.ts';
import { table } from './table.ts';
import { PARALLEL_WRITES, workloadOf } from './workloads.ts';

const SHOWN = 30;
const WARM_UP = 3;
const SECONDS = 4;

/** What each peer does under each workload: the functions that take the most time themselves. */
export function profile({ peers, workloads }: Arguments, load: Load, redis: BenchRedis): Promise<string> {
  return withContestants(peers, redis, async (contestants) => {
    const sections: string[] = [];
    for (const contestant of contestants) {
      for (const workload of workloads.filter((id) => id !== PARALLEL_WRITES).map(workloadOf)) {
        const options = { port: contestant.server.port, requests: requestsFor(contestant, workload), connections: 32 };
        if (options.requests.length === 0) continue;
        await load({ ...options, seconds: WARM_UP });
        let requests = 0;
        const recorded = await contestant.server.profileOf(async () => {
          requests = (await load({ ...options, seconds: SECONDS })).requests;
        });
        sections.push(`${contestant.peer.label}, ${workload.id}: ${workload.title}\n\n${hotSpots(recorded, requests)}`);
      }
    }
    return sections.join('\n\n');
  });
}

/** Self time per function, in microseconds per request. */
function hotSpots({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, requests: number): string {
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const name = nameOf.get(sample) ?? '(unknown)';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  times.delete('(idle)');
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return table(
    ['function', 'µs per request', 'share'],
    sorted.map(([name, time]) => [name, show(time / requests), `${((100 * time) / total).toFixed(1)} %`]),
  );
}

function placeOf({ functionName, url, lineNumber }: Profiler.ProfileNode['callFrame']): string {
  const file = url.replace('file://', '').replace(`${ROOT}/`, '').replace('bench/node_modules/', '').replace('node_modules/', '');
  return file === '' ? functionName : `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
}
