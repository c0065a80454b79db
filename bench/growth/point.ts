import { median } from '../figures.ts';
import { assertAnswered, type Load } from '../load/load.ts';
import { peerOf } from '../peers.ts';
import type { BenchRedis } from '../redis.ts';
import { ServerProcess } from '../server-process.ts';
import { createSessions } from '../sessions.ts';
import { requestsOf, workloadOf } from '../workloads.ts';
import type { Setting } from './axes.ts';

export const PEERS = ['limit', 'sojourn', 'express-session'] as const;
export const KINDS = { read: workloadOf('C'), write: workloadOf('E') } as const;
export type Kind = keyof typeof KINDS;

/** Microseconds of CPU time per request, and requests per second, of all processes together. */
export interface Figures {
  readonly cpu: number;
  readonly redisCpu: number;
  readonly rate: number;
}

export interface Measured extends Figures {
  readonly peer: string;
  readonly kind: Kind;
}

/** The processes of a peer and the cookies of the sessions that requests belong to. */
interface Group {
  readonly peer: string;
  readonly servers: readonly ServerProcess[];
  readonly cookies: readonly string[];
}

/** However many lie in Redis, requests belong to so many different sessions. */
const VISITORS = 1000;

/** Reading and writing under one setting, the peers side by side: medians of interleaved rounds. */
export function measurePoint(
  setting: Setting,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  load: Load,
  redis: BenchRedis,
): Promise<Measured[]> {
  return withGroups(setting, redis, async (groups) => {
    // Writers to one session only stand in each other's way: that is workload H.
    const kinds: Kind[] = setting.sessions < setting.connections ? ['read'] : ['read', 'write'];
    const runs = groups.flatMap((group) => kinds.map((kind) => ({ group, kind, figures: [] as Figures[] })));
    for (const { group, kind } of runs) await measure(group, kind, setting, 1, load, redis);
    for (let round = 0; round < rounds; round += 1) {
      for (const { group, kind, figures } of runs) figures.push(await measure(group, kind, setting, seconds, load, redis));
    }
    return runs.map(({ group, kind, figures }) => ({
      peer: group.peer,
      kind,
      cpu: median(figures.map(({ cpu }) => cpu)),
      redisCpu: median(figures.map(({ redisCpu }) => redisCpu)),
      rate: median(figures.map(({ rate }) => rate)),
    }));
  });
}

async function withGroups<Result>(
  { bytes, keys, sessions, processes }: Setting,
  redis: BenchRedis,
  task: (groups: readonly Group[]) => Promise<Result>,
): Promise<Result> {
  const started: ServerProcess[] = [];
  try {
    const groups: Group[] = [];
    for (const [database, peer] of PEERS.entries()) {
      const servers: ServerProcess[] = [];
      for (let index = 0; index < processes; index += 1) {
        servers.push(await ServerProcess.start(peerOf(peer), redis.url(database)));
        started.push(...servers.slice(-1));
      }
      const cookies = await createSessions((servers[0] as ServerProcess).port, Math.min(VISITORS, sessions), bytes, keys);
      await redis.fill(database, sessions - cookies.length);
      groups.push({ peer, servers, cookies });
    }
    return await task(groups);
  } finally {
    await Promise.all(started.map((server) => server.stop()));
    for (const database of PEERS.keys()) await redis.clear(database);
  }
}

/** One round: each process gets its share of the connections. */
async function measure(
  { servers, cookies }: Group,
  kind: Kind,
  { connections, processes }: Setting,
  seconds: number,
  load: Load,
  redis: BenchRedis,
): Promise<Figures> {
  const workload = KINDS[kind];
  const requests = requestsOf(workload, { small: cookies, large: [] });
  const cpuOfAll = async () => (await Promise.all(servers.map((server) => server.cpu()))).reduce((sum, cpu) => sum + cpu, 0);
  const redisBefore = await redis.cpu();
  const before = await cpuOfAll();
  const share = Math.max(1, Math.floor(connections / processes));
  const results = await Promise.all(
    // Each begins elsewhere in the list, so that they don't meet in the same sessions.
    servers.map(({ port }, index) => {
      const start = Math.floor((index * requests.length) / servers.length);
      return load({ port, requests: [...requests.slice(start), ...requests.slice(0, start)], connections: share, seconds });
    }),
  );
  const cpu = (await cpuOfAll()) - before;
  const redisCpu = (await redis.cpu()) - redisBefore;
  for (const result of results) assertAnswered(workload, result, false);
  const answered = results.reduce((sum, result) => sum + result.requests, 0);
  return { cpu: cpu / answered, redisCpu: redisCpu / answered, rate: results.reduce((sum, each) => sum + each.requests / each.seconds, 0) };
}
