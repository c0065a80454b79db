import type { IncomingMessage } from 'node:http';
import { parseSetCookie } from 'cookie';
import type { SessionCookie } from './cookie.js';
import { OptionError, SessionError, usageError } from './errors.js';
import { type Duration, problemWithAge, toSeconds } from './expiry.js';
import type { SessionMiddleware } from './middleware.js';
import type { SessionData, SessionEntriesOf } from './session-data.js';

/** A visitor with a stored session, for the test of an application. */
export interface SignedIn {
  /** A `Cookie` header: `request(app).get('/').set('Cookie', visitor.cookie)`. */
  readonly cookie: string;
  /**
   * The cookie as a browser keeps it for this origin (`http://127.0.0.1:3000`), in the form that Playwright's
   * `context.addCookies()` and Puppeteer's `browser.setCookie()` take. Throws an `OptionError` for an origin that would
   * never be sent it.
   */
  browserCookie(origin: string | URL): BrowserCookie;
}

export interface BrowserCookie {
  name: string;
  value: string;
  /** A host; with a dot before it where the option `cookie.domain` lets sub-domains have the cookie, too. */
  domain: string;
  path: string;
  /** Seconds since 1970 by the real time, which is the browser's; -1 for a cookie that ends with it. */
  expires: number;
  httpOnly: boolean;
  secure: boolean;
  sameSite?: 'Strict' | 'Lax' | 'None';
}

/** Where a session's cookie can be found: a response, a `Cookie` header, or the cookies of a jar. */
export type CookieSource = ResponseWithCookies | string | readonly { readonly name: string; readonly value: string }[];

/** A response of supertest, of `fetch`, of `node:http`, or any other with such headers. */
export interface ResponseWithCookies {
  readonly headers: { getSetCookie(): string[] } | { readonly 'set-cookie'?: string | readonly string[] | undefined };
}

/** A time in milliseconds that stands still until it is moved: give it to `session({ clock })` and to the store. */
export interface TestClock {
  (): number;
  /** Moves it on: `clock.advance({ hours: 2 })`, or seconds. */
  advance(duration: Duration): void;
}

/**
 * Stores a session with these data, and gives the cookie that leads to it: a visitor who is signed in, as far as the
 * application can tell. `sessions` is the middleware that the application uses.
 */
export async function signedIn<Data extends object = SessionData>(
  sessions: SessionMiddleware<Data>,
  data: SessionEntriesOf<Data>,
): Promise<SignedIn> {
  const sessionCookie = cookieOf(sessions);
  const { sessionKey, cookie, maxAge } = await sessions.issue(data);
  return { cookie, browserCookie: (origin) => browserCookie(sessionCookie, sessionKey, maxAge, new URL(origin)) };
}

/**
 * The data of the session that a cookie leads to, or null if it leads to none: after a logout, or when its time is over.
 * Of a response it is the cookie that the response sets; one that sets none says nothing of the session, and is a
 * `SessionError` with the code `ERR_SESSION_NO_COOKIE`. So is a cookie that other sessions signed.
 */
export async function sessionOf<Data extends object = SessionData>(
  sessions: SessionMiddleware<Data>,
  source: CookieSource,
): Promise<SessionEntriesOf<Data> | null> {
  const sessionCookie = cookieOf(sessions);
  const pairs = pairsOf(source).filter((pair) => sessionCookie.cameIn(pair));
  if (pairs.length === 0) throw noCookie(`There is no cookie ${sessionCookie.name}`, hintFor(source));
  // Whoever applies the lines of a response in their order is left with the last.
  const header = (isResponse(source) ? pairs.slice(-1) : pairs).filter((pair) => !isDeleted(pair)).join('; ');
  if (header === '') return null;
  if (sessionCookie.read(header).length === 0) {
    throw noCookie(
      `The cookie ${sessionCookie.name} was not signed by these sessions`,
      'Give the middleware that the application uses, or the same secret.',
    );
  }
  const session = await sessions.load({ headers: { cookie: header } } as IncomingMessage);
  const data = Object.fromEntries(session.entries() as Iterable<[string, unknown]>);
  return session.sessionKey === null ? null : (data as SessionEntriesOf<Data>);
}

