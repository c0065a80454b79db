import { publish } from '../events.js';
import { createVersion, nameIn, ownedName, ownerIn } from '../session-key.js';
import * as scripts from './owned-scripts.js';
import { isOne } from './redis-calls.js';
import { nowOf, type RedisPlace, updateResult } from './redis-records.js';
import { DEADLINE_LENGTH, decodeDeadline, encodeDeadline, HEAD_LENGTH, type Script } from './redis-scripts.js';
import { SignInClock } from './sign-in-clock.js';
import { type EnterResult, type Entry, isMarker, type ListedSession, type StoredSession, type UpdateResult } from './store.js';

/** The records of owners: read together with the owner's epoch, and written together with the index. `owned-scripts.ts` has the format. */
export class OwnedRecords {
  readonly #place: RedisPlace;
  readonly #clock: SignInClock;

  constructor(place: RedisPlace) {
    this.#place = place;
    this.#clock = new SignInClock(place.clock);
  }

  /** See `OwnedSessions`. */
  signIn(): number {
    return this.#clock.signIn();
  }

  /** The value of the record, and that under `userKey(key)`. */
  read<Result>(key: string, result: (record: string | null, user: string | null) => Result): Promise<Result> {
    const { calls, prefix } = this.#place;
    return calls.call<(string | null)[], Result>(
      key,
      () => calls.client.mget([prefix + key, prefix + userKey(key)]),
      (values) => result(values?.[0] ?? null, values?.[1] ?? null),
    );
  }

  enter(key: string, payload: string, ttl: number, entry: Entry): Promise<EnterResult> {
    const { signedInAt, createdAt, begins, limit, replaces } = entry;
    const version = createVersion();
    const seconds = Math.ceil(ttl);
    const deadline = this.#deadline(seconds);
    const args = [
      version,
      `${seconds}`,
      deadline + version,
      nowOf(this.#place),
      signedInAt.toFixed(0),
      nameIn(key),
      secondsOf(deadline),
      `${limit?.sessions ?? 0}`,
      limit?.then ?? '',
      replaces === undefined ? '' : nameIn(replaces),
      scripts.encodeSeconds(createdAt) + scripts.encodeSeconds(this.#place.clock()),
      payload,
      begins ? 'begins' : '',
    ];
    return this.#run(scripts.enter, key, args, (reply) => {
      const evicted = reply === null ? TAKEN : Number(reply);
      if (evicted >= 0) return { status: 'created', version, evicted };
      return { status: evicted === TAKEN ? 'taken' : evicted === REVOKED ? 'revoked' : 'full' };
    });
  }

  update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    const next = createVersion();
    const seconds = Math.ceil(ttl);
    const deadline = this.#deadline(seconds);
    const args = [
      version,
      next,
      `${seconds}`,
      deadline,
      payload,
      nowOf(this.#place),
      nameIn(key),
      secondsOf(deadline),
      scripts.encodeSeconds(this.#place.clock()),
    ];
    return this.#run(scripts.update, key, args, (reply) => updateResult(reply, next, (value) => this.#openLiving(key, value)));
  }

  touch(key: string, ttl: number, version: string): Promise<boolean> {
    const seconds = Math.ceil(ttl);
    const deadline = this.#deadline(seconds);
    const seen = scripts.encodeSeconds(this.#place.clock());
    const args = [`${seconds}`, deadline, nowOf(this.#place), version, nameIn(key), secondsOf(deadline), seen];
    return this.#run(scripts.touch, key, args, isOne);
  }

  see(key: string): Promise<boolean> {
    return this.#run(scripts.see, key, [nowOf(this.#place), scripts.encodeSeconds(this.#place.clock()), nameIn(key)], isOne);
  }

  delete(key: string): Promise<boolean> {
    const { ending } = this.#place;
    return ending.run(key, scripts.end, this.#keysOf(key), [nameIn(key)], isOne);
  }

  exists(key: string): Promise<boolean> {
    return this.read(key, (value, user) => {
      const record = this.open(key, value, user);
      return record !== null && !isMarker(record);
    });
  }

  list(owner: string): Promise<ListedSession[]> {
    const { calls } = this.#place;
    return calls.run(ownedName(owner, 'index'), scripts.list, this.#keysOfOwner(owner), [nowOf(this.#place)], (reply) =>
      Array.isArray(reply) ? [...this.#listed(owner, reply.map(String))] : [],
    );
  }

  endAll(owner: string, except: string | undefined): Promise<{ ended: number; epoch: number }> {
    const { ending } = this.#place;
    const args = [this.#clock.end().toFixed(0), except === undefined ? '' : nameIn(except)];
    const keys = [...this.#keysOfOwner(owner), ...(except === undefined ? [] : [this.#place.prefix + except])];
    return ending.run(ownedName(owner, 'user'), scripts.endAll, keys, args, (reply) => {
      const [ended, epoch] = reply as [unknown, unknown];
      return { ended: Number(ended), epoch: Number(epoch) };
    });
  }

  /**
   * The record in a Redis value, if it is alive: its deadline is to come, and it was signed in since the epoch in `user`. Without that
   * nobody can say so.
   */
  open(key: string, value: string | null | undefined, user: string | null | undefined): StoredSession | null {
    const record = this.#openLiving(key, value);
    if (record?.times === undefined || typeof user !== 'string') return null;
    return record.times.signedInAt >= scripts.decodeEpoch(user) ? record : null;
  }

  /** Without a look at the epoch: for what a script says is alive. */
  #openLiving(key: string, value: string | null | undefined): StoredSession | null {
    if (value === null || value === undefined) return null;
    const times = scripts.decodeTimes(value);
    if (times === null) {
      publish('corrupt', { storeKey: key });
      return null;
    }
    if (this.#place.clock() / 1000 >= decodeDeadline(value)) return null;
    return { version: value.slice(DEADLINE_LENGTH, HEAD_LENGTH), payload: value.slice(scripts.OWNED_HEAD_LENGTH), times };
  }

  *#listed(owner: string, reply: readonly string[]): Iterable<ListedSession> {
    for (let at = 0; at + 1 < reply.length; at += 2) {
      const key = ownedName(owner, reply[at] as string);
      const value = reply[at + 1] as string;
      const record = this.#openLiving(key, value);
      if (record?.times === undefined || isMarker(record)) continue;
      yield { ...record, times: record.times, key, expiresAt: decodeDeadline(value) * 1000 };
    }
  }

  #deadline(seconds: number): string {
    return encodeDeadline(this.#place.clock() / 1000 + seconds);
  }

  #keysOf(key: string): string[] {
    return [this.#place.prefix + key, ...this.#keysOfOwner(ownerIn(key) as string)];
  }

  #keysOfOwner(owner: string): string[] {
    const { prefix } = this.#place;
    return [prefix + ownedName(owner, 'user'), prefix + ownedName(owner, 'index')];
  }

  #run<Result>(script: Script, key: string, args: string[], result: (reply: unknown) => Result): Promise<Result> {
    return this.#place.calls.run(key, script, this.#keysOf(key), args, result);
  }
}

/** Replies of the script. */
const TAKEN = -1;
const REVOKED = -2;

/** Where the epoch is by which a record is judged. */
export function userKey(key: string): string {
  return ownedName(ownerIn(key) as string, 'user');
}

function secondsOf(deadline: string): string {
  return `${Number.parseInt(deadline, 36)}`;
}
