import { MemoryStore, RedisStore, type Session, type Store } from 'sojourn';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { openSession, storedData, storedSession } from '../helpers/sessions.js';
import { WatchedStore } from '../helpers/stores.js';

interface Item {
  name: string;
  tags: string[];
}

const stores: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['Redis', () => new RedisStore(connect(), { prefix: ownPrefix() })],
];

describe.each(stores)('a change inside of a value, on %s,', (_, open) => {
  let store: Store;
  let session: Session;
  const cart = () => session.get('cart') as Item[];
  const stored = () => storedData({ store }, session.sessionKey);
  const storedNames = async () => ((await stored()) as { cart: Item[] }).cart.map(({ name }) => name);

  beforeAll(() => {
    store = open();
  });
  afterAll(() => store.close());
  beforeEach(async () => {
    session = await (await storedSession({ store }, { cart: [{ name: 'pen', tags: [] }], other: 1 })).open();
  });

  test.each<[string, () => void]>([
    ['got by get', () => cart().push({ name: 'ink', tags: [] })],
    ['deep inside', () => cart()[0]?.tags.push('blue')],
    ['got by values', () => ([...session.values()][0] as Item[]).pop()],
    ['got by entries', () => (Object.fromEntries(session.entries()).cart as Item[]).pop()],
    ['got by iteration', () => (new Map(session).get('cart') as Item[]).pop()],
    ['got by setDefault', () => (session.setDefault('cart', []) as Item[]).pop()],
    ['of a property', () => Object.assign(cart()[0] as Item, { name: 'pencil' })],
    ['of a deleted property', () => delete (cart()[0] as Partial<Item>).name],
  ])('is seen and stored: %s', async (__, change) => {
    change();
    expect(session.modified).toBe(true);
    const expected = JSON.parse(JSON.stringify(cart()));
    await session.save();
    expect(await stored()).toEqual({ cart: expected, other: 1 });
  });

  test('is none if it was taken back', async () => {
    cart().push({ name: 'ink', tags: [] });
    cart().pop();
    expect(session.modified).toBe(false);
  });

  test('is seen again after a save, by the same reference', async () => {
    const held = cart();
    held.push({ name: 'ink', tags: [] });
    await session.save();
    held.push({ name: 'pad', tags: [] });
    await (await openSession({ store }, session.sessionKey)).set('theirs', true).save();
    await session.save();
    expect(await storedNames()).toEqual(['pen', 'ink', 'pad']);
    // And no longer, once it is stored.
    await (await openSession({ store }, session.sessionKey)).set('cart', []).save();
    await session.save();
    expect(await storedNames()).toEqual([]);
  });

  test('is seen in an object that was set and then changed, before and after the save', async () => {
    const list = ['first'];
    session.set('list', list);
    list.push('second');
    await session.save();
    list.push('third');
    // What is laid over another request's write is only what is known to have changed.
    await (await openSession({ store }, session.sessionKey)).set('theirs', true).save();
    await session.save();
    expect(await stored()).toMatchObject({ list: ['first', 'second', 'third'], theirs: true });
  });

  test('no longer counts once the object was replaced or deleted', async () => {
    const old = cart();
    session.set('cart', []);
    old.push({ name: 'lost', tags: [] });
    await session.save();
    old.push({ name: 'lost', tags: [] });
    session.get('other');
    await session.save();
    expect(await stored()).toEqual({ cart: [], other: 1 });
    const empty = cart();
    session.delete('cart');
    empty.push({ name: 'lost', tags: [] });
    await session.save();
    expect(await stored()).toEqual({ other: 1 });
  });

  test('no longer counts after clear and flush', async () => {
    const old = cart();
    session.clear();
    old.push({ name: 'lost', tags: [] });
    await session.save();
    expect(await stored()).toEqual({});
    session.flush();
    old.push({ name: 'lost', tags: [] });
    expect(session.isEmpty()).toBe(true);
  });

  test('wins over what another request wrote to the same key, also after the merge', async () => {
    const held = cart();
    const other = await openSession({ store }, session.sessionKey);
    other.set('cart', []).set('theirs', true);
    await other.save();
    session.set('mine', true);
    await session.save();
    expect(await stored()).toEqual({ cart: [], other: 1, theirs: true, mine: true });
    // The object the application holds is still the one it changes.
    held.push({ name: 'ink', tags: [] });
    expect(session.get('cart')).toBe(held);
    await session.save();
    expect(await storedNames()).toEqual(['pen', 'ink']);
  });

  test('of what the merge brought is seen as well', async () => {
    const other = await openSession({ store }, session.sessionKey);
    other.set('theirs', ['a']).set('cart', []);
    await other.save();
    cart();
    session.set('mine', true);
    await session.save();
    (session.get('theirs') as string[]).push('b');
    cart().push({ name: 'ink', tags: [] });
    await session.save();
    expect(await stored()).toEqual({ cart: [{ name: 'ink', tags: [] }], theirs: ['a', 'b'], mine: true, other: 1 });
  });

  test('of what another request deleted brings the value back: it is a write of that key', async () => {
    const held = cart();
    const other = await openSession({ store }, session.sessionKey);
    other.delete('cart');
    await other.save();
    session.set('mine', true);
    await session.save();
    expect(session.has('cart')).toBe(false);
    held.push({ name: 'ink', tags: [] });
    await session.save();
    expect(await storedNames()).toEqual(['pen', 'ink']);
  });
});

describe('what was only read', () => {
  test('is not compared as a change, whatever its shape', async () => {
    const store = new WatchedStore();
    const session = await (await storedSession({ store }, { object: { a: [1, { b: null }] }, text: 'x', list: [] })).open();
    for (const [, value] of session) void value;
    expect(session.modified).toBe(false);
  });

  test('is not written over what others wrote meanwhile', async () => {
    const store = new WatchedStore();
    const { open, sessionKey } = await storedSession({ store }, { read: ['old'], mine: 0 });
    const session = await open();
    session.get('read');
    const other = await open();
    (other.get('read') as string[]).push('new');
    await other.save();
    await session.set('mine', 1).save();
    expect(await storedData({ store }, sessionKey)).toEqual({ read: ['old', 'new'], mine: 1 });
  });
});
