import { channel } from 'node:diagnostics_channel';
import { sign } from 'cookie-signature';
import { type CookieOptions, type OptionError, session } from 'sojourn';
import { SessionCookie } from '../src/cookie.ts';
import { createSessionKey } from '../src/session-key.ts';
import { SECRET } from './helpers/app.ts';

const KEY = createSessionKey();
const OTHER_KEY = createSessionKey();
const VALUE = '[A-Za-z0-9_-]{43}\\.[A-Za-z0-9+/]{43}';

const cookieOf = (options: CookieOptions = {}, secrets = [SECRET]) => new SessionCookie(options, { secrets });
const signedValue = (cookie: SessionCookie, key = KEY) => cookie.pair(key).slice(cookie.name.length + 1);

/** What `sojourn:refused` says meanwhile. */
function refusals(act: () => void): unknown[] {
  const seen: unknown[] = [];
  const note = (message: unknown) => seen.push(message);
  channel('sojourn:refused').subscribe(note);
  act();
  channel('sojourn:refused').unsubscribe(note);
  return seen;
}

describe('what is written', () => {
  const HEADERS: [options: CookieOptions, secure: boolean, header: string][] = [
    [{}, false, 'sessionid=; Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax'],
    [{}, true, 'sessionid=; Max-Age=1209600; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ secure: true }, true, '__Host-sessionid=; Max-Age=1209600; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ secure: true }, false, '__Host-sessionid=; Max-Age=1209600; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ secure: false }, true, 'sessionid=; Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax'],
    [{ secure: true, path: '/app' }, true, 'sessionid=; Max-Age=1209600; Path=/app; HttpOnly; Secure; SameSite=Lax'],
    [
      { secure: true, domain: 'example.com' },
      true,
      'sessionid=; Max-Age=1209600; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      {
        name: '__Secure-sid',
        domain: '.example.com',
        path: '/app',
        secure: true,
        httpOnly: false,
        sameSite: 'none',
        partitioned: true,
        priority: 'high',
      },
      true,
      '__Secure-sid=; Max-Age=1209600; Domain=.example.com; Path=/app; Secure; Partitioned; Priority=High; SameSite=None',
    ],
    [{ httpOnly: false, sameSite: 'strict' }, false, 'sessionid=; Max-Age=1209600; Path=/; SameSite=Strict'],
    [{ httpOnly: false, sameSite: false }, false, 'sessionid=; Max-Age=1209600; Path=/'],
  ];

  test.each(HEADERS)('%o, secure connection: %s, is "%s"', (options, secure, header) => {
    const cookie = cookieOf(options);
    const [name, attributes] = [header.slice(0, header.indexOf('=')), header.slice(header.indexOf(';'))];
    expect(cookie.write(KEY, 1_209_600, secure)).toMatch(new RegExp(`^${name}=${VALUE}`));
    expect(cookie.write(KEY, 1_209_600, secure)).toBe(`${cookie.pair(KEY)}${attributes}`);
  });

  test.each(HEADERS)('the deletion of %o repeats the attributes, secure connection: %s', (options, secure, header) => {
    expect(cookieOf(options).erase(secure)).toBe(header.replace('Max-Age=1209600', 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'));
  });

  test('a cookie that ends with the browser has no age', () => {
    expect(cookieOf().write(KEY, null, false)).toBe(`${cookieOf().pair(KEY)}; Path=/; HttpOnly; SameSite=Lax`);
  });
});

describe('a cookie that no browser would take is refused at start:', () => {
  const IMPOSSIBLE: [option: string, CookieOptions][] = [
    ['cookie.name', { name: '__Host-sid' }],
    ['cookie.name', { name: '__Host-sid', secure: false }],
    ['cookie.name', { name: '__Host-sid', secure: true, domain: 'example.com' }],
    ['cookie.name', { name: '__Host-sid', secure: true, path: '/app' }],
    ['cookie.name', { name: '__Secure-sid', secure: 'auto' }],
    ['cookie.name', { name: '__host-sid', secure: true }],
    ['cookie.name', { name: '__SECURE-sid', secure: true }],
    ['cookie.name', { name: '' }],
    ['cookie.name', { name: 'a b' }],
    ['cookie.name', { name: 'a;b' }],
    ['cookie.name', { name: 'a=b' }],
    ['cookie.name', { name: 'a\r\nSet-Cookie: b' }],
    ['cookie.name', { name: 'a\nb' }],
    ['cookie.name', { name: 'é' }],
    ['cookie.name', { name: 5 as unknown as string }],
    ['cookie.path', { path: 'app' }],
    ['cookie.path', { path: '' }],
    ['cookie.path', { path: '/a;b' }],
    ['cookie.path', { path: '/a\r\nSet-Cookie: b' }],
    ['cookie.path', { path: '/a\nb' }],
    ['cookie.path', { path: 5 as unknown as string }],
    ['cookie.domain', { domain: '' }],
    ['cookie.domain', { domain: 'example.com;' }],
    ['cookie.domain', { domain: 'example.com\r\nSet-Cookie: b' }],
    ['cookie.domain', { domain: 'https://example.com' }],
    ['cookie.domain', { domain: 'example.com:3000' }],
    ['cookie.domain', { domain: null as unknown as string }],
    ['cookie.domain', { domain: 5 as unknown as string }],
    ['cookie.secure', { secure: 'yes' as unknown as boolean }],
    ['cookie.secure', { secure: null as unknown as boolean }],
    ['cookie.httpOnly', { httpOnly: 1 as unknown as boolean }],
    ['cookie.sameSite', { sameSite: 'none' }],
    ['cookie.sameSite', { sameSite: 'none', secure: 'auto' }],
    ['cookie.sameSite', { sameSite: 'Lax' as 'lax' }],
    ['cookie.sameSite', { sameSite: true as unknown as 'lax' }],
    ['cookie.partitioned', { partitioned: true }],
    ['cookie.partitioned', { partitioned: 'yes' as unknown as boolean }],
    ['cookie.priority', { priority: 'urgent' as 'high' }],
    ['cookie.maxAge', { maxAge: 5 } as CookieOptions],
    ['cookie', 5 as unknown as CookieOptions],
  ];

  test.each(IMPOSSIBLE)('%s in %o', (option, cookie) => {
    let error: OptionError | undefined;
    try {
      session({ secret: SECRET, cookie });
    } catch (thrown) {
      error = thrown as OptionError;
    }
    expect(error).toMatchObject({ code: 'ERR_SESSION_OPTION', option });
  });

  test('cookie.name, if it is longer than any browser or key derivation takes', () => {
    expect(cookieOf({ name: 'n'.repeat(1000) }).read(cookieOf({ name: 'n'.repeat(1000) }).pair(KEY))).toEqual([KEY]);
    expect(() => cookieOf({ name: 'n'.repeat(1001) })).toThrow(expect.objectContaining({ option: 'cookie.name' }));
  });

  test.each<CookieOptions>([
    { name: '__Host-sid', secure: true },
    { name: '__Secure-sid', secure: true, domain: 'example.com', path: '/app' },
    { secure: true, sameSite: 'none', partitioned: true },
    { priority: 'low' },
    { name: '__Hostess' },
  ])('but not %o', (cookie) => {
    expect(() => session({ secret: SECRET, cookie })).not.toThrow();
  });
});

describe('what is read', () => {
  const cookie = cookieOf();
  const good = cookie.pair(KEY);

  test.each([
    ['a single cookie', good],
    ['among others', `a=1; ${good}; b=2`],
    ['last, without a blank', `a=1;${good}`],
    ['between blanks and tabs', ` \t ${good.replace('=', ' \t= \t')} \t ; b=2`],
    ['in quotes', good.replace('=', '="').concat('"')],
    ['twice the same', `${good}; ${good}`],
    ['beside cookies whose names contain it', `xsessionid=1; sessionidx=2; a=sessionid=3; ${good}`],
    ['after a pair without a name', `=sessionid; sessionid; ${good}`],
    ['after $Version', `$Version=1; ${good}; $Path=/`],
  ])('the key is found: %s', (_where, header) => {
    expect(cookie.read(header)).toEqual([KEY]);
  });

  test.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['other cookies', 'a=1; b=2'],
    ['the name alone', 'sessionid'],
    ['an empty value', 'sessionid='],
    ['a lone quote', 'sessionid="'],
    ['the name in other letters', good.replace('sessionid', 'SessionID')],
    ['the name behind a blank of another alphabet', `\xe2\x80\x80${good}`],
    ['the name behind a no-break space', `\xa0${good}`],
    ['the name behind a line break', `\n${good}`],
    ['the name in quotes', `"sessionid"=${signedValue(cookie)}`],
    ['a comma between cookies', `a=1, ${good}`],
    ['the value in an open quote', good.replace('=', '="')],
  ])('nothing is found in %s', (_what, header) => {
    expect(cookie.read(header)).toEqual([]);
  });

  test('the names of prefixed cookies match byte by byte, or a sub-domain could set what they protect', () => {
    const host = cookieOf({ secure: true });
    const value = signedValue(host);
    expect(host.read(`__Host-sessionid=${value}`)).toEqual([KEY]);
    for (const name of [
      '__host-sessionid',
      '__HOST-sessionid',
      '\xe2\x80\x80__Host-sessionid',
      '\x85__Host-sessionid',
      '__Host-SESSIONID',
    ]) {
      expect(host.read(`${name}=${value}`)).toEqual([]);
    }
  });

  test.each([
    ['the key alone', KEY],
    ['a key that is too short', signedValue(cookie).slice(1)],
    ['a value that is too long', `${signedValue(cookie)}A`],
    ['no dot', signedValue(cookie).replace('.', 'A')],
    ['a key of another alphabet', `${'+'.repeat(43)}.${'A'.repeat(43)}`],
    ['a foreign signature', `${KEY}.${'A'.repeat(43)}`],
    ['one letter of the key changed', (KEY[0] === 'A' ? 'B' : 'A') + signedValue(cookie).slice(1)],
    ['express-session', `s%3A${KEY}.${'A'.repeat(43)}`],
  ])('a value is refused, and an event says so: %s', (_what, value) => {
    expect(refusals(() => expect(cookie.read(`sessionid=${value}`)).toEqual([]))).toEqual([{ reason: 'signature', cookies: 1 }]);
  });

  test('a value that cookie-parser signed with the same secret is refused', () => {
    const signed = sign(KEY, SECRET);
    expect(signed).toHaveLength(signedValue(cookie).length);
    expect(cookie.read(`sessionid=${signed}`)).toEqual([]);
  });

  test('a value that was signed for another cookie with the same secret is refused', () => {
    const visit = cookieOf({ name: 'visit' });
    expect(cookie.read(`sessionid=${signedValue(visit)}`)).toEqual([]);
    expect(visit.read(`visit=${signedValue(cookie)}`)).toEqual([]);
    expect(visit.read(visit.pair(KEY))).toEqual([KEY]);
  });
});

