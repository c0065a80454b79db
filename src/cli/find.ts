import { fingerprintOf, ownerOf } from '../session-key.js';
import { placeOf, type RedisStore } from '../stores/redis.js';
import { type FoundRecord, findKey, inspect } from '../stores/redis-survey.js';
import type { Arguments } from './arguments.js';
import { Failure } from './failure.js';

/** The record of the ref, whatever its state. Throws a `Failure` if there is none. */
export async function find(store: RedisStore, { ref, user }: Arguments): Promise<FoundRecord> {
  const place = placeOf(store);
  const key = user === undefined ? await findKey(place, ref as string) : await keyOfUser(store, user, ref as string);
  const record = key === null ? null : await inspect(place, key);
  if (record === null) throw notFound(user);
  return record;
}

export function notFound(user: string | undefined): Failure {
  return new Failure(
    user === undefined
      ? 'no session has this ref (any more). sojourn list shows those there are; --prefix says where to look'
      : 'this user has no session with this ref (any more). sojourn list --user shows those there are',
  );
}

async function keyOfUser({ owned }: RedisStore, user: string, ref: string): Promise<string | null> {
  const sessions = await owned.list(ownerOf(user));
  return sessions.find(({ key }) => fingerprintOf(key) === ref)?.key ?? null;
}
