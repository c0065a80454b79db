import { randomBytes } from 'node:crypto';
import type { Entry, OwnedSessions, SessionLimit, Store } from 'sojourn';
import type { OpenStore } from './store-contract.js';

const random = (length: number) => randomBytes(40).toString('base64url').slice(0, length);

/** What every store must do that keeps the sessions of an owner together: the prose of `OwnedSessions`, sentence by sentence. */
export function ownersContract(opened: () => OpenStore): void {
  describe('owners', () => {
    let store: Store;
    let owned: OwnedSessions;
    let owner: string;
    /** When all of this begins, in milliseconds. */
    let began: number;

    beforeEach(() => {
      store = opened().store;
      owned = store.owned as OwnedSessions;
      owner = random(22);
      began = owned.signIn();
    });

    const newKey = (of = owner) => `{${of}}:${random(43)}`;
    const entry = (signedInAt = began, more: Partial<Entry> = {}): Entry => ({
      signedInAt,
      createdAt: signedInAt,
      begins: true,
      limit: undefined,
      replaces: undefined,
      ...more,
    });
    /** Stores a session that must be accepted. */
    async function entered(signedInAt = began, more: Partial<Entry> = {}, ttl = 60) {
      const key = newKey();
      const result = await owned.enter(key, `payload of ${key}`, ttl, entry(signedInAt, more));
      if (result.status !== 'created') throw new Error(`the session is ${result.status}`);
      return { key, ...result };
    }
    const listed = async () => (await owned.list(owner)).map(({ key }) => key).sort();
    const living = async (...keys: string[]) => {
      const records = await Promise.all(keys.map((key) => store.read(key)));
      return keys.filter((_, index) => records[index] !== null);
    };

    test('a session that is entered is read like any other, and knows its times', async () => {
      const { key, version } = await entered(began, { createdAt: began - 5000 });
      const record = await store.read(key);
      expect(record).toMatchObject({ payload: `payload of ${key}`, version });
      expect(record?.times?.signedInAt).toBe(began);
      expect(Math.floor((record?.times?.createdAt ?? 0) / 1000)).toBe(Math.floor((began - 5000) / 1000));
      expect(await store.exists(key)).toBe(true);
    });

    test('entering never replaces, not even a marker', async () => {
      const { key, version } = await entered();
      expect(await owned.enter(key, 'another', 60, entry())).toEqual({ status: 'taken' });
      await store.retire(key, version, 60);
      expect(await owned.enter(key, 'another', 60, entry())).toEqual({ status: 'taken' });
    });

    test('update, touch, retire and delete work as for any other, and the times stay', async () => {
      const { key, version } = await entered();
      const updated = await store.update(key, 'next', version, 60);
      expect(updated).toEqual({ status: 'updated', version: expect.any(String) });
      const next = updated.status === 'updated' ? updated.version : '';
      expect(await store.update(key, 'late', version, 60)).toMatchObject({
        status: 'conflict',
        current: { payload: 'next', version: next },
      });
      expect(await store.touch(key, 120)).toBe(true);
      expect(await store.touch(key, 120, 'other')).toBe(false);
      expect(await opened().outlives(key, 90)).toBe(true);
      expect(await store.read(key)).toMatchObject({ payload: 'next', version: next, times: { signedInAt: began } });
      expect(await store.retire(key, next, 60)).toEqual({ status: 'retired' });
      expect(await store.read(key)).toMatchObject({ payload: '' });
      expect(await store.exists(key)).toBe(false);
      expect(await store.touch(key, 60)).toBe(false);
      expect(await store.delete(key)).toBe(true);
      expect(await store.delete(key)).toBe(false);
      expect(await store.update(key, 'late', next, 60)).toEqual({ status: 'gone' });
    });

    test('the list has the live sessions of this owner: no markers, none that was deleted, nobody else’s', async () => {
      const [one, retired, deleted] = [await entered(), await entered(), await entered()];
      await store.retire(retired.key, retired.version, 60);
      await store.delete(deleted.key);
      await owned.enter(newKey(random(22)), 'somebody else', 60, entry());
      const list = await owned.list(owner);
      expect(list).toEqual([
        { key: one.key, payload: `payload of ${one.key}`, version: one.version, times: expect.anything(), expiresAt: expect.any(Number) },
      ]);
    });

    test('the list follows what is written, and what expires', async () => {
      const { key, version } = await entered();
      const [before] = await owned.list(owner);
      await store.update(key, 'next', version, 600);
      const [after] = await owned.list(owner);
      expect(after).toMatchObject({ payload: 'next' });
      expect((after?.expiresAt ?? 0) - (before?.expiresAt ?? 0)).toBeGreaterThan(500_000);
      const another = await entered();
      expect(await listed()).toEqual([key, another.key].sort());
      await opened().expire(another.key);
      expect(await listed()).toEqual([key]);
    });

    test('a note that a session was seen changes nothing else', async () => {
      const { key, version } = await entered();
      await owned.see(key);
      expect(await store.read(key)).toMatchObject({ payload: `payload of ${key}`, version, times: { signedInAt: began } });
      await owned.see(newKey());
      expect(await listed()).toEqual([key]);
      expect(await opened().outlives(key, 61)).toBe(false);
    });

    test('endAll ends all sessions of the owner and nobody else’s', async () => {
      const keys = [await entered(), await entered()].map(({ key }) => key);
      const another = newKey(random(22));
      await owned.enter(another, 'somebody else', 60, entry());
      expect(await owned.endAll(owner)).toEqual({ ended: 2, epoch: expect.any(Number) });
      expect(await living(...keys, another)).toEqual([another]);
      expect(await owned.list(owner)).toEqual([]);
      expect(await owned.endAll(owner)).toMatchObject({ ended: 0 });
    });

    test('endAll spares one, which then counts as signed in since', async () => {
      const [one, two] = [await entered(), await entered()];
      const { ended, epoch } = await owned.endAll(owner, one.key);
      expect(ended).toBe(1);
      expect(await living(one.key, two.key)).toEqual([one.key]);
      expect(await listed()).toEqual([one.key]);
      expect(await store.read(one.key)).toMatchObject({ version: one.version, times: { signedInAt: epoch } });
      expect(await store.update(one.key, 'next', one.version, 60)).toMatchObject({ status: 'updated' });
      await owned.endAll(owner);
      expect(await living(one.key)).toEqual([]);
    });

    test('what is spared must be alive', async () => {
      const one = await entered();
      await store.delete(one.key);
      await owned.endAll(owner, one.key);
      expect(await living(one.key)).toEqual([]);
      expect(await listed()).toEqual([]);
    });

    test('whoever signed in before sessions ended can’t be entered any more, and whoever did so afterwards can', async () => {
      await entered();
      const { epoch } = await owned.endAll(owner);
      expect(await owned.enter(newKey(), 'late', 60, entry(epoch - 1))).toEqual({ status: 'revoked' });
      expect(await listed()).toEqual([]);
      await entered(epoch);
      expect(await listed()).toHaveLength(1);
    });

    test('what goes on under another key must have been signed in since, whatever the clocks say', async () => {
      await entered(began + 3_600_000);
      const { epoch } = await owned.endAll(owner);
      const goesOn = (signedInAt: number) => owned.enter(newKey(), 'goes on', 60, entry(signedInAt, { begins: false }));
      expect(await goesOn(epoch - 1)).toEqual({ status: 'revoked' });
      expect(await goesOn(epoch)).toMatchObject({ status: 'created' });
    });

    test('and so for an owner who had no session', async () => {
      const { epoch } = await owned.endAll(owner);
      expect(await owned.enter(newKey(), 'late', 60, entry(epoch - 1))).toEqual({ status: 'revoked' });
    });

    test('the first that is entered shuts out none that signed in a little earlier', async () => {
      await entered(began);
      await entered(began - 60_000);
      expect(await listed()).toHaveLength(2);
    });

    test('what is spared must be a session, and no marker of one', async () => {
      const one = await entered();
      await store.retire(one.key, one.version, 60);
      await owned.endAll(owner, one.key);
      expect(await store.read(one.key)).toBeNull();
    });

    test('a write that is under way can’t bring an ended session back', async () => {
      const { key, version } = await entered();
      await owned.endAll(owner);
      expect(await store.update(key, 'late', version, 60)).toEqual({ status: 'gone' });
      expect(await store.touch(key, 60)).toBe(false);
      expect(await store.retire(key, version, 60)).toEqual({ status: 'gone' });
      expect(await living(key)).toEqual([]);
    });

    test('a session from a process whose clock is ahead ends as well', async () => {
      const { key } = await entered(began + 3_600_000);
      const { epoch } = await owned.endAll(owner);
      expect(epoch).toBeGreaterThan(began + 3_600_000);
      expect(await living(key)).toEqual([]);
    });

    describe('a limit', () => {
      const limit = (then: SessionLimit['then']): Partial<Entry> => ({ limit: { sessions: 2, then } });

      test('that evicts ends the oldest, as many as it takes', async () => {
        const keys = [];
        for (const age of [3000, 4000, 2000, 1000]) keys.push((await entered(began - age)).key);
        const last = await entered(began, limit('evict-oldest'));
        expect(last.evicted).toBe(3);
        expect(await listed()).toEqual([keys[3], last.key].sort());
        expect(await living(...keys)).toEqual([keys[3]]);
      });

      test('that refuses stores nothing', async () => {
        await entered(began, limit('refuse'));
        await entered(began, limit('refuse'));
        expect(await owned.enter(newKey(), 'one too many', 60, entry(began, limit('refuse')))).toEqual({ status: 'full' });
        expect(await listed()).toHaveLength(2);
      });

      test('doesn’t count the one that is replaced, nor what has ended', async () => {
        const [one, two] = [await entered(began, limit('refuse')), await entered(began, limit('refuse'))];
        const next = await entered(began, { ...limit('refuse'), replaces: one.key });
        await store.delete(two.key);
        // Not even while it is still there.
        expect(await living(one.key)).toEqual([one.key]);
        const last = await entered(began, limit('refuse'));
        expect(await listed()).toEqual([next.key, last.key].sort());
      });

      test.each(['evict-oldest', 'refuse'] as const)('is exact for many at once (%s)', async (then) => {
        const results = await Promise.all(
          Array.from({ length: 50 }, () => owned.enter(newKey(), 'one of many', 60, entry(began, limit(then)))),
        );
        expect(await listed()).toHaveLength(2);
        const created = results.filter(({ status }) => status === 'created').length;
        expect(created).toBe(then === 'refuse' ? 2 : 50);
      });
    });

    test('what another process stores and ends is the same here', async () => {
      const { elsewhere } = opened();
      if (elsewhere?.owned === undefined) return;
      const { key } = await entered();
      expect((await elsewhere.owned.list(owner)).map((session) => session.key)).toEqual([key]);
      await elsewhere.owned.endAll(owner);
      expect(await living(key)).toEqual([]);
      expect(await listed()).toEqual([]);
    });
  });
}