describe('secrets in a list', () => {
  const [older, newer] = [`${SECRET}, the older`, `${SECRET}, the newer`];

  test('the first signs, all verify', () => {
    const rotated = cookieOf({}, [newer, older]);
    expect(rotated.read(cookieOf({}, [older]).pair(KEY))).toEqual([KEY]);
    expect(rotated.pair(KEY)).toBe(cookieOf({}, [newer]).pair(KEY));
    expect(rotated.pair(KEY)).not.toBe(cookieOf({}, [older]).pair(KEY));
  });

  test('a secret that left the list verifies nothing', () => {
    expect(cookieOf({}, [newer]).read(cookieOf({}, [older]).pair(KEY))).toEqual([]);
  });
});

describe('several cookies of the name', () => {
  const cookie = cookieOf();
  const pairs = (count: number) => Array.from({ length: count }, () => cookie.pair(createSessionKey()));

  test('two keys come in the order of the header', () => {
    expect(cookie.read(`${cookie.pair(KEY)}; ${cookie.pair(OTHER_KEY)}`)).toEqual([KEY, OTHER_KEY]);
    expect(cookie.read(`${cookie.pair(OTHER_KEY)}; ${cookie.pair(KEY)}`)).toEqual([OTHER_KEY, KEY]);
  });

  test('those that are forged do not count', () => {
    const forged = `sessionid=${KEY}.${'A'.repeat(43)}`;
    const seen = refusals(() => expect(cookie.read(`${forged}; ${cookie.pair(KEY)}; ${forged}`)).toEqual([KEY]));
    expect(seen).toEqual([{ reason: 'signature', cookies: 2 }]);
  });

  test('three keys are an attack: none counts, and an event says so', () => {
    expect(refusals(() => expect(cookie.read(pairs(3).join('; '))).toEqual([]))).toEqual([{ reason: 'ambiguous', cookies: 3 }]);
  });

  test('of 500 cookies only the first eight are looked at', () => {
    expect(refusals(() => expect(cookie.read(pairs(500).join('; '))).toEqual([]))).toEqual([{ reason: 'ambiguous', cookies: 8 }]);
    const forged = Array(500).fill(`sessionid=${KEY}.${'A'.repeat(43)}`);
    expect(refusals(() => expect(cookie.read([...forged, cookie.pair(KEY)].join('; '))).toEqual([]))).toEqual([
      { reason: 'signature', cookies: 8 },
    ]);
  });
});

