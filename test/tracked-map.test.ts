import fc from 'fast-check';
import { DELETED, joined, layOver, TrackedMap } from '../src/tracked-map.js';

const entries = (map: TrackedMap) => Object.fromEntries(map.values);
const changesOf = (map: TrackedMap) => {
  const { cleared, keys } = map.take();
  return { cleared, keys: Object.fromEntries(keys) };
};

describe('a tracked map', () => {
  test('has nothing to take as long as it is only read', () => {
    const map = new TrackedMap(new Map<string, unknown>([['list', [1]]]));
    map.get('list');
    map.get('missing');
    expect(map.delete('missing')).toBe(false);
    expect(map.changed).toBe(false);
    expect(changesOf(map)).toEqual({ cleared: false, keys: {} });
  });

  test('replaces a value by one that says the same without a change, and sees what happens to that one', () => {
    const map = new TrackedMap(
      new Map<string, unknown>([
        ['list', [1]],
        ['text', 'a'],
      ]),
    );
    map.get('list');
    const own = [1];
    map.replace('list', own);
    map.replace('text', 'a');
    expect(changesOf(map)).toEqual({ cleared: false, keys: {} });
    own.push(2);
    map.replace('text', 'b');
    map.replace('new', 5n);
    expect(changesOf(map)).toEqual({ cleared: false, keys: { list: [1, 2], text: 'b', new: 5n } });
  });

  test('amends a value, which is stored with the next change and gives way to what others have stored', () => {
    const map = new TrackedMap(new Map<string, unknown>([['cookie', 1]]));
    map.amend('cookie', 2);
    expect([map.changed, entries(map), changesOf(map)]).toEqual([false, { cookie: 2 }, { cleared: false, keys: {} }]);
    map.rebase(new Map([['cookie', 3]]));
    expect(entries(map)).toEqual({ cookie: 3 });
  });

  test('tells what was set, deleted and changed in place since the last take', () => {
    const map = new TrackedMap(
      new Map<string, unknown>([
        ['list', [1]],
        ['gone', 1],
        ['same', { a: 1 }],
      ]),
    );
    map.set('new', 1);
    map.delete('gone');
    (map.get('list') as number[]).push(2);
    map.get('same');
    expect(map.changed).toBe(true);
    expect(changesOf(map)).toEqual({ cleared: false, keys: { new: 1, gone: DELETED, list: [1, 2] } });
    expect(map.changed).toBe(false);
    expect(changesOf(map)).toEqual({ cleared: false, keys: {} });
  });

  test('tells that it was cleared, and what came after', () => {
    const map = new TrackedMap(new Map([['a', 1]]));
    map.set('b', 2);
    map.clear();
    map.set('c', 3);
    expect(changesOf(map)).toEqual({ cleared: true, keys: { c: 3 } });
    expect(entries(map)).toEqual({ c: 3 });
  });

  test('gives the same object for the same key, every time', () => {
    const map = new TrackedMap(new Map([['a', { b: 1 }]]));
    expect(map.get('a')).toBe(map.get('a'));
  });

  test('sees a change in an object that has no JSON text, once it has one', () => {
    const cyclic: { self?: unknown; big?: bigint } = {};
    cyclic.self = cyclic;
    const map = new TrackedMap(new Map([['a', cyclic]]));
    map.get('a');
    expect(map.changed).toBe(false);
    delete cyclic.self;
    expect(map.changed).toBe(true);
  });

  test('takes changes back that were not stored, unless it was cleared since', () => {
    const map = new TrackedMap();
    map.set('a', 1);
    const changes = map.take();
    map.giveBack(changes);
    expect(changesOf(map)).toEqual({ cleared: false, keys: { a: 1 } });
    map.clear();
    map.giveBack(changes);
    expect(changesOf(map)).toEqual({ cleared: true, keys: {} });
  });

  test('forgets changes, and sees the ones after that', () => {
    const list = [1];
    const map = new TrackedMap(new Map<string, unknown>([['held', list]]));
    const mine: number[] = [];
    map.set('mine', mine);
    (map.get('held') as number[]).push(2);
    map.clear();
    map.set('mine', mine);
    map.forget();
    expect(map.changed).toBe(false);
    mine.push(1);
    expect(changesOf(map)).toEqual({ cleared: false, keys: { mine: [1] } });
  });

  test('goes on from what was stored after a merge, with the changes since on top', () => {
    const map = new TrackedMap(new Map([['a', 1]]));
    map.set('b', 2);
    map.take();
    map.set('c', 3);
    map.delete('a');
    map.rebase(
      new Map([
        ['a', 1],
        ['b', 2],
        ['theirs', 4],
      ]),
    );
    expect(entries(map)).toEqual({ b: 2, theirs: 4, c: 3 });
    expect(changesOf(map)).toEqual({ cleared: false, keys: { a: DELETED, c: 3 } });
  });
});

