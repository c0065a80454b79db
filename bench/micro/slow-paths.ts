import { inspect } from 'node:util';
import { MemoryStore, session } from '../../src/index.ts';
import { createSessionKey } from '../../src/session-key.ts';
import { LOGIN, sessionData } from '../servers/data.mjs';
import type { Case } from './case.ts';
import { behind, carryOut, type Handler } from './exchange.ts';
import { SECRET } from './requests.ts';

/** As much as Node lets through: all headers together may have 16 KB. */
const LONGEST_HEADER = 15_000;
/** The default of the option `maxBytes` is 64 KiB, and the counter below may grow. */
const LARGEST_SESSION = 65_000;

/** The most that a request can cost: the event loop stands still for that long. Bounds in microseconds. */
export async function slowPathCases(): Promise<Case[]> {
  const sessions = session({ secret: SECRET, store: new MemoryStore() });
  const issued = async (data: Record<string, unknown>) => (await sessions.issue(data)).cookie;
  const eightKb = await issued(sessionData(8192));
  const large = await issued(sessionData(LARGEST_SESSION));
  const keys = await issued(sessionData(20_000, 1000));
  const contended = await issued(LOGIN);

  const forged = (count: number) => Array.from({ length: count }, () => `sessionid=${createSessionKey()}.${createSessionKey()}`).join('; ');
  const filled = (text: string) => text.repeat(Math.floor(LONGEST_HEADER / text.length));

  const made = (title: string, target: number, cookie: string, handler: Handler, more: { atOnce?: number; count?: number } = {}): Case => {
    // One at a time: all of them belong to the same session, and only writers that mean to are to meet there.
    const { count = 300, atOnce = 1 } = more;
    const manner = { atOnce };
    return {
      name: '',
      title,
      target,
      count,
      run: (times) => carryOut(times, () => cookie, behind(sessions, handler), manner),
      harness: (times) =>
        carryOut(
          times,
          () => cookie,
          behind(null, (_req, res) => res.end('ok')),
          manner,
        ),
    };
  };
  const touching = (touch: (session: Parameters<Handler>[0]['session'], index: number) => unknown): Handler => {
    let index = 0;
    return ({ session }, res) => {
      touch(session, index);
      index += 1;
      res.end('ok');
    };
  };
  const untouched = touching(() => {});
  const read = touching((session) => session.get('userId'));
  const readCart = touching((session) => session.get('cart'));
  const write = touching((session, index) => session.set('views', index));

  return [
    made('cookie bomb: 15 KB of forged session cookies', 100, filled(`${forged(1)}; `), untouched),
    made('cookie bomb: 15 KB of the name alone', 100, filled('sessionid'), untouched),
    made('cookie bomb: 15 KB of the name with a blank value', 100, filled('sessionid=; '), untouched),
    made('cookie bomb: 15 KB of other cookies', 100, filled('a=1; '), untouched),
    made('8 KB: read a number', 100, eightKb, read),
    made('8 KB: read the list that fills it', 200, eightKb, readCart),
    made('8 KB: write a number', 200, eightKb, write),
    made('64 KB: read a number', 1000, large, read),
    made('64 KB: read the list that fills it', 2000, large, readCart),
    made('64 KB: write a number', 2000, large, write),
    made('1000 keys: read one', 500, keys, read),
    made(
      '1000 keys: read all',
      1000,
      keys,
      touching((session) => [...session.entries()]),
    ),
    made('1000 keys: write one', 1000, keys, write),
    made(
      'inspect a session of 64 KB',
      1000,
      large,
      touching((session) => inspect(session)),
    ),
    made('inspect the request with it', 2000, large, (req, res) => {
      inspect(req);
      res.end('ok');
    }),
    login(),
    made('8 writers at once, each its own key', 500, contended, ownKey(8), { atOnce: 8, count: 320 }),
    made('32 writers at once, each its own key', 2000, contended, ownKey(32), { atOnce: 32, count: 320 }),
  ];

  function ownKey(writers: number): Handler {
    return touching((session, index) => session.set(`own${index % writers}`, index));
  }

  /** Each of its sessions can be cycled once: what it takes to make them is in the harness as well. */
  function login(): Case {
    const run = async (count: number, handler: ReturnType<typeof behind>) => {
      const cookies: string[] = [];
      for (; cookies.length < count; ) cookies.push(await issued(LOGIN));
      await carryOut(count, (index) => cookies[index], handler);
    };
    const cycle: Handler = ({ session }, res) => {
      session.cycleKey();
      session.set('userId', 43);
      res.end('ok');
    };
    return {
      name: '',
      title: 'log in with a session: a new key, the old one retired',
      target: 100,
      count: 1000,
      run: (count) => run(count, behind(sessions, cycle)),
      harness: (count) =>
        run(
          count,
          behind(null, (_req, res) => res.end('ok')),
        ),
    };
  }
}
