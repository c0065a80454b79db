import fc from 'fast-check';
import { SessionCookie } from '../src/cookie.js';
import { createSessionKey } from '../src/session-key.js';
import { SECRET } from './helpers/app.js';
import { anyText } from './helpers/text.js';

// The session cookie in any header.

const cookie = new SessionCookie({ name: 'sessionid' }, { secrets: [SECRET] });
const key = fc.constant(null).map(createSessionKey);
/** Cookies of other names, with values of all kinds that a browser sends. */
const others = fc.array(fc.stringMatching(/^[!#-+.-9A-Z^_a-rt-z|~-]{1,8}=[!#-+.-:<-[\]-~]{0,20}$/), { maxLength: 5 });
const VALUE = /[^=]*$/;

test('what was written is read again, wherever it stands among other cookies', () => {
  fc.assert(
    fc.property(key, others, others, fc.constantFrom('; ', ';', ' ; '), (sessionKey, before, after, separator) => {
      expect(cookie.read([...before, cookie.pair(sessionKey), ...after].join(separator))).toEqual([sessionKey]);
    }),
  );
});

test('a value of which any character was changed, left out or doubled is refused', () => {
  fc.assert(
    fc.property(key, fc.nat(1000), fc.stringMatching(/^[A-Za-z0-9+/_.~-]{0,2}$/), (sessionKey, place, instead) => {
      const pair = cookie.pair(sessionKey);
      const at = 'sessionid='.length + (place % (VALUE.exec(pair)?.[0].length ?? 0));
      const changed = pair.slice(0, at) + instead + pair.slice(at + 1);
      fc.pre(changed !== pair);
      expect(cookie.read(changed)).toEqual([]);
    }),
  );
});

test('of any text at most two keys are read, and only those that were signed', () => {
  const pieces = fc.oneof(
    key.map((sessionKey) => ({ text: cookie.pair(sessionKey), sessionKey })),
    anyText().map((text) => ({ text, sessionKey: null })),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 6 }), (parts) => {
      const signed = parts.flatMap(({ sessionKey }) => sessionKey ?? []);
      const read = cookie.read(parts.map(({ text }) => text).join('; '));
      expect(read.length).toBeLessThanOrEqual(2);
      expect(signed).toEqual(expect.arrayContaining(read));
    }),
  );
});
