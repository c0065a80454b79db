import fc from 'fast-check';
import { type Codec, compressed, encrypted, json, MemoryStore, type Session, Session as SessionClass, signed } from 'sojourn';
import { openSession } from '../helpers/sessions.js';
import { anyText } from '../helpers/text.js';

const SECRET = 'a secret of the tests, long enough for all';
const OLD = 'an older secret of the tests, long enough';
const context = { binding: 'sojourn.session:a' };
const data = new Map<string, unknown>([
  ['user', 'canary ä😀'],
  ['cart', [{ id: 1 }]],
]);
const failed = (codec: Codec, text: string, where = context) => {
  try {
    codec.decode(text, where);
    return false;
  } catch {
    return true;
  }
};

const codecs: [string, (keys: string | string[]) => Codec][] = [
  ['signed', (keys) => signed(keys)],
  ['encrypted', (keys) => encrypted(keys)],
  ['encrypted(compressed)', (keys) => encrypted(keys, compressed(json(), { threshold: 0 }))],
  ['signed(compressed)', (keys) => signed(keys, compressed())],
];

describe.each(codecs)('%s', (_, make) => {
  const codec = make(SECRET);

  test('gives back what went in', () => {
    expect(codec.decode(codec.encode(data, context), context)).toEqual(data);
    fc.assert(
      fc.property(fc.dictionary(anyText(), anyText()), fc.string(), (object, binding) => {
        const map = new Map<string, unknown>(Object.entries(object));
        expect([...codec.decode(codec.encode(map, { binding }), { binding })]).toEqual([...map]);
      }),
      { numRuns: 50 },
    );
  });

  test('binds a record to its key: a copy under another one is refused', () => {
    const text = codec.encode(data, context);
    expect(failed(codec, text, { binding: 'sojourn.session:b' })).toBe(true);
    expect(failed(codec, text, { binding: 'other.salt:a' })).toBe(true);
    expect(failed(codec, text, { binding: '' })).toBe(true);
  });

  test('refuses a record of which any one byte was changed', () => {
    const text = codec.encode(data, context);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of [1, 2, 4, 8, 16, 32]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ bit;
        expect([at, bit, failed(codec, changed.toString())]).toEqual([at, bit, true]);
      }
    }
  });

  test('refuses a record that is shorter or longer', () => {
    const text = codec.encode(data, context);
    for (let length = 0; length < text.length; length += 1) expect([length, failed(codec, text.slice(0, length))]).toEqual([length, true]);
    for (const more of ['A', '=', '\n', ' ', '.']) {
      expect([more, failed(codec, text + more)]).toEqual([more, true]);
      expect([more, failed(codec, more + text)]).toEqual([more, true]);
    }
  });

  test('refuses what a weaker codec wrote: there is no way down', () => {
    for (const weaker of [json(), compressed(), compressed(json(), { threshold: 0 })]) {
      expect(failed(codec, weaker.encode(data, context))).toBe(true);
    }
    for (const text of [
      '',
      '.',
      's1..',
      'e1..',
      's1.x.{}',
      'e1.aaaaaa.AAAA',
      `s1.${'A'.repeat(43)}.{}`,
      `s1.${'A'.repeat(43)}`,
      'none.{}',
    ]) {
      expect([text, failed(codec, text)]).toEqual([text, true]);
    }
  });

  test("refuses the other codec's record under the same secret", () => {
    const [other] = [signed(SECRET), encrypted(SECRET)].filter((candidate) => failed(candidate, codec.encode(data, context)));
    expect(failed(codec, (other as Codec).encode(data, context))).toBe(true);
  });

  test('rotates its keys by list: the first writes, all read, and one that is gone reads no more', () => {
    const old = make(OLD).encode(data, context);
    const rotating = make([SECRET, OLD]);
    expect(rotating.decode(old, context)).toEqual(data);
    expect(codec.decode(rotating.encode(data, context), context)).toEqual(data);
    expect(failed(codec, old)).toBe(true);
    expect(failed(make(OLD), rotating.encode(data, context))).toBe(true);
  });

  test.each<[string, unknown]>([
    ['a short secret', 'x'.repeat(31)],
    ['no secret', undefined],
    ['an empty list', []],
    ['a list with a short one', [SECRET, 'short']],
    ['a list with something else', [SECRET, 5]],
    ['a number', 5],
  ])('refuses %s at start', (__, keys) => {
    expect(() => make(keys as string)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_OPTION', option: expect.stringMatching(/^(signed|encrypted)\(keys\)$/) }),
    );
  });

  test('passes the suspects on: what this request did not touch is not looked at', () => {
    const odd = new Map<string, unknown>([['old', new Date(0)]]);
    expect(() => codec.encode(odd, context)).toThrow(TypeError);
    expect(() => codec.encode(odd, { ...context, suspects: [] })).not.toThrow();
  });

  test('keeps a session in a store, where another secret finds none', async () => {
    const store = new MemoryStore();
    const session: Session = new SessionClass({ store, codec });
    await session.set('user', 'canary').save();
    expect((await openSession({ store, codec }, session.sessionKey)).get('user')).toBe('canary');
    expect((await openSession({ store, codec: make(OLD) }, session.sessionKey)).size).toBe(0);
    expect((await openSession({ store }, session.sessionKey)).size).toBe(0);
    await store.close();
  });
});

