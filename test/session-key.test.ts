import { createHash } from 'node:crypto';
import { createSessionKey, createVersion, fingerprintOf, isSessionKey, storeKeyOf } from '../src/session-key.js';

test('a session key is 256 bits in base64url, 43 characters', () => {
  for (let index = 0; index < 1000; index += 1) {
    const key = createSessionKey();
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(key, 'base64url')).toHaveLength(32);
    expect(isSessionKey(key)).toBe(true);
  }
});

test('a hundred thousand keys are all different, and use their whole alphabet at each place', () => {
  const keys = new Set<string>();
  const seen = Array.from({ length: 42 }, () => new Set<string>());
  for (let index = 0; index < 100_000; index += 1) {
    const key = createSessionKey();
    keys.add(key);
    if (index < 5000) for (const [place, characters] of seen.entries()) characters.add(key[place] as string);
  }
  expect(keys.size).toBe(100_000);
  for (const characters of seen) expect(characters.size).toBe(64);
});

test('versions are 7 characters, and a hundred thousand of them hardly ever meet', () => {
  const versions = new Set<string>();
  for (let index = 0; index < 100_000; index += 1) versions.add(createVersion());
  expect(versions.size).toBeGreaterThan(99_990);
  for (const version of versions) if (!/^[\w-]{7}$/.test(version)) throw new Error(version);
});

test('keys and versions share a pool, and never a byte of it', () => {
  const texts = Array.from({ length: 600 }, (_, index) => (index % 3 === 0 ? createVersion() : createSessionKey()));
  for (const [index, text] of texts.entries()) {
    for (const other of texts.slice(index + 1)) if (other.includes(text.slice(0, 7))) throw new Error('a byte was used twice');
  }
});

test.each([
  [''],
  ['a'],
  ['a'.repeat(42)],
  ['a'.repeat(44)],
  ['a'.repeat(10_000)],
  [`${'a'.repeat(42)}\0`],
  [`${'a'.repeat(42)}\n`],
  [`${'a'.repeat(42)}+`],
  [`${'a'.repeat(42)}=`],
  [`${'a'.repeat(42)}ä`],
  [`..${'a'.repeat(41)}`],
  [undefined],
  [null],
  [43],
  [['a'.repeat(43)]],
  [{ length: 43 }],
])('%p is no session key', (text) => {
  expect(isSessionKey(text)).toBe(false);
});

test('a store knows the SHA-256 of a key: 43 characters, from which no key can be made', () => {
  const key = createSessionKey();
  expect(storeKeyOf(key)).toBe(createHash('sha256').update(key).digest('base64url'));
  expect(storeKeyOf(key)).not.toBe(storeKeyOf(createSessionKey()));
});

test('a fingerprint is 12 characters: the same for the same session, and no part of its store key', () => {
  const storeKey = storeKeyOf(createSessionKey());
  expect(fingerprintOf(storeKey)).toMatch(/^[\w-]{12}$/);
  expect(fingerprintOf(storeKey)).toBe(fingerprintOf(storeKey));
  expect(storeKey).not.toContain(fingerprintOf(storeKey));
});

test('without randomness no key is made: there is no generator to fall back on', () => {
  jest.isolateModules(() => {
    jest.doMock('node:crypto', () => ({
      ...jest.requireActual<object>('node:crypto'),
      randomFillSync() {
        throw new Error('no randomness');
      },
    }));
    const fresh = require('../src/session-key.js') as typeof import('../src/session-key.js');
    expect(() => fresh.createSessionKey()).toThrow('no randomness');
    expect(() => fresh.createSessionKey()).toThrow('no randomness');
    jest.dontMock('node:crypto');
  });
});
