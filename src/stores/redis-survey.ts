import { fingerprintOf, ownedName, ownerIn } from '../session-key.js';
import { decodeEpoch, decodeTimes, OWNED_HEAD_LENGTH, sweep, trim } from './owned-scripts.js';
import { isRecordKey, storeKeys } from './redis-everything.js';
import { userKey } from './redis-owned.js';
import type { RedisPlace } from './redis-records.js';
import { decodeDeadline, HEAD_LENGTH } from './redis-scripts.js';
import type { Times } from './store.js';

/**
 * - `alive`: it leads to a session.
 * - `revoked`: it ended with all others of its owner, and is still there.
 * - `cycled`: the marker of a session that goes on under another key.
 * - `expired`: its time is over, by the clock of this process, and it is still there.
 */
export type RecordState = 'alive' | 'revoked' | 'cycled' | 'expired';

/** A record as it lies in Redis, whatever has become of its session. */
export interface FoundRecord {
  readonly key: string;
  readonly state: RecordState;
  readonly payload: string;
  /** Of the record of an owner. */
  readonly times: Times | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** All records, some at a time. One may come twice, and one that begins or ends meanwhile may come or not. */
export async function* survey(place: RedisPlace): AsyncIterable<FoundRecord[]> {
  for await (const keys of storeKeys(place)) {
    const records = await Promise.all(keys.filter(isRecordKey).map((key) => inspect(place, key)));
    yield records.filter((record) => record !== null);
  }
}

/** The key that has this fingerprint; null if no record has one. Goes through all keys. */
export async function findKey(place: RedisPlace, ref: string): Promise<string | null> {
  for await (const keys of storeKeys(place)) {
    const key = keys.find((candidate) => isRecordKey(candidate) && fingerprintOf(candidate) === ref);
    if (key !== undefined) return key;
  }
  return null;
}

/** The record under a key; null if there is none, or one that no Sojourn wrote. */
export function inspect({ calls, prefix, clock }: RedisPlace, key: string): Promise<FoundRecord | null> {
  const open = (value: string | null | undefined, user: string | null | undefined): FoundRecord | null => {
    if (value === null || value === undefined) return null;
    const isOwned = ownerIn(key) !== null;
    const times = isOwned ? decodeTimes(value) : undefined;
    const deadline = decodeDeadline(value);
    if (times === null || Number.isNaN(deadline)) return null;
    const payload = value.slice(isOwned ? OWNED_HEAD_LENGTH : HEAD_LENGTH);
    const stateOf = (): RecordState => {
      if (clock() / 1000 >= deadline) return 'expired';
      if (times !== undefined && !(typeof user === 'string' && times.signedInAt >= decodeEpoch(user))) return 'revoked';
      return payload === '' ? 'cycled' : 'alive';
    };
    return { key, state: stateOf(), payload, times, expiresAt: deadline * 1000 };
  };
  const { client } = calls;
  if (ownerIn(key) === null) {
    return calls.call<string | null, FoundRecord | null>(
      key,
      () => client.get(prefix + key),
      (value) => open(value, null),
    );
  }
  return calls.call<(string | null)[], FoundRecord | null>(
    key,
    () => client.mget([prefix + key, prefix + userKey(key)]),
    (values) => open(values?.[0], values?.[1]),
  );
}

/**
 * Deletes what Redis doesn't expire in good time by itself: records that a revocation has ended without having found them, and names in indexes of
 * owners that lead nowhere. How many of each.
 */
export async function clearLeftovers(place: RedisPlace): Promise<{ records: number; names: number }> {
  const { calls, prefix } = place;
  const cleared = { records: 0, names: 0 };
  const clear = async (key: string) => {
    const owner = ownerIn(key);
    if (owner === null) return;
    const ofOwner = [prefix + ownedName(owner, 'user'), prefix + ownedName(owner, 'index')];
    if (key === ownedName(owner, 'index')) {
      const names = await calls.run(key, trim, ofOwner, [], Number);
      cleared.names += names;
    } else if (isRecordKey(key) && (await inspect(place, key))?.state === 'revoked') {
      const records = await calls.run(key, sweep, [prefix + key, ...ofOwner], [], Number);
      cleared.records += records;
    }
  };
  for await (const keys of storeKeys(place)) await Promise.all(keys.map(clear));
  return cleared;
}
