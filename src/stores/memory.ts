import { LRUCache } from 'lru-cache';
import { OptionError } from '../errors.js';
import { createVersion, ownedName, ownerIn } from '../session-key.js';
import { SignInClock } from './sign-in-clock.js';
import {
  isMarker,
  type ListedSession,
  type OwnedSessions,
  type RetireResult,
  type Store,
  type StoredSession,
  type Times,
  type UpdateResult,
} from './store.js';

const SWEEP_INTERVAL = 60_000;

export interface MemoryStoreOptions {
  /** How many sessions are kept; beyond that the least recently used goes. 10 000 unless told. */
  max?: number;
  /** The time in milliseconds, like `Date.now`, which it is unless told. */
  clock?: () => number;
}

interface Kept extends StoredSession {
  /** When the record is over, in milliseconds. */
  deadline: number;
  /** Another one is taking its place: it isn't listed and doesn't count, unless it is written again. */
  replaced?: boolean;
}

/** How long it is kept when all sessions of an owner ended, in milliseconds: whatever was under way then is over. */
const KEPT_AS_ENDED = 86_400_000;

/**
 * Sessions in this process: for development, tests and programs of one process. Bounded and expiring; a restart
 * loses all. Records are texts, so that nobody holds a live reference into the store.
 */
export class MemoryStore implements Store {
  readonly #entries: LRUCache<string, Kept>;
  readonly #clock: () => number;
  readonly #signIns: SignInClock;
  /** When all sessions of an owner were ended together, and the epoch since then. */
  readonly #ends = new Map<string, { at: number; epoch: number }>();
  #sweeper: NodeJS.Timeout | undefined;
  /** The sessions of a user together. Goes through all that is kept: a process of this kind has few. */
  readonly owned: OwnedSessions = {
    signIn: () => this.#signIns.signIn(),
    enter: async (key, payload, ttl, { begins, limit, replaces, ...signIn }) => {
      const owner = ownerIn(key) as string;
      if (this.#live(key)) return { status: 'taken' };
      const end = this.#ends.get(owner);
      if (end && (begins ? signIn.signedInAt <= end.at : signIn.signedInAt < end.epoch)) return { status: 'revoked' };
      const others = limit === undefined ? [] : this.#ofOwner(owner).filter((other) => other.key !== replaces);
      const tooMany = limit === undefined ? 0 : Math.max(0, others.length - limit.sessions + 1);
      if (tooMany > 0 && limit?.then === 'refuse') return { status: 'full' };
      const oldest = others.reverse().sort(bySignIn).slice(0, tooMany);
      for (const other of oldest) this.#entries.delete(other.key);
      const replacedEntry = replaces === undefined ? undefined : this.#live(replaces);
      if (replacedEntry) replacedEntry.replaced = true;
      const version = this.#put(key, payload, ttl, {
        ...signIn,
        createdAt: wholeSecond(signIn.createdAt),
        seenAt: wholeSecond(this.#clock()),
      });
      return { status: 'created', version, evicted: tooMany };
    },
    see: async (key) => {
      const times = this.#live(key)?.times;
      if (times) times.seenAt = wholeSecond(this.#clock());
    },
    list: async (owner) => this.#ofOwner(owner),
    endAll: async (owner, except) => {
      const all = this.#ofOwner(owner);
      const now = this.#signIns.end();
      const epoch = Math.max(now, ...all.map(({ times }) => times.signedInAt)) + 1;
      this.#ends.set(owner, { at: now, epoch });
      const ended = all.filter(({ key }) => key !== except);
      const spared = all.length > ended.length ? except : undefined;
      // Markers as well.
      for (const key of [...this.#entries.keys()]) if (ownerIn(key) === owner && key !== spared) this.#entries.delete(key);
      const times = spared === undefined ? undefined : this.#live(spared)?.times;
      if (times) times.signedInAt = epoch;
      return { ended: ended.length, epoch };
    },
    endEverything: async () => {
      const now = this.#clock();
      const at = this.#signIns.end();
      let ended = 0;
      // One pass, whoever's they are: to end each owner's by themselves would take one for each.
      for (const [key, { deadline, times }] of this.#entries.entries()) {
        if (now < deadline) ended += 1;
        const owner = ownerIn(key);
        if (owner === null || times === undefined) continue;
        this.#ends.set(owner, { at, epoch: Math.max(this.#ends.get(owner)?.epoch ?? 0, at + 1, times.signedInAt + 1) });
      }
      this.#entries.clear();
      return ended;
    },
  };

  constructor({ max = 10_000, clock = Date.now }: MemoryStoreOptions = {}) {
    if (!Number.isSafeInteger(max) || max < 1) throw new OptionError('max', 'must be a whole number above 0');
    this.#entries = new LRUCache({ max });
    this.#clock = clock;
    this.#signIns = new SignInClock(clock);
  }

  async read(key: string): Promise<StoredSession | null> {
    const entry = this.#live(key);
    return entry ? recordOf(entry) : null;
  }

  async create(key: string, payload: string, ttl: number): Promise<string | null> {
    return this.#live(key) ? null : this.#put(key, payload, ttl);
  }

  async update(key: string, payload: string, version: string, ttl: number): Promise<UpdateResult> {
    return this.#swap(key, payload, version, ttl);
  }

  async touch(key: string, ttl: number, version?: string): Promise<boolean> {
    const entry = this.#live(key);
    if (!entry || isMarker(entry) || entry.version !== (version ?? entry.version)) return false;
    entry.deadline = this.#deadline(ttl);
    if (entry.times) entry.times.seenAt = wholeSecond(this.#clock());
    return true;
  }

  async retire(key: string, version: string, ttl: number): Promise<RetireResult> {
    const result = this.#swap(key, '', version, ttl);
    return result.status === 'updated' ? { status: 'retired' } : result;
  }

  async delete(key: string): Promise<boolean> {
    const existed = this.#live(key) !== undefined;
    this.#entries.delete(key);
    return existed;
  }

  async exists(key: string): Promise<boolean> {
    const entry = this.#live(key);
    return entry !== undefined && !isMarker(entry);
  }

  async clearExpired(): Promise<number> {
    const now = this.#clock();
    let removed = 0;
    for (const [key, entry] of this.#entries.entries()) {
      if (now >= entry.deadline && this.#entries.delete(key)) removed += 1;
    }
    for (const [owner, { at }] of this.#ends) if (now - at > KEPT_AS_ENDED) this.#ends.delete(owner);
    return removed;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    this.#entries.clear();
  }

  #live(key: string): Kept | undefined {
    const entry = this.#entries.get(key);
    if (entry && this.#clock() >= entry.deadline) {
      this.#entries.delete(key);
      return undefined;
    }
    return entry;
  }

  /** The live sessions of an owner. Looking doesn't count as a use. */
  #ofOwner(owner: string): ListedSession[] {
    const found: ListedSession[] = [];
    const start = ownedName(owner, '');
    for (const [key, { times, deadline, replaced, ...record }] of this.#entries.entries()) {
      if (!key.startsWith(start) || times === undefined || replaced || isMarker(record) || this.#clock() >= deadline) continue;
      found.push({ ...record, key, times: { ...times }, expiresAt: deadline });
    }
    return found;
  }

  #swap(key: string, payload: string, version: string, ttl: number): UpdateResult {
    const entry = this.#live(key);
    if (!entry) return { status: 'gone' };
    if (entry.version !== version) return { status: 'conflict', current: recordOf(entry) };
    const times = entry.times && { ...entry.times, seenAt: wholeSecond(this.#clock()) };
    return { status: 'updated', version: this.#put(key, payload, ttl, times) };
  }

  #put(key: string, payload: string, ttl: number, times?: Times): string {
    // Sessions that nobody asks for again must go, too; the timer never keeps the process alive.
    this.#sweeper ??= setInterval(() => void this.clearExpired(), SWEEP_INTERVAL).unref();
    const version = createVersion();
    this.#entries.set(key, { payload, version, deadline: this.#deadline(ttl), ...(times && { times }) });
    return version;
  }

  #deadline(ttl: number): number {
    return this.#clock() + ttl * 1000;
  }
}

/** A copy: nobody holds what is kept here. */
function recordOf({ payload, version, times }: Kept): StoredSession {
  return times === undefined ? { payload, version } : { payload, version, times: { ...times } };
}

function bySignIn({ times: one }: ListedSession, { times: other }: ListedSession): number {
  return one.createdAt - other.createdAt || one.signedInAt - other.signedInAt;
}

function wholeSecond(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}
