import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { AppProcess } from '../app-process.js';
import { sessionKeyIn } from '../browser.js';
import type { Row } from '../experiment.js';
import { CANARY } from '../lab.js';
import type { Tally } from '../traffic.js';

/** The store's deadline for one call in all experiments, in milliseconds. */
export const DEADLINE = 500;
/** The longest a request may take over one store call that fails, in milliseconds. */
export const ONE_CALL = DEADLINE + 100;
/** The same where a read may be slow and go well, and the write after it may not. */
export const TWO_CALLS = 2 * DEADLINE + 100;
/** A record without a payload is the marker of a cycled session. */
const HEAD_LENGTH = 14;

/** Where Redis keeps the session of a cookie: computed here anew, so that a change of the format is noticed. */
export function redisKeyOf(cookie: string): string {
  return `sojourn:${hash('sha256', sessionKeyIn(cookie), 'base64url')}`;
}

/** How many of these cookies lead to a live record. */
export async function countAlive(redis: Redis, cookies: readonly string[]): Promise<number> {
  const lengths = await Promise.all(cookies.map((cookie) => redis.strlen(redisKeyOf(cookie))));
  return lengths.filter((length) => length > HEAD_LENGTH).length;
}

/** Runs `act` over all items, a number of them at a time. */
export async function each<Item>(items: readonly Item[], atOnce: number, act: (item: Item, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) await act(item, index);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/**
 * What must hold for every answer and every process, whatever has failed. A machine that has other things to do adds to
 * all waits alike: what the requests without a store call had to wait is added to what is allowed.
 */
export async function expectDecency(row: Row, tally: Tally, apps: readonly AppProcess[], longest = ONE_CALL): Promise<void> {
  row.answered = tally.answered;
  row.serverErrors = tally.serverErrors;
  row.longest = tally.longest;
  row.expect(tally.errorsWithCookie === 0, `${tally.errorsWithCookie} error responses set or delete a cookie`);
  row.expect(tally.unavailableWithoutRetryAfter === 0, `${tally.unavailableWithoutRetryAfter} 503 without Retry-After`);
  const others = tally.count((status) => status > 503 || (status >= 500 && status < 503));
  row.expect(others === 0, `${others} server errors other than 503`);
  const unanswered = tally.count((status) => status === 0);
  row.expect(unanswered === 0, `${unanswered} requests without an answer`);
  const slow = `a request waited ${row.longest} ms, ${longest} are allowed and ${tally.noise} the machine's`;
  row.expect(row.longest <= longest + tally.noise, slow);
  await expectHealthy(row, apps);
}

/** The process is there, nothing went unhandled, and nothing secret was printed. */
export async function expectHealthy(row: Row, apps: readonly AppProcess[]): Promise<void> {
  for (const app of apps) {
    row.expect(app.alive, 'the process ended');
    const { unhandled } = await app.stats();
    row.expect(unhandled === 0, `${unhandled} unhandled rejections`);
    row.expect(!app.log.includes(CANARY), 'a secret was logged');
  }
}
