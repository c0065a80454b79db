import { placeOf, type RedisStore } from '../stores/redis.js';
import { clearLeftovers } from '../stores/redis-survey.js';
import type { Arguments } from './arguments.js';
import { type Io, say } from './io.js';
import { jsonText } from './printable.js';

/** Tidies up and says what there was. */
export async function clearExpired(store: RedisStore, { json }: Arguments, io: Io): Promise<void> {
  const { records, names } = await clearLeftovers(placeOf(store));
  if (json) return say(io, jsonText({ records, names }));
  await say(io, `Deleted ${records} revoked ${records === 1 ? 'record' : 'records'} that had been left over.`);
  await say(io, `Took ${names} ${names === 1 ? 'name' : 'names'} out of users' lists. The rest Redis expires by itself.`);
}
