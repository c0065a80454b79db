import { publish } from '../events.js';
import { createVersion } from '../session-key.js';
import { isOne, type RedisCalls } from './redis-calls.js';
import * as scripts from './redis-scripts.js';
import { isMarker, type StoredSession, type UpdateResult } from './store.js';

/** Where a store keeps its records, and by whose clock (milliseconds). */
export interface RedisPlace {
  readonly calls: RedisCalls;
  /** For what ends a session; the same, unless that is to wait for replicas. */
  readonly ending: RedisCalls;
  readonly prefix: string;
  readonly clock: () => number;
}

/** Records on a key of their own, which one command reads and one script writes. `redis-scripts.ts` has the format. */
export class PlainRecords {
  readonly #place: RedisPlace;

  constructor(place: RedisPlace) {
    this.#place = place;
  }

  read<Result>(key: string, result: (value: string | null) => Result): Promise<Result> {
    const { calls, prefix } = this.#place;
    return calls.call<string | null, Result>(key, () => calls.client.get(prefix + key), result);
  }

  create(key: string, payload: string, ttl: number): Promise<string | null> {
    const version = createVersion();
    const seconds = Math.ceil(ttl);
    const args = [version, `${seconds}`, this.#deadline(seconds) + version + payload];
    return this.#run(scripts.create, key, args, (reply) => (isOne(reply) ? version : null));
  }

  update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    const next = createVersion();
    const seconds = Math.ceil(ttl);
    const args = [version, next, `${seconds}`, this.#deadline(seconds) + next + payload, nowOf(this.#place)];
    return this.#run(scripts.update, key, args, (reply) => updateResult(reply, next, (value) => this.open(key, value)));
  }

  touch(key: string, ttl: number, version: string): Promise<boolean> {
    const seconds = Math.ceil(ttl);
    return this.#run(scripts.touch, key, [`${seconds}`, this.#deadline(seconds), nowOf(this.#place), version], isOne);
  }

  delete(key: string): Promise<boolean> {
    const { ending, prefix } = this.#place;
    return ending.call(key, () => ending.client.del(prefix + key), isOne);
  }

  exists(key: string): Promise<boolean> {
    const { calls, prefix } = this.#place;
    // The head and one character: a marker has no such, and nobody needs the rest.
    const start = () => calls.client.getrange(prefix + key, 0, scripts.HEAD_LENGTH);
    return calls.call(key, start, (value) => {
      const record = this.open(key, value === '' ? null : value);
      return record !== null && !isMarker(record);
    });
  }

  /** The record in a Redis value, if there is one; null if no Sojourn wrote it, or its deadline has passed although the key is there. */
  open(key: string, value: string | null | undefined): StoredSession | null {
    if (value === null || value === undefined) return null;
    const deadline = scripts.decodeDeadline(value);
    if (Number.isNaN(deadline)) {
      publish('corrupt', { storeKey: key });
      return null;
    }
    if (this.#place.clock() / 1000 >= deadline) return null;
    return { version: value.slice(scripts.DEADLINE_LENGTH, scripts.HEAD_LENGTH), payload: value.slice(scripts.HEAD_LENGTH) };
  }

  #deadline(seconds: number): string {
    return scripts.encodeDeadline(this.#place.clock() / 1000 + seconds);
  }

  #run<Result>(script: scripts.Script, key: string, args: string[], result: (reply: unknown) => Result): Promise<Result> {
    const { calls, prefix } = this.#place;
    return calls.run(key, script, [prefix + key], args, result);
  }
}

/** Whole seconds, rounded down: a deadline, which is whole too, has passed exactly if it isn't above. */
export function nowOf({ clock }: RedisPlace): string {
  return `${Math.floor(clock() / 1000)}`;
}

/** What the reply of an update script means. `open`: the record in a Redis value. */
export function updateResult(reply: unknown, next: string, open: (value: string | null) => StoredSession | null): UpdateResult {
  if (isOne(reply)) return { status: 'updated', version: next };
  const current = open(typeof reply === 'string' && reply !== '0' ? reply : null);
  return current ? { status: 'conflict', current } : { status: 'gone' };
}
