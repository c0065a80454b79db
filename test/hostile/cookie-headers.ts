import fc from 'fast-check';
import { SessionCookie } from '../../src/cookie.js';
import { createSessionKey } from '../../src/session-key.js';
import { SECRET } from '../helpers/app.js';
import { anyText } from '../helpers/text.js';

/** Cookie headers nobody should send: made of the pieces that break parsers, of near misses, and of plain noise. */
export function hostileCookieHeaders(name: string): fc.Arbitrary<string> {
  const ours = new SessionCookie({ name }, { secrets: [SECRET] });
  const wellSigned = () => ours.pair(createSessionKey());
  const otherSecret = new SessionCookie({ name }, { secrets: [`${SECRET} of somebody else`] });
  const otherName = new SessionCookie({ name: 'theme' }, { secrets: [SECRET] });

  const nameLike = fc.constantFrom(
    name,
    name.toUpperCase(),
    ` ${name}`,
    `${name} `,
    `x${name}`,
    `${name}x`,
    `$${name}`,
    '__proto__',
    'hasOwnProperty',
    '',
    '$Version',
  );
  const valueLike = fc.oneof(
    fc.constantFrom(
      '',
      '.',
      '..',
      '%',
      '%E0%A4%A',
      '%0d%0a',
      '*',
      '"',
      '""',
      '"a',
      '\t',
      'null',
      '__proto__',
      `${'A'.repeat(43)}.`,
      'A'.repeat(87),
    ),
    anyText({ maxLength: 120 }),
    fc.string({ maxLength: 100 }),
    fc.stringMatching(/^[A-Za-z0-9_-]{43}\.[A-Za-z0-9+/]{43}$/),
    fc.constant(null).map(() => otherSecret.pair(createSessionKey()).slice(name.length + 1)),
    fc.constant(null).map(() => otherName.pair(createSessionKey()).slice('theme='.length)),
    // A good value with one character changed.
    fc.tuple(fc.nat({ max: 86 }), fc.constantFrom('A', '.', '=', ' ', '\u00e9')).map(([at, character]) => {
      const value = wellSigned().slice(name.length + 1);
      const changed = value[at] === character ? '~' : character;
      return value.slice(0, at) + changed + value.slice(at + 1);
    }),
    fc.nat({ max: 12_000 }).map((length) => 'v'.repeat(length)),
    fc.nat({ max: 3_000 }).map((length) => `${' \t'.repeat(length)}x`),
  );
  const separator = fc.constantFrom('; ', ';', ' ;', ';;', ';\t', ',', ' ');
  const pair = fc.tuple(nameLike, fc.constantFrom('=', ' = ', '==', ''), valueLike, separator).map((parts) => parts.join(''));
  return fc.oneof(
    { weight: 20, arbitrary: fc.array(pair, { maxLength: 6 }).map((pairs) => pairs.join('')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(pair, fc.integer({ min: 100, max: 1_500 }))
        .map(([one, count]) => one.slice(0, 40).repeat(count).slice(0, 16_000)),
    },
  );
}