describe('a header made to cost much', () => {
  const cookie = cookieOf();

  test.each([
    ['blanks', (size: number) => ' '.repeat(size)],
    ['names and blanks', (size: number) => 'sessionid  '.repeat(size / 11)],
    ['names and a run of blanks', (size: number) => `${'sessionid='.repeat(size / 20)}${' '.repeat(size / 2)}`],
    ['blanks before each name', (size: number) => `${' '.repeat(size / 2)}${'sessionid='.repeat(size / 20)}`],
    ['semicolons', (size: number) => ';'.repeat(size)],
    ['quotes', (size: number) => `sessionid=${'"'.repeat(size)}`],
    ['empty cookies', (size: number) => 'sessionid=;'.repeat(size / 11)],
    ['blank cookies', (size: number) => `sessionid=${' '.repeat(size / 10)};`.repeat(10)],
  ])('costs in proportion to its length: %s', (_what, make) => {
    const work = (size: number) => {
      const header = new CountedText(make(size));
      expect(cookie.read(header as unknown as string)).toEqual([]);
      return header.looked;
    };
    // Four times the length is four times the work at most; a square would be sixteen.
    expect(work(64_000)).toBeLessThanOrEqual(4 * work(16_000) + 100);
    expect(work(64_000)).toBeLessThan(5 * 64_000);
  });
});

/** A text that counts how many of its characters are looked at, one by one or by a search. */
class CountedText extends String {
  looked = 0;

  constructor(text: string) {
    super(text);
    // biome-ignore lint/correctness/noConstructorReturn: single characters are only to be counted by a proxy
    return new Proxy(this, {
      get: (target, name) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) {
          target.looked += 1;
          return text[Number(name)];
        }
        if (name === 'charCodeAt') {
          return (index: number) => {
            target.looked += 1;
            return text.charCodeAt(index);
          };
        }
        if (name === 'length') return text.length;
        if (name === 'looked') return target.looked;
        if (name === 'slice') {
          return (start: number, end: number) => {
            target.looked += end - start;
            return text.slice(start, end);
          };
        }
        return (searched: string, from = 0) => {
          const at = text.indexOf(searched, from);
          target.looked += (at === -1 ? text.length : at) - from;
          return at;
        };
      },
    });
  }
}
