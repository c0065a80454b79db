import type { Session } from 'sojourn';
import { storeKeyOf } from '../../src/session-key.js';
import { eventNamesDuring } from '../helpers/events.js';
import { openSession, storedData, storedSession } from '../helpers/sessions.js';
import { deferred, WatchedStore } from '../helpers/stores.js';

describe('with a store that is suspended in the middle', () => {
  let store: WatchedStore;
  let session: Session;
  let oldKey: string;
  const stored = (key = session.sessionKey) => storedData({ store }, key);

  beforeEach(async () => {
    store = new WatchedStore();
    ({ sessionKey: oldKey } = await storedSession({ store }, { a: 1 }));
    session = await openSession({ store }, oldKey);
  });

  test('a flush while the first save is in flight leaves no orphan', async () => {
    session = (await openSession({ store }, null)).set('a', 1);
    const gate = deferred();
    store.before('create', () => gate.promise);
    const saving = session.save();
    const key = session.sessionKey;
    session.flush();
    gate.resolve();
    await saving;
    expect(await stored(key)).toEqual({ a: 1 });
    await session.save();
    expect(await stored(key)).toBeNull();
  });

  test('a flush right after save() was called is a logout: nothing new is stored', async () => {
    const gate = deferred();
    store.before('update', () => gate.promise);
    const saves = [session.set('a', 2).save(), session.set('a', 3).save()];
    session.flush();
    gate.resolve();
    await Promise.all(saves);
    expect([session.sessionKey, session.isEmpty()]).toEqual([null, true]);
    await session.save();
    expect(await stored(oldKey)).toBeNull();
  });

  test('a flush during the save of an earlier flush is one, too', async () => {
    session.flush();
    const gate = deferred();
    store.before('delete', () => gate.promise);
    const saving = session.set('after', 1).save();
    session.flush();
    gate.resolve();
    await saving;
    expect([session.sessionKey, session.isEmpty()]).toEqual([null, true]);
    expect(store.calls).not.toContain('update');
    expect(store.calls.filter((call) => call === 'create')).toHaveLength(1);
  });

  test('a cycle while the first save is in flight ends the record that is just being made', async () => {
    session = (await openSession({ store }, null)).set('a', 1);
    const gate = deferred();
    store.before('create', () => gate.promise);
    const saving = session.save();
    const key = session.sessionKey;
    session.cycleKey();
    gate.resolve();
    await saving;
    await session.save();
    expect(await stored(key)).toBeNull();
    expect(await stored()).toEqual({ a: 1 });
  });

  test('a cycle while an update is in flight ends the record as that has left it', async () => {
    const gate = deferred();
    store.before('update', () => gate.promise);
    const saving = session.set('a', 2).save();
    session.cycleKey();
    session.set('b', 3);
    gate.resolve();
    await saving;
    await session.save();
    expect(await stored(oldKey)).toBeNull();
    expect(await stored()).toEqual({ a: 2, b: 3 });
  });

  test('a cycle while a cycle is in flight ends both', async () => {
    const gate = deferred();
    store.before('retire', () => gate.promise);
    session.cycleKey();
    const between = session.sessionKey;
    const saving = session.save();
    session.cycleKey();
    gate.resolve();
    await saving;
    await session.save();
    expect(await stored(oldKey)).toBeNull();
    expect(await stored(between)).toBeNull();
    expect(await stored()).toEqual({ a: 1 });
  });

  test('a flush while a cycle is in flight leaves nothing', async () => {
    const gate = deferred();
    store.before('retire', () => gate.promise);
    session.cycleKey();
    const newKey = session.sessionKey;
    const saving = session.save();
    session.flush();
    gate.resolve();
    await saving;
    await session.save();
    expect(await stored(oldKey)).toBeNull();
    expect(await stored(newKey)).toBeNull();
  });

  test('retiring that fails takes the new record back; the old one lives, and the cycle can be tried again', async () => {
    session.set('user', 7).cycleKey();
    const newKey = session.sessionKey;
    store.before('retire', () => Promise.reject(new Error('down')));
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(await stored(newKey)).toBeNull();
    expect(await stored(oldKey)).toEqual({ a: 1 });
    expect(session.modified).toBe(true);
    store.clearFaults();
    await session.save();
    expect(await stored(oldKey)).toBeNull();
    expect(await stored()).toEqual({ a: 1, user: 7 });
  });

  test('retiring that fails, with a store that is down altogether, is one error and no unhandled rejection', async () => {
    session.cycleKey();
    store.before('retire', () => Promise.reject(new Error('down'))).before('delete', () => Promise.reject(new Error('down')));
    const events = await eventNamesDuring(() => expect(session.save()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' }));
    expect(events).toEqual(['created', 'storeError', 'storeError']);
  });

  test('retiring that was carried out although it failed is done when it is tried again', async () => {
    session.cycleKey();
    const failAfter = new Error('the reply was lost');
    const retire = store.retire.bind(store);
    store.retire = async (...args) => {
      await retire(...args);
      throw failAfter;
    };
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    store.retire = retire;
    await session.save();
    expect(await stored(oldKey)).toBeNull();
    expect(await stored()).toEqual({ a: 1 });
  });

  test('a new record that somebody else has changed is none of ours', async () => {
    const other = await openSession({ store }, oldKey);
    await other.set('b', 2).save();
    session.cycleKey();
    const newKey = storeKeyOf(session.sessionKey as string);
    store.before('retire', async () => {
      store.clearFaults();
      const record = await store.read(newKey);
      await store.update(newKey, '{}', record?.version as string, 60);
    });
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(await store.read(newKey)).toBeNull();
  });
});
