import type { Connection } from './load/connection.ts';
import { withConnections } from './load/connection.ts';
import type { ServerProcess } from './server-process.ts';
import { createSessions } from './sessions.ts';
import { BYTES, rawRequest } from './workloads.ts';

export interface ParallelWrites {
  readonly peer: string;
  /** Writes that were acknowledged and are not there in the end. */
  readonly lost: number;
  /** Writes that were answered by an error. */
  readonly refused: number;
}

const WRITERS = 8;
const ROUNDS = 125;
export const WRITES = WRITERS * ROUNDS;

/** Workload H: eight requests at once to one session, each adding one to a key of its own; 125 times. */
export function ownKeys(server: ServerProcess): Promise<ParallelWrites> {
  return writeInParallel(server, (writer) => `/own/${writer}`, ['GET', '/total', 0]);
}

/** The same with one counter for all. Sojourn takes `await session.update(change)` here; the others have nothing but get and set. */
export function oneCounter(server: ServerProcess): Promise<ParallelWrites> {
  // The last request counts as well.
  return writeInParallel(server, () => '/tally', ['POST', '/tally', 1]);
}

async function writeInParallel(
  { peer, port }: ServerProcess,
  path: (writer: number) => string,
  [method, result, extra]: readonly [string, string, number],
): Promise<ParallelWrites> {
  let [cookie] = await createSessions(port, 1, BYTES.small);
  return withConnections(port, WRITERS, async (connections) => {
    let refused = 0;
    const write = async (connection: Connection, writer: number) => {
      const answer = await connection.send(rawRequest('POST', path(writer), cookie));
      if (answer.status !== 200) refused += 1;
      return answer.cookies;
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const cookies = await Promise.all(connections.map(write));
      // As a browser does: the last cookie that came replaces those before.
      cookie = cookies.findLast((pairs) => pairs.length > 0)?.join('; ') ?? cookie;
    }
    const answer = await (connections[0] as Connection).send(rawRequest(method, result, cookie));
    const kept = Number(/ (\d+)$/.exec(answer.body)?.[1]) - extra;
    if (Number.isNaN(kept)) throw new Error(`${peer.name} answers ${result} with ${answer.status} "${answer.body.slice(0, 200)}"`);
    return { peer: peer.name, lost: WRITES - refused - kept, refused };
  });
}
