import type { Store, StoredSession } from 'sojourn';
import { ownersContract } from './owners-contract.js';

/** A store as the contract suite needs it. */
export interface OpenStore {
  readonly store: Store;
  /** Whether the store will still have the record, live or a marker, after so many seconds. */
  outlives(key: string, seconds: number): Promise<boolean>;
  /** Lets the time of a record pass. */
  expire(key: string): Promise<void>;
  /** The same records as another process has them; absent where they are in this process only. */
  readonly elsewhere?: Store;
}

/** What a store declares it can't give. Each is off unless told. */
export interface Shortcomings {
  /** Its acts are not atomic between processes. */
  readonly notAtomic?: boolean;
  /** It doesn't keep the sessions of an owner together. */
  readonly noOwners?: boolean;
  /** How much longer than its ttl a record may live, in seconds. */
  readonly lateBy?: number;
}

let keys = 0;
/** A key no other test uses. */
export function nextKey(): string {
  keys += 1;
  return `key-${keys}`;
}

/** A record's version, and a failed test if there is none. */
export async function created(store: Store, key: string, payload = 'payload', ttl = 60): Promise<string> {
  const version = await store.create(key, payload, ttl);
  if (version === null) throw new Error('the key is taken');
  return version;
}

/** What every store must do: the prose of `Store`, sentence by sentence. */
export function storeContract(
  name: string,
  open: () => Promise<OpenStore>,
  { notAtomic = false, noOwners = false, lateBy = 0 }: Shortcomings = {},
): void {
  describe(`${name} keeps the contract of a store:`, () => {
    let opened: OpenStore;
    let store: Store;
    let key: string;

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => Promise.all([store.close(), opened.elsewhere?.close()]));
    beforeEach(() => {
      key = nextKey();
    });

    const current = async () => (await store.read(key)) as StoredSession;

    if (!noOwners) ownersContract(() => opened);

    describe('missing is a value', () => {
      test('for every act', async () => {
        expect(await store.read(key)).toBeNull();
        expect(await store.update(key, 'x', 'version', 60)).toEqual({ status: 'gone' });
        expect(await store.retire(key, 'version', 60)).toEqual({ status: 'gone' });
        expect(await store.touch(key, 60)).toBe(false);
        expect(await store.delete(key)).toBe(false);
        expect(await store.exists(key)).toBe(false);
      });

      test('and none of these acts makes a record', async () => {
        await store.update(key, 'x', 'version', 60);
        await store.touch(key, 60);
        await store.retire(key, 'version', 60);
        expect(await store.create(key, 'first', 60)).not.toBeNull();
      });

      test('and an expired record is a missing one for every act', async () => {
        const version = await created(store, key);
        await opened.expire(key);
        expect(await store.read(key)).toBeNull();
        expect(await store.exists(key)).toBe(false);
        expect(await store.touch(key, 60)).toBe(false);
        expect(await store.update(key, 'x', version, 60)).toEqual({ status: 'gone' });
        expect(await store.retire(key, version, 60)).toEqual({ status: 'gone' });
        expect(await store.delete(key)).toBe(false);
        expect(await store.create(key, 'again', 60)).not.toBeNull();
      });
    });

    describe('create', () => {
      test('stores a record that can be read, and gives its version', async () => {
        const version = await created(store, key, 'hello');
        expect(await store.read(key)).toEqual({ payload: 'hello', version });
        expect(await store.exists(key)).toBe(true);
      });

      test('answers null for a key that is taken and leaves the record alone', async () => {
        const version = await created(store, key, 'first');
        expect(await store.create(key, 'second', 60)).toBeNull();
        expect(await store.read(key)).toEqual({ payload: 'first', version });
      });

      test('lets exactly one of many win', async () => {
        const versions = await Promise.all(Array.from({ length: 20 }, (_, index) => store.create(key, String(index), 60)));
        const winners = versions.filter((version) => version !== null);
        expect(winners).toHaveLength(1);
        expect(await store.read(key)).toEqual({ payload: String(versions.indexOf(winners[0] as string)), version: winners[0] });
      });
    });

    describe('update', () => {
      test('replaces the record that has the version, and gives a new one', async () => {
        const version = await created(store, key);
        const result = await store.update(key, 'new', version, 60);
        expect(result).toEqual({ status: 'updated', version: expect.any(String) });
        const record = await current();
        expect(record).toEqual({ payload: 'new', version: (result as { version: string }).version });
        expect(record.version).not.toBe(version);
      });

      test('meets a conflict where another write came first, and gives what is there', async () => {
        const version = await created(store, key);
        await store.update(key, 'theirs', version, 60);
        expect(await store.update(key, 'mine', version, 60)).toEqual({ status: 'conflict', current: await current() });
        expect((await current()).payload).toBe('theirs');
      });

      test('lets exactly one of 50 parallel updates of one version win', async () => {
        const version = await created(store, key);
        const results = await Promise.all(Array.from({ length: 50 }, (_, index) => store.update(key, `${index}`, version, 60)));
        const won = results.flatMap((result, index) =>
          result.status === 'updated' ? [{ payload: `${index}`, version: result.version }] : [],
        );
        expect(won).toHaveLength(1);
        expect(await current()).toEqual(won[0]);
        expect(results.filter(({ status }) => status === 'conflict')).toHaveLength(49);
      });

      test("doesn't bring a deleted record back", async () => {
        const version = await created(store, key);
        await store.delete(key);
        expect(await store.update(key, 'late', version, 60)).toEqual({ status: 'gone' });
        expect(await store.read(key)).toBeNull();
      });
    });

    describe('a retired record is a marker', () => {
      let version: string;
      beforeEach(async () => {
        version = await created(store, key, 'secret');
        expect(await store.retire(key, version, 60)).toEqual({ status: 'retired' });
      });

      test('that is read, with an empty payload and a version of its own', async () => {
        expect(await current()).toEqual({ payload: '', version: expect.any(String) });
        expect((await current()).version).not.toBe(version);
      });

      test('that is no live record for exists and touch', async () => {
        expect(await store.exists(key)).toBe(false);
        expect(await store.touch(key, 600)).toBe(false);
        expect(await opened.outlives(key, 60 + lateBy)).toBe(false);
      });

      test('that update and retire meet as a conflict, and create as taken', async () => {
        const marker = await current();
        expect(await store.update(key, 'late', version, 60)).toEqual({ status: 'conflict', current: marker });
        expect(await store.retire(key, version, 60)).toEqual({ status: 'conflict', current: marker });
        expect(await store.create(key, 'late', 60)).toBeNull();
        expect(await current()).toEqual(marker);
      });

      test('that can be deleted', async () => {
        expect(await store.delete(key)).toBe(true);
        expect(await store.read(key)).toBeNull();
      });
    });

    test('retire meets a conflict where another write came first, and gives what is there', async () => {
      const version = await created(store, key);
      await store.update(key, 'theirs', version, 60);
      expect(await store.retire(key, version, 60)).toEqual({ status: 'conflict', current: await current() });
      expect(await store.exists(key)).toBe(true);
    });

    test('touch gives a new time to live and changes nothing else, the version included', async () => {
      const version = await created(store, key, 'same', 60);
      expect(await store.touch(key, 6000)).toBe(true);
      expect(await opened.outlives(key, 5990)).toBe(true);
      expect(await store.read(key)).toEqual({ payload: 'same', version });
      expect(await store.update(key, 'next', version, 60)).toMatchObject({ status: 'updated' });
    });

    test('touch with a version leaves a record alone that was written meanwhile', async () => {
      const version = await created(store, key, 'first', 60);
      expect(await store.touch(key, 6000, version)).toBe(true);
      await store.update(key, 'second', version, 60);
      expect(await store.touch(key, 6000, version)).toBe(false);
      expect(await opened.outlives(key, 61 + lateBy)).toBe(false);
    });

    test('delete answers whether there was something, and the key is free again', async () => {
      await created(store, key);
      expect(await store.delete(key)).toBe(true);
      expect(await store.delete(key)).toBe(false);
      expect(await store.exists(key)).toBe(false);
      expect(await store.create(key, 'second', 60)).not.toBeNull();
    });

    test.each([
      [0.2, 0, 1],
      [1, 0, 1],
      [90.5, 88, 91],
      [86_400, 86_390, 86_400],
      [400 * 86_400, 400 * 86_400 - 10, 400 * 86_400],
    ])('a ttl of %d seconds lets a record live for more than %d and at most %d', async (ttl, above, atMost) => {
      const acts: Record<string, (name: string) => Promise<unknown>> = {
        create: (name) => created(store, name, 'short', ttl),
        update: async (name) => store.update(name, 'short', await created(store, name), ttl),
        touch: async (name) => created(store, name).then(() => store.touch(name, ttl)),
        retire: async (name) => store.retire(name, await created(store, name), ttl),
      };
      for (const [act, carryOut] of Object.entries(acts)) {
        const name = nextKey();
        await carryOut(name);
        expect([act, await opened.outlives(name, above)]).toEqual([act, true]);
        expect([act, await opened.outlives(name, atMost + lateBy)]).toEqual([act, false]);
      }
    });

    test.each([
      ['unicode', 'ä€😀 שלום \u2028'],
      ['control characters and NUL', '\0\x01\x7f\r\n"\\'],
      ['what looks like a format', '%s %d {{x}} $1 ARGV[1]'],
      ['a blank', ' '],
      ['a number', '1'],
      ['a megabyte', 'x'.repeat(1024 * 1024)],
    ])('a payload comes back as it went in: %s', async (_, payload) => {
      const version = await created(store, key, payload);
      expect((await current()).payload).toBe(payload);
      expect(await store.exists(key)).toBe(true);
      const updated = await store.update(key, `${payload}2`, version, 60);
      expect(updated.status).toBe('updated');
      expect((await current()).payload).toBe(`${payload}2`);
    });

    test.each(['__proto__', 'constructor', 'toString', '*', 'a b', '..', '{tag}', 'ä', 'KEY', 'key'])(
      'the key %j is taken as it is',
      async (odd) => {
        expect(await store.read(odd)).toBeNull();
        await created(store, odd, odd);
        expect((await store.read(odd))?.payload).toBe(odd);
        await store.delete(odd);
      },
    );

    test('what was read is a copy: changing it changes nothing in the store', async () => {
      const version = await created(store, key, 'mine');
      (await current()).payload = 'changed';
      (await current()).version = 'changed';
      const conflict = await store.update(key, 'x', 'other', 60);
      if (conflict.status === 'conflict') conflict.current.payload = 'changed';
      expect(await current()).toEqual({ payload: 'mine', version });
    });

    test('what another process wrote is there at once, and is never written over', async () => {
      const other = opened.elsewhere ?? store;
      const version = await created(store, key, 'first');
      expect(await other.read(key)).toEqual({ payload: 'first', version });
      expect(await other.create(key, 'theirs', 60)).toBeNull();
      expect(await other.update(key, 'theirs', version, 60)).toMatchObject({ status: 'updated' });
      expect(await store.update(key, 'mine', version, 60)).toEqual({ status: 'conflict', current: await current() });
      await other.delete(key);
      expect(await store.update(key, 'late', version, 60)).toEqual({ status: 'gone' });
      expect(await other.read(key)).toBeNull();
    });

    if (!notAtomic) {
      test('of parallel writes in two processes exactly one wins', async () => {
        const stores = [store, opened.elsewhere ?? store];
        const everywhere = <Result>(act: (which: Store, index: number) => Promise<Result>) =>
          Promise.all(Array.from({ length: 20 }, (_, index) => act(stores[index % 2] as Store, index)));
        const versions = (await everywhere((which) => which.create(key, 'payload', 60))).filter((version) => version !== null);
        expect(versions).toHaveLength(1);
        const results = await everywhere((which, index) => which.update(key, `${index}`, versions[0] as string, 60));
        expect(results.filter(({ status }) => status === 'updated')).toHaveLength(1);
      });
    }

    test('clearExpired leaves live records alone', async () => {
      await created(store, key);
      await store.clearExpired();
      expect(await store.exists(key)).toBe(true);
    });
  });
}
