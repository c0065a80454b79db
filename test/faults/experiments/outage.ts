import type { AppProcess } from '../app-process.js';
import { send } from '../browser.js';
import type { Profile } from '../clients.js';
import { pause, Row, until } from '../experiment.js';
import { Traffic } from '../traffic.js';
import { expectDecency } from './common.js';

export interface Outage {
  readonly name: string;
  readonly profile: Profile;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly lasts: number;
  /** The store comes back without what it held. */
  readonly empties: boolean;
  /** Milliseconds the client may take to be there again. */
  readonly healsWithin: number;
  /** The longest a request may take, in milliseconds: one store call that fails unless told. */
  readonly longest?: number;
  begin(): Promise<void>;
  /** Resolves when the store takes commands again. */
  end(): Promise<void>;
}

const MEGABYTE = 1024 * 1024;

/** A steady load over the begin and the end of an outage. */
export async function outageUnderLoad(app: AppProcess, outage: Outage): Promise<Row> {
  const row = new Row(`${outage.name}, ${outage.profile}`);
  row.load = `${outage.perSecond}/s, ${outage.lasts / 1000} s away`;
  const traffic = new Traffic([app.origin]);
  const { tally } = traffic;
  await until(async () => traffic.logIn(50, 150).then(() => true), 'the client connects');
  const before = traffic.cookies();

  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const driving = traffic.pace(outage.perSecond, stopped);
  await pause(500);
  const calm = await app.stats();
  await outage.begin();
  await pause(outage.lasts);
  const worst = await app.stats();
  if (outage.empties) traffic.forgetWrites();
  await outage.end();
  const ended = Date.now();
  await until(async () => tally.firstWriteAfter(ended) !== undefined, 'a write goes well again');
  // Then nothing may fail any more.
  await pause(1000);
  stop();
  await driving;

  const firstWrite = tally.firstWriteAfter(ended) ?? Number.POSITIVE_INFINITY;
  row.heal = Math.max(firstWrite, tally.failingAfter(ended));
  row.expect(row.heal <= outage.healsWithin, `healed after ${row.heal} ms, expected within ${outage.healsWithin}`);
  await expectDecency(row, tally, [app], outage.longest);
  const publicErrors = tally.answers.filter(({ path, answer }) => path.startsWith('/public') && answer.status !== 200).length;
  row.expect(publicErrors === 0, `${publicErrors} pages that don't touch the session failed`);

  const { lost, revived } = await traffic.audit();
  Object.assign(row, { lost, revived });
  row.expect(lost === 0, `${lost} acknowledged writes are lost`);
  row.expect(revived === 0, `${revived} sessions came back after their logout`);
  if (outage.empties) row.expect(await areAnonymous(app, before), 'a cookie from before the loss was not read as anonymous');

  const grown = Math.round((worst.rss - calm.rss) / MEGABYTE);
  row.expect(grown < 50, `the process grew by ${grown} MB`);
  row.note(`at the end of the outage: ${worst.waiting ?? 'some'} commands wait in the client, the process has grown by ${grown} MB`);
  return row;
}

async function areAnonymous(app: AppProcess, cookies: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(cookies.map((cookie) => send(`${app.origin}/data`, cookie)));
  return answers.every(({ status, body, setCookies }) => status === 200 && body === '{}' && setCookies.length === 0);
}
