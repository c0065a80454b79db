import { type Connection, withConnections } from './load/connection.ts';
import type { ServerProcess } from './server-process.ts';
import { rawRequest } from './workloads.ts';

/** Shows that a peer keeps what it is told, before anything is measured. Throws if it doesn't. */
export async function checkPeer({ peer, port }: ServerProcess): Promise<void> {
  await withConnections(port, 1, async ([connection]) => {
    const client = connection as Connection;
    let cookie: string | undefined;
    const expect = async (method: string, path: string, body: string, sendCookie = true) => {
      const answer = await client.send(rawRequest(method, path, sendCookie ? cookie : undefined));
      if (answer.cookies.length > 0) cookie = answer.cookies.join('; ');
      if (answer.status !== 200 || answer.body !== body) {
        throw new Error(`${peer.name} answers ${method} ${path} with ${answer.status} "${answer.body.slice(0, 200)}", and not "${body}"`);
      }
    };
    await expect('POST', '/login', 'welcome');
    await expect('GET', '/untouched', 'ok');
    await expect('GET', '/read', 'user 42');
    await expect('POST', '/count', 'views 1');
    if (peer.keeps === 'nothing') return;
    await expect('POST', '/count', 'views 2');
    await expect('GET', '/read', 'user undefined', false);
  });
}

/** Lets a server store so many sessions. The cookies that lead to them. */
export function createSessions(port: number, count: number, bytes: number, keys = 0): Promise<string[]> {
  const request = rawRequest('POST', `/seed?bytes=${bytes}&keys=${keys}`, undefined);
  return withConnections(port, Math.min(8, count), async (connections) => {
    const cookies: string[] = [];
    let begun = 0;
    const work = async (connection: Connection) => {
      for (; begun < count; ) {
        begun += 1;
        const answer = await connection.send(request);
        if (answer.status !== 200 || answer.cookies.length === 0)
          throw new Error(`no session: ${answer.status} ${answer.body.slice(0, 200)}`);
        cookies.push(answer.cookies.join('; '));
      }
    };
    await Promise.all(connections.map(work));
    return cookies;
  });
}
