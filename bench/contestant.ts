import { type Peer, peerOf } from './peers.ts';
import type { BenchRedis } from './redis.ts';
import { ServerProcess } from './server-process.ts';
import { checkPeer, createSessions } from './sessions.ts';
import { BYTES, type Jar, requestsOf, type Workload } from './workloads.ts';

/** How many different sessions the requests of a workload belong to. */
export const SESSIONS = 1000;

/** A peer's server at work: its database in Redis, and the sessions it has stored for the workloads. */
export interface Contestant {
  readonly peer: Peer;
  readonly server: ServerProcess;
  readonly database: number;
  readonly jar: Jar;
  /** Bytes in Redis for one session of 300 bytes; null for who keeps none there. */
  readonly memory: number | null;
}

/** Starts the peers, checks that they do what they should, and runs a task with them. */
export async function withContestants<Result>(
  names: readonly string[],
  redis: BenchRedis,
  task: (contestants: readonly Contestant[]) => Promise<Result>,
): Promise<Result> {
  const servers: ServerProcess[] = [];
  try {
    const contestants: Contestant[] = [];
    for (const [database, name] of names.entries()) {
      const server = await ServerProcess.start(peerOf(name), redis.url(database));
      servers.push(server);
      contestants.push(await prepared(server, database, redis));
    }
    return await task(contestants);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function prepared(server: ServerProcess, database: number, redis: BenchRedis): Promise<Contestant> {
  const { peer, port } = server;
  await checkPeer(server);
  if (peer.keeps === 'nothing') {
    // A cookie that leads nowhere: the floor bears the bytes of the request, too.
    const cookies = [`sessionid=${'x'.repeat(87)}`];
    return { peer, server, database, jar: { small: cookies, large: cookies }, memory: null };
  }
  await redis.clear(database);
  const small = await createSessions(port, SESSIONS, BYTES.small);
  if (peer.keeps === 'in the cookie') return { peer, server, database, jar: { small, large: [] }, memory: null };
  const memory = await redis.memoryPerKey(database);
  return { peer, server, database, jar: { small, large: await createSessions(port, SESSIONS, BYTES.large) }, memory };
}

/** The requests of a workload for this peer; none if it can't keep such sessions. */
export function requestsFor({ jar }: Contestant, workload: Workload): string[] {
  const possible = workload.steps.every(({ cookie }) => cookie === null || jar[cookie].length > 0);
  return possible ? requestsOf(workload, jar) : [];
}