test('signed records stay readable', () => {
  expect(signed(SECRET).encode(new Map([['a', 1]]), context)).toMatch(/^s1\.[\w-]{43}\.\{"a":1\}$/);
});

describe('encrypted records', () => {
  const codec = encrypted(SECRET);

  test('show nothing of their data, nor of the secret', () => {
    const text = codec.encode(data, context);
    const bytes = Buffer.from(text.split('.')[2] as string, 'base64url').toString('latin1');
    for (const look of [text, bytes]) {
      expect(look).not.toContain('canary');
      expect(look).not.toContain('user');
    }
    expect(text).toMatch(/^e1\.[\w-]{6}\.[\w-]+$/);
  });

  test('never use a nonce twice', () => {
    const nonces = new Set<string>();
    for (let index = 0; index < 1000; index += 1) {
      const sealed = Buffer.from(codec.encode(data, context).split('.')[2] as string, 'base64url');
      nonces.add(sealed.subarray(0, 12).toString('hex'));
    }
    expect(nonces.size).toBe(1000);
  });
});

describe('compressed()', () => {
  const large = new Map<string, unknown>([['text', 'x'.repeat(5000)]]);

  test('leaves short texts as they are, and makes long ones shorter', () => {
    expect(compressed().encode(data, context)).toBe(`-${json().encode(data, context)}`);
    const text = compressed().encode(large, context);
    expect(text).toMatch(/^z[\w-]+$/);
    expect(text.length).toBeLessThan(100);
    expect(compressed().decode(text, context)).toEqual(large);
  });

  test('begins at its threshold, 1024 characters unless told', () => {
    const ofLength = (length: number) => new Map([['a', 'x'.repeat(length - '{"a":""}'.length)]]);
    expect(compressed().encode(ofLength(1023), context)[0]).toBe('-');
    expect(compressed().encode(ofLength(1024), context)[0]).toBe('z');
    expect(compressed(json(), { threshold: 10 }).encode(ofLength(9), context)[0]).toBe('-');
    expect(compressed(json(), { threshold: 10 }).encode(ofLength(10), context)[0]).toBe('z');
  });

  test('unfolds no more than its limit, 4 MiB unless told', () => {
    const bomb = compressed(json(), { limit: 2 ** 24 }).encode(new Map([['a', 'x'.repeat(5 * 2 ** 20)]]), context);
    expect(bomb.length).toBeLessThan(10_000);
    expect(failed(compressed(), bomb)).toBe(true);
    expect(failed(compressed(json(), { limit: 6 * 2 ** 20 }), bomb)).toBe(false);
  });

  test('refuses to write what it would not read back', () => {
    const codec = compressed(json(), { limit: 1000 });
    const ofBytes = (bytes: number) => new Map([['a', `${'€'.repeat((bytes - 9) / 3)}x`]]);
    expect(codec.decode(codec.encode(ofBytes(999), context), context)).toEqual(ofBytes(999));
    expect(() => codec.encode(ofBytes(1002), context)).toThrow(expect.objectContaining({ code: 'ERR_SESSION_TOO_LARGE', status: 500 }));
  });

  test('decodes nothing but what it writes', () => {
    for (const text of ['', '{}', 'z', 'zAAAA', 'x{}', 'z{}']) expect([text, failed(compressed(), text)]).toEqual([text, true]);
  });
});

test('a codec of your own may keep what JSON cannot', async () => {
  const store = new MemoryStore();
  const codec: Codec = {
    encode: (map) => JSON.stringify([...map].map(([key, value]) => [key, (value as Date).getTime()])),
    decode: (text) => new Map((JSON.parse(text) as [string, number][]).map(([key, time]) => [key, new Date(time)])),
  };
  const session: Session = new SessionClass({ store, codec });
  await session.set('when', new Date(5)).save();
  expect((await openSession({ store, codec }, session.sessionKey)).get('when')).toEqual(new Date(5));
  await store.close();
});