test('joined changes are the later ones on top of the earlier ones', () => {
  const earlier = {
    cleared: true,
    keys: new Map<string, unknown>([
      ['a', 1],
      ['b', 1],
    ]),
  };
  const later = {
    cleared: false,
    keys: new Map<string, unknown>([
      ['b', DELETED],
      ['c', 1],
    ]),
  };
  const both = joined(earlier, later);
  expect({ cleared: both.cleared, keys: Object.fromEntries(both.keys) }).toEqual({ cleared: true, keys: { a: 1, b: DELETED, c: 1 } });
  const cleared = { cleared: true, keys: new Map() };
  expect(joined(earlier, cleared)).toBe(cleared);
});

describe('against a simple model, whatever is done to it,', () => {
  const keys = fc.constantFrom('a', 'b', 'c', '__proto__');
  const values = fc.oneof(fc.integer(), fc.array(fc.integer(), { maxLength: 2 }), fc.constant(null));
  const steps = fc.array(
    fc.oneof(
      fc.record({ act: fc.constant('set' as const), key: keys, value: values }),
      fc.record({ act: fc.constant('delete' as const), key: keys }),
      fc.record({ act: fc.constant('push' as const), key: keys, value: fc.integer() }),
      fc.record({ act: fc.constant('clear' as const) }),
      fc.record({ act: fc.constant('take' as const), fails: fc.boolean() }),
      fc.record({ act: fc.constant('read' as const), key: keys }),
    ),
    { maxLength: 30 },
  );
  const copy = <Value>(value: Value): Value => structuredClone(value);

  test('what is taken, laid over what was stored before, is what there is', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, values)), steps, (initial, todo) => {
        const map = new TrackedMap(new Map(copy(initial)));
        let stored: ReadonlyMap<string, unknown> = new Map(copy(initial));
        const model = new Map<string, unknown>(copy(initial));
        for (const step of todo) {
          if (step.act === 'set') {
            map.set(step.key, copy(step.value));
            model.set(step.key, copy(step.value));
          } else if (step.act === 'delete') {
            expect(map.delete(step.key)).toBe(model.delete(step.key));
          } else if (step.act === 'push') {
            for (const value of [map.get(step.key), model.get(step.key)]) if (Array.isArray(value)) value.push(step.value);
          } else if (step.act === 'clear') {
            map.clear();
            model.clear();
          } else if (step.act === 'read') {
            expect(map.get(step.key)).toEqual(model.get(step.key));
          } else {
            const changes = map.take();
            if (step.fails) map.giveBack(changes);
            else stored = copy(new Map([...layOver(stored, changes)]));
          }
          expect(new Map(map.values)).toEqual(model);
        }
        expect(layOver(stored, map.take())).toEqual(model);
        expect(map.changed).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('what nobody else wrote and this one did not change stays what others wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, values)), steps, fc.array(fc.tuple(keys, values)), (initial, todo, theirs) => {
        const map = new TrackedMap(new Map(copy(initial)));
        const touched = new Set<string>();
        let cleared = false;
        for (const step of todo) {
          if (step.act === 'set') map.set(step.key, step.value);
          if (step.act === 'delete' && !map.delete(step.key)) continue;
          if (step.act === 'clear') {
            map.clear();
            touched.clear();
            cleared = true;
          }
          if (step.act === 'set' || step.act === 'delete') touched.add(step.key);
        }
        const merged = layOver(new Map(theirs), map.take());
        for (const [key, value] of new Map(theirs)) {
          if (!touched.has(key)) expect([key, merged.get(key)]).toEqual([key, cleared ? undefined : value]);
        }
        map.rebase(merged);
        expect(new Map(map.values)).toEqual(merged);
      }),
      { numRuns: 300 },
    );
  });
});
