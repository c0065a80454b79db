import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { json } from 'sojourn';
import { anyCharacter, anyText } from '../helpers/text.js';

const codec = json();
const context = { binding: 'salt:key' };
const encode = (data: Record<string, unknown>) => codec.encode(new Map(Object.entries(data)), context);
const roundTrip = (data: ReadonlyMap<string, unknown>) => codec.decode(codec.encode(data, context), context);

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

class Point {
  x = 1;
}
class List extends Array<number> {}
const cycle: Record<string, unknown> = {};
cycle.self = cycle;

describe('json()', () => {
  test('writes what redis-cli shows best: plain JSON', () => {
    expect(encode({ userId: 7, cart: [{ id: 'a' }] })).toBe('{"userId":7,"cart":[{"id":"a"}]}');
    expect(encode({})).toBe('{}');
  });

  test.each<[string, unknown, string, string]>([
    ['undefined', undefined, 'v', 'undefined'],
    ['NaN', Number.NaN, 'v', 'NaN'],
    ['Infinity', Number.POSITIVE_INFINITY, 'v', 'Infinity'],
    ['-Infinity', Number.NEGATIVE_INFINITY, 'v', '-Infinity'],
    ['-0', -0, 'v', '-0'],
    ['a BigInt', 1n, 'v', 'a bigint'],
    ['a function', () => 1, 'v', 'a function'],
    ['a symbol', Symbol('s'), 'v', 'a symbol'],
    ['a Date', new Date(0), 'v', 'a Date'],
    ['a Map', new Map(), 'v', 'a Map'],
    ['a Set', new Set(), 'v', 'a Set'],
    ['a RegExp', /x/, 'v', 'a RegExp'],
    ['a Buffer', Buffer.from('x'), 'v', 'a Buffer'],
    ['a typed array', new Uint8Array(1), 'v', 'a Uint8Array'],
    ['an ArrayBuffer', new ArrayBuffer(1), 'v', 'a ArrayBuffer'],
    ['an Error', new Error('x'), 'v', 'a Error'],
    ['a Promise', Promise.resolve(), 'v', 'a Promise'],
    ['a boxed string', Object('x'), 'v', 'a String'],
    ['a class instance', new Point(), 'v', 'a Point'],
    ['an instance of a nameless class', new (class {})(), 'v', 'a class instance'],
    ['an instance without constructor', Object.create(Object.create({ constructor: 1 })), 'v', 'a class instance'],
    ['an array of a class', List.of(1), 'v', 'a List'],
    ['an object with an own toJSON', { toJSON: () => 1 }, 'v.toJSON', 'a function'],
    ['an object with a symbol key', { [Symbol('s')]: 1 }, 'v', 'an object with symbol keys'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    ['an array with a hole', [1, , 2], 'v', 'an array with holes or named properties'],
    ['an array with a named property', Object.assign([1], { name: 1 }), 'v', 'an array with holes or named properties'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    ['an array with both', Object.assign([, 1], { name: 1 }), 'v[0]', 'undefined'],
    ['a cycle', cycle, `v${'.self'.repeat(100)}`, 'nested deeper than 100 levels, or contains itself'],
    ['too deep a value', nested(101), `v${'[0]'.repeat(100)}`, 'nested deeper than 100 levels, or contains itself'],
    ['something deep inside', { a: [1, { b: new Date(0) }] }, 'v.a[1].b', 'a Date'],
    ['undefined in an object', { a: undefined }, 'v.a', 'undefined'],
    ['undefined in an array', [undefined], 'v[0]', 'undefined'],
  ])('refuses %s with its path', (_, value, path, what) => {
    const refused = expect.objectContaining({ name: 'TypeError', code: 'ERR_SESSION_VALUE', status: 500 });
    expect(() => encode({ v: value })).toThrow(refused);
    expect(() => encode({ v: value })).toThrow(`"${path}" is ${what}, which JSON can't keep`);
  });

  test.each<[string, unknown]>([
    ['null', null],
    ['booleans', [true, false]],
    ['numbers', [0, 1.5, -1, Number.MAX_SAFE_INTEGER, 5e-324, 1.7976931348623157e308]],
    ['texts', ['', 'ä😀', '\0\u2028\ud800', '__proto__']],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a hundred levels', nested(100)],
    ['an empty list and object', [[], {}]],
    ['the same object twice', Array(2).fill({ a: 1 })],
    ['plain objects of another realm', runInNewContext('[{ a: [1] }]')],
  ])('keeps %s as it is', (_, value) => {
    expect(JSON.stringify(roundTrip(new Map([['v', value]])).get('v'))).toBe(JSON.stringify(value));
  });

  test('names the first key at fault, and no value', () => {
    expect(() => encode({ fine: 'canary', bad: 1n, worse: undefined })).toThrow('"bad"');
    expect(() => encode({ fine: 'canary', bad: 1n })).not.toThrow('canary');
  });

  test('looks only at the suspects, and only at those that are there', () => {
    const data = new Map<string, unknown>([['old', new Date(0)]]);
    expect(codec.encode(data, { ...context, suspects: ['new'] })).toBe('{"old":"1970-01-01T00:00:00.000Z"}');
    expect(() => codec.encode(data, { ...context, suspects: ['old'] })).toThrow(TypeError);
    expect(() => codec.encode(data, context)).toThrow(TypeError);
  });

  test('keeps the order of keys, also of those that look like numbers', () => {
    const keys = ['b', '10', 'a', '9', '0', '01', '-1', '1.5'];
    expect([...roundTrip(new Map(keys.map((key) => [key, key]))).keys()]).toEqual(keys);
  });

  test('gives any JSON back as it was, whatever the keys are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyText(), fc.jsonValue({ stringUnit: anyCharacter }))), (pairs) => {
        // -0 is the one JSON value that JSON.stringify changes; it is refused, see above.
        const data = new Map(pairs.map(([key, value]) => [key, JSON.parse(JSON.stringify(value)) as unknown]));
        expect([...roundTrip(data)]).toEqual([...data]);
      }),
    );
  });

  test.each(['', '{bad', 'null', 'true', '1', '"text"', '[1]', '[["a"]]', '[["a",1,2]]', '[[1,2]]', '[{}]', '{"a":1}x', '\ufeff{}'])(
    'decodes nothing but what it writes: %j',
    (text) => {
      expect(() => codec.decode(text, context)).toThrow();
    },
  );

  test('reads __proto__ as data, at any depth', () => {
    const data = codec.decode('{"__proto__":{"isAdmin":true},"a":{"__proto__":{"isAdmin":true}}}', context);
    expect(data.get('__proto__')).toEqual({ isAdmin: true });
    expect((data.get('a') as { isAdmin?: boolean }).isAdmin).toBeUndefined();
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  test('reads a hundred thousand levels without harm', () => {
    const text = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(codec.decode(text, context).has('a')).toBe(true);
  });
});
