import fc from 'fast-check';

const SURROGATES = { first: 0xd800, count: 0x800 };

/** One character of Unicode, which can be known again: so names that are dangerous, like `__proto__`, come up as well. */
export const anyCharacter = fc.nat({ max: 0x10ffff - SURROGATES.count }).map(
  (index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count),
  (value) => {
    const code = typeof value === 'string' ? value.codePointAt(0) : undefined;
    if (code === undefined || value !== String.fromCodePoint(code)) throw new Error('not one character');
    if (code >= SURROGATES.first && code < SURROGATES.first + SURROGATES.count) throw new Error('half a character');
    return code < SURROGATES.first ? code : code - SURROGATES.count;
  },
);

/**
 * Any text, like `fc.string({ unit: 'binary' })`, with the same values from the same seed. That one makes a table of all
 * million characters of Unicode first, which takes longer than most tests.
 */
export function anyText(constraints: Omit<fc.StringConstraints, 'unit'> = {}): fc.Arbitrary<string> {
  return fc.string({ ...constraints, unit: anyCharacter });
}