/** A clock that begins at this time, now unless told. */
export function testClock(start: Date = new Date()): TestClock {
  let now = start.getTime();
  if (Number.isNaN(now)) throw usageError('testClock() was given an invalid Date');
  return Object.assign(() => now, {
    advance(duration: Duration): void {
      const seconds = toSeconds(duration);
      if (seconds < 0)
        throw usageError('advance() only moves a clock on. For an earlier time begin there: testClock(new Date(...))', RangeError);
      // Parts can't be mistaken for milliseconds, so they may be as long as they like.
      const problem = typeof duration === 'number' ? problemWithAge(seconds) : undefined;
      if (problem !== undefined) throw usageError(`advance(): ${problem}`, RangeError);
      now += seconds * 1000;
    },
  });
}

function cookieOf(sessions: Pick<SessionMiddleware, 'issue' | 'cookie'>): SessionCookie {
  if (typeof sessions?.issue === 'function' && sessions.cookie !== undefined) return sessions.cookie;
  throw new OptionError('sessions', 'must be what session(options) returned: the middleware, not the application');
}

function browserCookie(sessionCookie: SessionCookie, sessionKey: string, maxAge: number | null, origin: URL): BrowserCookie {
  const line = sessionCookie.write(sessionKey, maxAge, origin.protocol === 'https:');
  const { name, value = '', domain, path = '/', httpOnly = false, secure = false, sameSite } = parseSetCookie(line);
  const host = domain?.replace(/^\./, '');
  if (host !== undefined && !`.${origin.hostname}`.endsWith(`.${host}`)) {
    throw new OptionError(
      'origin',
      `no page of ${origin.hostname} gets a cookie of the domain ${host}, which the option cookie.domain names`,
    );
  }
  return {
    name,
    value,
    domain: host === undefined ? origin.hostname : `.${host}`,
    path,
    expires: maxAge === null ? -1 : Math.floor(Date.now() / 1000) + maxAge,
    httpOnly,
    secure,
    ...(sameSite === undefined ? undefined : { sameSite: SAME_SITE[sameSite as keyof typeof SAME_SITE] }),
  };
}

const SAME_SITE = { strict: 'Strict', lax: 'Lax', none: 'None' } as const;

function isResponse(source: CookieSource): source is ResponseWithCookies {
  return typeof source !== 'string' && !Array.isArray(source);
}

/** The cookies as `name=value`. */
function pairsOf(source: CookieSource): string[] {
  if (typeof source === 'string') return source.split(';');
  if (!isResponse(source)) return source.map(({ name, value }) => `${name}=${value}`);
  const headers = source?.headers;
  if (typeof headers !== 'object' || headers === null) {
    throw new OptionError('source', 'must be a response, a Cookie header or a list of cookies. Await the request first');
  }
  const lines = 'getSetCookie' in headers ? headers.getSetCookie() : [headers['set-cookie'] ?? []].flat();
  return lines.map((line) => line.split(';', 1)[0] as string);
}

/** Our values never end like this: they are base64 without padding. */
function isDeleted(pair: string): boolean {
  return /=[ \t]*$/.test(pair);
}

function hintFor(source: CookieSource): string {
  if (!isResponse(source)) return 'Give a Cookie header, `name=value`, or the cookies of a jar.';
  return (
    'A response sets it only if the request changed the session: give the Cookie header of the request to see the session as it is, ' +
    'and look at the Set-Cookie header itself to see that there is none.'
  );
}

function noCookie(what: string, fix: string): SessionError {
  return new SessionError(`${what} in what sessionOf() was given. ${fix}`, 'ERR_SESSION_NO_COOKIE', 500);
}
