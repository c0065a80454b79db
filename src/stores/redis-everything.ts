import { ownerIn } from '../session-key.js';
import type { RedisPlace } from './redis-records.js';

/**
 * How often all keys are gone through. A request that cycles its key meanwhile may take a session from where the first pass
 * hasn't been to where it has; in the second it stands still.
 */
const PASSES = 2;

/** What a store writes under its prefix: another store's keys may begin with the same. */
const OWN_KEY = /^(?:\{[\w-]{22}\}:(?:user|index|[\w-]{43})|[\w-]{43})$/;
const RECORD_KEY = /[\w-]{43}$/;

/** Whether there is a record under this key of a store, and not what is kept besides of its owner. */
export function isRecordKey(key: string): boolean {
  return RECORD_KEY.test(key);
}

/** All keys of a store, without the prefix, some at a time. A key may come twice; one that is there all the time comes. */
export async function* storeKeys({ calls, prefix }: RedisPlace): AsyncIterable<string[]> {
  const start = calls.client.keyPrefix + prefix;
  for await (const keys of calls.client.scan(`${escapePattern(start)}*`)) {
    yield keys.map((key) => key.slice(start.length)).filter((key) => OWN_KEY.test(key));
  }
}

/**
 * Ends all records; how many. `endOwner` does so for those of an owner, against whatever is under way there. `confirm` waits until what was
 * ended on the node of a key stays so; where it rejects, all are ended nevertheless, before this does.
 */
export async function endEverything(
  place: RedisPlace,
  endOwner: (owner: string) => Promise<{ ended: number }>,
  confirm: (key: string) => Promise<void>,
): Promise<number> {
  const { ending, prefix } = place;
  let ended = 0;
  let unconfirmed: Promise<void> | undefined;
  for (let pass = 0; pass < PASSES; pass += 1) {
    const owners = new Map<string, Promise<{ ended: number }>>();
    const endOwnerOf = async (key: string) => {
      const owner = ownerIn(key);
      if (owner === null) return;
      const known = owners.get(owner);
      const result = known ?? endOwner(owner);
      owners.set(owner, result);
      const { ended: ofOwner } = await result;
      if (known === undefined) ended += ofOwner;
    };
    for await (const keys of storeKeys(place)) {
      const acts = keys.map(async (key) => {
        await endOwnerOf(key);
        // Also what an owner's index didn't tell of.
        if (!isRecordKey(key)) return;
        const deleted = await ending.call(key, () => ending.client.del(prefix + key), Number);
        ended += deleted;
      });
      await Promise.all(acts);
      // All keys of a batch are on one node. Without replicas each wait is in vain, and takes its time.
      const [key] = keys;
      if (key === undefined || unconfirmed !== undefined) continue;
      const confirmation = confirm(key);
      await confirmation.catch(() => {
        unconfirmed = confirmation;
      });
    }
  }
  await unconfirmed;
  return ended;
}

/** For the patterns of Redis, which are those of a shell. */
function escapePattern(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}
