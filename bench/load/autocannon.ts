import { createRequire } from 'node:module';
import { type Kind, kindOf } from '../workloads.ts';
import type { Load } from './load.ts';

interface Client {
  setRequests(requests: readonly object[]): void;
}
interface Outcome {
  readonly requests: { readonly total: number };
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly duration: number;
  readonly errors: number;
  readonly timeouts: number;
}

/** Load by autocannon, in this process, where there is no wrk: it takes more of its core, and its latencies are whole milliseconds. */
export function autocannonLoad(): Load {
  // Installed beside the peers only, and without types.
  const autocannon = createRequire(import.meta.url)('autocannon') as (options: object) => Promise<Outcome>;
  return async ({ port, requests, connections, seconds }) => {
    const answers: Record<Kind, number> = { untouched: 0, read: 0, count: 0, login: 0 };
    let wrong = 0;
    let cookies = 0;
    let sample = '';
    const onResponse = (status: number, body: string, _context: object, headers: Record<string, unknown>) => {
      const kind = kindOf(status, body);
      if (kind === null) {
        wrong += 1;
        sample = `${status} ${body}`;
      } else answers[kind] += 1;
      if (Object.keys(headers).some((name) => name.toLowerCase() === 'set-cookie')) cookies += 1;
    };
    const list = requests.map((request) => ({ ...parsed(request), onResponse }));
    let clients = 0;
    const outcome = await autocannon({
      url: `http://127.0.0.1:${port}`,
      connections,
      duration: seconds,
      requests: list,
      // Each connection begins elsewhere in the list, or all of them would ask for the same session at once.
      setupClient(client: Client) {
        const start = Math.floor((clients * list.length) / connections);
        clients += 1;
        client.setRequests([...list.slice(start), ...list.slice(0, start)]);
      },
    });
    const { requests: answered, latency, duration, errors, timeouts } = outcome;
    return {
      requests: answered.total,
      seconds: duration,
      p50: latency.p50,
      p99: latency.p99,
      failed: errors + timeouts,
      wrong,
      cookies,
      sample,
      answers,
    };
  };
}

function parsed(request: string): { method: string; path: string; headers: Record<string, string> } {
  const [first = '', ...lines] = request.trimEnd().split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers = lines
    .map((line) => line.split(': ') as [string, string])
    .filter(([name]) => name !== 'Host' && name !== 'Content-Length');
  return { method, path, headers: Object.fromEntries(headers) };
}
