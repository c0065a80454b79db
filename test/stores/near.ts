import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Redis } from 'ioredis';
import { RedisStore, type RedisStoreOptions, type SessionEvents, type Store } from 'sojourn';
import { NearCache } from '../../src/stores/near-cache.js';
import { TestClock } from '../helpers/clock.js';
import type { Client } from './clients.js';
import { created, nextKey, type OpenStore } from './store-contract.js';

// What the tests of the near cache wait for: no time, but what the cache itself has heard.

export interface NearStore {
  readonly store: RedisStore;
  /** Stands still, so that nothing ends by its age while a test waits. */
  readonly clock: TestClock;
}

/** A store whose near cache doesn't hear of changes yet; `up` resolves when it does. */
export function beginNear(client: Client, options: RedisStoreOptions = {}): NearStore & { readonly up: Promise<unknown> } {
  const clock = new TestClock(Date.now());
  const up = nextState(true);
  return { store: new RedisStore(client, { nearCache: true, clock: clock.read, ...options }), clock, up };
}

/** One whose near cache does. */
export async function openNear(client: Client, options: RedisStoreOptions = {}): Promise<NearStore> {
  const near = beginNear(client, options);
  await near.up;
  return near;
}

/** The next time that a near cache of this process comes up or goes down. */
export function nextState(up: boolean): Promise<SessionEvents['nearCache']> {
  return new Promise((resolve) => {
    const listen = (message: unknown) => {
      const event = message as SessionEvents['nearCache'];
      if (event.up !== up) return;
      unsubscribe('sojourn:nearCache', listen);
      resolve(event);
    };
    subscribe('sojourn:nearCache', listen);
  });
}

const waiting = new Map<string, () => void>();
const { drop } = NearCache.prototype;
/** The cache does what it does; a test hears of it. */
NearCache.prototype.drop = function (this: NearCache, key: string) {
  drop.call(this, key);
  waiting.get(key)?.();
};

/** The next time that a near cache lets go of the key: because of a write of its own, or since it heard of one. */
export function dropped(key: string): Promise<void> {
  return new Promise((resolve) => {
    waiting.set(key, () => {
      waiting.delete(key);
      resolve();
    });
  });
}

/** Resolves when the near cache has heard of all that was written before: messages come in order, and this one is the last. */
export async function untilHeard(writer: Store): Promise<void> {
  const key = nextKey();
  const heard = dropped(key);
  await created(writer, key);
  await heard;
}

/** Another process whose acts are over when the near cache has heard of them. */
export function heard(writer: Store): Store {
  const late =
    <Args extends unknown[], Reply>(act: (...args: Args) => Promise<Reply>) =>
    async (...args: Args) => {
      const reply = await act.apply(writer, args);
      await untilHeard(writer);
      return reply;
    };
  const { owned } = writer;
  return {
    ...(owned && { owned: { ...owned, endAll: late(owned.endAll) } }),
    read: (key) => writer.read(key),
    exists: (key) => writer.exists(key),
    clearExpired: () => writer.clearExpired(),
    close: () => writer.close(),
    create: late(writer.create),
    update: late(writer.update),
    touch: late(writer.touch),
    retire: late(writer.retire),
    delete: late(writer.delete),
  };
}

/**
 * A store with a near cache for the contract suite. Another process' acts are over when this one has heard of them: how
 * long that takes is what a near cache gives up. `look` sees the keys as Redis has them.
 */
export async function openNearForContract(client: Client, look: Redis, prefix: string, keyPrefix = ''): Promise<OpenStore> {
  const { store } = await openNear(client, { prefix, nearCache: { maxAge: 60 } });
  const writer = new RedisStore(look, { prefix: keyPrefix + prefix });
  return {
    store,
    elsewhere: heard(writer),
    outlives: async (key, seconds) => (await look.pttl(keyPrefix + prefix + key)) > seconds * 1000,
    async expire(key) {
      await look.pexpire(keyPrefix + prefix + key, 0);
      await untilHeard(writer);
    },
  };
}
