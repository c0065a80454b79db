import { ownerOf } from '../session-key.js';
import { placeOf, type RedisStore } from '../stores/redis.js';
import { survey } from '../stores/redis-survey.js';
import type { Arguments } from './arguments.js';
import { type Describable, summaryOf } from './describe.js';
import { type Io, say, widthOf } from './io.js';
import { jsonText } from './printable.js';
import { tableOf } from './table.js';

/** Prints the living sessions. All of them are printed as they are found: there may be millions. */
export async function list(store: RedisStore, args: Arguments, io: Io): Promise<void> {
  const { user, json } = args;
  const width = widthOf(io);
  const { header, row } = tableOf(width, io.clock());
  let count = 0;
  for await (const session of user === undefined ? living(store) : ofUser(store, user)) {
    const summary = summaryOf(session, args);
    if (count === 0 && header !== null && !json) await say(io, header);
    await say(io, json ? jsonText(summary) : row(summary));
    count += 1;
  }
  if (width === null || json) return;
  await say(io, count === 0 ? 'No sessions.' : `${count} ${count === 1 ? 'session' : 'sessions'}.`);
}

async function* living(store: RedisStore): AsyncIterable<Describable> {
  for await (const records of survey(placeOf(store))) yield* records.filter(({ state }) => state === 'alive');
}

/** The last seen first. */
async function* ofUser({ owned }: RedisStore, user: string): AsyncIterable<Describable> {
  const sessions = await owned.list(ownerOf(user));
  yield* sessions.sort((one, other) => other.times.seenAt - one.times.seenAt);
}
