import type { Session } from 'sojourn';
import { storedData, storedSession } from '../helpers/sessions.js';
import { WatchedStore } from '../helpers/stores.js';

describe('session.update(change) with a change inside of a value', () => {
  let store: WatchedStore;
  let session: Session;
  let open: () => Promise<Session>;
  const stored = () => storedData({ store }, session.sessionKey);
  const push = (value: number) => (s: Session) => void s.setDefault('list', [] as number[]).push(value);

  beforeEach(async () => {
    store = new WatchedStore();
    ({ open } = await storedSession({ store }, { list: [1], n: 0 }));
    session = await open();
  });

  test('stores it once', async () => {
    await session.update(push(2));
    expect(await stored()).toEqual({ list: [1, 2], n: 0 });
    await session.update(push(3));
    expect(await stored()).toEqual({ list: [1, 2, 3], n: 0 });
  });

  test('makes it again on what others wrote, once', async () => {
    await (await open()).update(push(2));
    await session.update(push(3));
    expect(await stored()).toEqual({ list: [1, 2, 3], n: 0 });
    expect(session.get('list')).toEqual([1, 2, 3]);
  });

  test('makes it once on what this request itself had set before, whatever others write', async () => {
    session.set('list', [10]);
    session.delete('n');
    await (await open()).set('other', 1).save();
    await session.update(push(20));
    expect(await stored()).toEqual({ list: [10, 20], other: 1 });
  });

  test('made again because of a write during the update, keeps what the application did meanwhile', async () => {
    store.before('update', async () => {
      store.clearFaults();
      session.set('meanwhile', true);
      await (await open()).update(push(2));
    });
    await session.update(push(3));
    expect(await stored()).toMatchObject({ list: [1, 2, 3], meanwhile: true });
  });

  test.each([
    ['a value that was stored', (s: Session) => void s, [1]],
    ['a value that was set before', (s: Session) => void s.set('list', [5]), [5]],
    ['a value that was changed in place before', push(5), [1, 5]],
  ])('that fails has not happened: %s', async (_, before, list) => {
    before(session);
    store.before('update', () => Promise.reject(new Error('down')));
    await expect(session.update(push(2))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(session.get('list')).toEqual(list);
    store.clearFaults();
    await session.set('n', 1).save();
    expect(await stored()).toEqual({ list, n: 1 });
    await session.update(push(2));
    expect(await stored()).toEqual({ list: [...list, 2], n: 1 });
  });

  test('after a value that JSON would change is a TypeError, and the change is not called', async () => {
    const change = jest.fn();
    session.set('when', new Date(0));
    await expect(session.update(change)).rejects.toMatchObject({ code: 'ERR_SESSION_VALUE' });
    expect(change).not.toHaveBeenCalled();
    expect(session.get('when')).toEqual(new Date(0));
  });
});
