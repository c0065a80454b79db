import type { Session } from 'sojourn';
import { workOf } from '../../src/session.js';
import { storedData, storedSession } from '../helpers/sessions.js';
import { type Deferred, deferred, WatchedStore } from '../helpers/stores.js';

describe('while a save is running', () => {
  let store: WatchedStore;
  let session: Session;
  let gate: Deferred;
  const stored = () => storedData({ store }, session.sessionKey);

  beforeEach(async () => {
    store = new WatchedStore();
    session = await (await storedSession({ store }, { list: ['a'], n: 0 })).open();
    gate = deferred();
    store.before('update', () => gate.promise);
  });

  test('changes are made at once, and belong to the next save', async () => {
    const list = session.get('list') as string[];
    const first = session.set('n', 1).save();
    session.set('n', 2);
    list.push('b');
    session.set('late', true);
    gate.resolve();
    await first;
    expect(await stored()).toEqual({ list: ['a'], n: 1 });
    expect(session.modified).toBe(true);
    await session.save();
    expect(await stored()).toEqual({ list: ['a', 'b'], n: 2, late: true });
  });

  test('a second save waits for the first', async () => {
    const first = session.set('n', 1).save();
    const second = session.set('n', 2).save();
    expect(store.calls.filter((call) => call === 'update')).toHaveLength(1);
    gate.resolve();
    await Promise.all([first, second]);
    expect((await stored())?.n).toBe(2);
  });

  test('a second save is made although the first one fails', async () => {
    const first = session.set('n', 1).save();
    const second = session.set('m', 2).save();
    store.clearFaults();
    gate.reject(new Error('down'));
    await expect(first).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await second;
    expect(await stored()).toMatchObject({ n: 1, m: 2 });
  });

  test('clear belongs to the next one', async () => {
    const first = session.set('n', 1).save();
    session.clear();
    session.set('after', true);
    gate.resolve();
    await first;
    expect(await stored()).toEqual({ list: ['a'], n: 1 });
    await session.save();
    expect(await stored()).toEqual({ after: true });
  });

  test.each<[string, (session: Session) => unknown, Record<string, unknown>]>([
    ['nothing', () => {}, { n: 1, list: ['a', 'b'] }],
    ['a newer value', (s) => s.set('n', 2), { n: 2, list: ['a', 'b'] }],
    ['a deletion', (s) => s.delete('n'), { list: ['a', 'b'] }],
    ['a clear', (s) => s.clear(), {}],
    ['a clear and a value', (s) => [s.clear(), s.set('n', 3)], { n: 3 }],
  ])('a failed one gives its changes back, under what came since: %s', async (_, change, expected) => {
    (session.get('list') as string[]).push('b');
    const failing = session.set('n', 1).save();
    change(session);
    gate.reject(new Error('down'));
    await expect(failing).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    store.clearFaults();
    expect(session.modified).toBe(true);
    await session.save();
    expect(await stored()).toEqual(expected);
  });

  test('a failed clear is given back, too', async () => {
    session.clear();
    const failing = session.save();
    session.set('late', true);
    gate.reject(new Error('down'));
    await expect(failing).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    store.clearFaults();
    await session.save();
    expect(await stored()).toEqual({ late: true });
  });

  test('modified by hand is given back by a failed save, unless the session was flushed meanwhile', async () => {
    session.modified = true;
    const failing = session.save();
    gate.reject(new Error('down'));
    await expect(failing).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(session.modified).toBe(true);
    const again = session.save();
    session.flush();
    await expect(again).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect([workOf(session as unknown as Session<never>).changed, session.isEmpty()]).toEqual([false, true]);
  });
});
