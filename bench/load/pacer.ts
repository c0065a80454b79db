import { kindOf } from '../workloads.ts';
import { type Connection, withConnections } from './connection.ts';

/**
 * Sends requests at a fixed rate, whether the ones before are answered or not, and gives the milliseconds that each took.
 *
 * Every millisecond those that are due go out together. A request that finds no free connection waits, and its wait
 * counts: a server that falls behind can't slow the clock that measures it down (coordinated omission).
 */
export function paced(port: number, requests: readonly string[], rate: number, seconds: number): Promise<number[]> {
  return withConnections(port, 64, (connections) => pace(connections, requests, rate, seconds));
}

async function pace(connections: readonly Connection[], requests: readonly string[], rate: number, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const free = [...connections];
  const due: number[] = [];
  const total = Math.floor(rate * seconds);
  const began = performance.now();
  let planned = 0;
  let sent = 0;

  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      clearInterval(timer);
      reject(error);
    };
    const carry = (connection: Connection): void => {
      const since = due.shift();
      if (since === undefined) {
        free.push(connection);
        return;
      }
      const request = requests[sent % requests.length] as string;
      sent += 1;
      connection.send(request).then(({ status, body }) => {
        times.push(performance.now() - since);
        if (kindOf(status, body) === null) fail(new Error(`a wrong answer under a fixed rate: ${status} ${body.slice(0, 100)}`));
        else if (times.length === total) resolve(times);
        else carry(connection);
      }, fail);
    };
    const timer = setInterval(() => {
      const now = performance.now();
      for (const until = Math.min(total, ((now - began) / 1000) * rate); planned < until; planned += 1) due.push(now);
      while (free.length > 0 && due.length > 0) carry(free.pop() as Connection);
      if (planned >= total) clearInterval(timer);
    }, 1);
  });
}
