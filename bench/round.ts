import { type Contestant, requestsFor } from './contestant.ts';
import { withConnections } from './load/connection.ts';
import { assertAnswered, type Load } from './load/load.ts';
import type { BenchRedis } from './redis.ts';
import type { Cell, Round } from './results.ts';
import type { Workload } from './workloads.ts';

/** Puts load on one server and gives what that took. Throws if an answer was wrong. */
export async function measureRound(
  contestant: Contestant,
  workload: Workload,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
  load: Load,
  redis: BenchRedis,
): Promise<Round> {
  const { server, peer } = contestant;
  const requests = requestsFor(contestant, workload);
  const redisBefore = await redis.cpu();
  const before = await server.cpu();
  const result = await load({ port: server.port, requests, connections, seconds });
  const cpu = (await server.cpu()) - before;
  const redisCpu = (await redis.cpu()) - redisBefore;
  assertAnswered(workload, result, peer.keeps === 'nothing');
  return {
    cpu: cpu / result.requests,
    redisCpu: redisCpu / result.requests,
    rate: result.requests / result.seconds,
    p50: result.p50,
    p99: result.p99,
  };
}

const COUNTED = 100;

/** What a hundred requests of a workload, one after another, send to Redis: exact, and apart from the timed rounds. */
export async function countTraffic(
  contestant: Contestant,
  workload: Workload,
  redis: BenchRedis,
): Promise<Pick<Cell, 'commands' | 'bytes'>> {
  const { server, peer } = contestant;
  if (peer.keeps !== 'in Redis') return { commands: 0, bytes: 0 };
  const requests = requestsFor(contestant, workload).slice(0, COUNTED);
  const send = () =>
    withConnections(server.port, 1, async ([connection]) => {
      for (const request of requests) await connection?.send(request);
    });
  // Once without counting: a near cache is asked about sessions that are in use.
  await send();
  const commands = await redis.commandsDuring(send);
  const bytes = await redis.bytesDuring(send);
  return { commands: commands / requests.length, bytes: bytes / requests.length };
}
