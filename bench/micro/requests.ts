import { MemoryStore, session } from '../../src/index.ts';
import { LOGIN } from '../servers/data.mjs';
import type { Case } from './case.ts';
import { behind, carryOut, type Handler } from './exchange.ts';

export const SECRET = 'a secret of the benchmarks, and of nothing else';
const SESSIONS = 1000;
const COUNT = 1500;

/** Whole requests in this process, on a memory store: workloads A, C, E and F, and what they may cost. */
export async function requestCases(likeExpress: boolean): Promise<Case[]> {
  const sessions = session({ secret: SECRET, store: new MemoryStore() });
  const cookies: string[] = [];
  for (let count = 0; count < SESSIONS; count += 1) cookies.push((await sessions.issue(LOGIN)).cookie);
  const withCookie = (index: number) => cookies[index % SESSIONS];
  const without = () => undefined;

  const made = (name: string, title: string, target: number, cookieOf: (index: number) => string | undefined, handler: Handler): Case => ({
    name,
    title: likeExpress ? `${title}, as Express hands it over` : title,
    ...(likeExpress ? undefined : { target }),
    count: COUNT,
    run: (count) => carryOut(count, cookieOf, behind(sessions, handler), { likeExpress }),
    harness: (count) =>
      carryOut(
        count,
        cookieOf,
        behind(null, (_req, res) => res.end('ok')),
        { likeExpress },
      ),
  });

  return [
    made('A', 'no cookie, untouched', 1, without, (_req, res) => res.end('ok')),
    made('C', 'read one key', 8, withCookie, (req, res) => {
      req.session.get('userId');
      res.end('ok');
    }),
    made('E', 'write a counter', 12, withCookie, (req, res) => {
      req.session.set('views', (req.session.get('views') as number) + 1);
      res.end('ok');
    }),
    made('F', 'log in, a new session', 13, without, (req, res) => {
      req.session.cycleKey();
      req.session.update(LOGIN);
      res.end('ok');
    }),
  ];
}
