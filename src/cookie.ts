import { serialize } from 'cookie';
import { OptionError } from './errors.js';
import { publish } from './events.js';
import { madeOf, type SecretSource } from './secrets.js';
import { Signatures } from './signatures.js';

/** All of them as in `Set-Cookie` (RFC 6265bis); ages are not here but in the session's expiry. */
export interface CookieOptions {
  /** `__Host-sessionid` where `secure: true`, path `/` and no domain allow it; else `sessionid`. */
  name?: string;
  /** Sub-domains get the cookie, too. Leave it out if you can. */
  domain?: string;
  /** Requests outside of it have no session. `/` unless told. */
  path?: string;
  /** `'auto'`, the default: Secure on secure connections (Express' `req.secure`). `true`: nowhere else. */
  secure?: boolean | 'auto';
  /** Out of reach for scripts. True unless told. */
  httpOnly?: boolean;
  /** `'lax'` unless told; false leaves the attribute out. */
  sameSite?: 'lax' | 'strict' | 'none' | false;
  /** One cookie jar per embedding site (CHIPS). */
  partitioned?: boolean;
  priority?: 'low' | 'medium' | 'high';
}

/** Far below the 4096 bytes that browsers take for name and value (RFC 6265bis section 5.6), and what HKDF takes as info. */
const MAX_NAME_LENGTH = 1000;
/** More cookies of our name than any accident makes; beyond that the rest isn't looked at. */
const MAX_CANDIDATES = 8;
/** Two live sessions is what a cookie on a parent domain or path can add to ours; more is an attack. */
const MAX_KEYS = 2;

/** The session cookie: reads keys from a request's header, and writes the header that sets or deletes it. */
export class SessionCookie {
  readonly name: string;
  readonly path: string;
  readonly secure: boolean | 'auto';
  /** Those of the secrets there are now. */
  readonly #signatures: () => Signatures;
  /** Everything behind name, value and age, for an insecure and a secure connection. */
  readonly #attributes: { readonly insecure: string; readonly secure: string };

  /** Throws an `OptionError` for a cookie that no browser would take. */
  constructor(options: CookieOptions, source: SecretSource) {
    const { domain, path = '/', secure = 'auto', httpOnly = true, sameSite = 'lax', partitioned = false, priority } = options;
    this.name = options.name ?? (secure === true && path === '/' && domain === undefined ? '__Host-sessionid' : 'sessionid');
    this.path = path;
    this.secure = secure;
    assertPossible(this.name, { ...options, path, secure, sameSite, partitioned, httpOnly });
    const attributes = (isSecure: boolean) =>
      serialize(this.name, '', {
        path,
        httpOnly,
        secure: isSecure,
        partitioned,
        sameSite,
        ...(domain === undefined ? undefined : { domain }),
        ...(priority === undefined ? undefined : { priority }),
      }).slice(this.name.length + 1);
    this.#attributes = { insecure: attributes(secure === true), secure: attributes(secure !== false) };
    // A secret of its own for this cookie's name: a value signed for another cookie is worthless here.
    this.#signatures = madeOf(source, (secrets) => new Signatures(secrets, `sojourn cookie ${this.name}`));
  }

  /** The session keys with a good signature, in the order of the header, each once; at most two. */
  read(header: string | undefined): string[] {
    const keys: string[] = [];
    if (header === undefined) return keys;
    const signatures = this.#signatures();
    let looked = 0;
    let refused = 0;
    visitValues(header, this.name, (value) => {
      looked += 1;
      const key = signatures.keyIn(value);
      if (key === undefined) refused += 1;
      else if (!keys.includes(key)) keys.push(key);
      return looked < MAX_CANDIDATES;
    });
    if (refused > 0) publish('refused', { reason: 'signature', cookies: refused });
    if (keys.length <= MAX_KEYS) return keys;
    publish('refused', { reason: 'ambiguous', cookies: keys.length });
    return [];
  }

  /** Whether the request brought a cookie of this name, good or bad: a logout takes either away. */
  cameIn(header: string | undefined): boolean {
    return hasCookie(header, this.name);
  }

  /** A `Set-Cookie` value. `maxAge` in whole seconds, or null for a cookie that ends with the browser. */
  write(sessionKey: string, maxAge: number | null, secure: boolean): string {
    const age = maxAge === null ? '' : `; Max-Age=${maxAge}`;
    return `${this.pair(sessionKey)}${age}${this.#attributesFor(secure)}`;
  }

  /** A `Set-Cookie` value that deletes the cookie: the attributes say which one, so they are the same. */
  erase(secure: boolean): string {
    return `${this.name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${this.#attributesFor(secure)}`;
  }

  /** Name and signed value, as a client sends them back. */
  pair(sessionKey: string): string {
    return `${this.name}=${this.#signatures().valueOf(sessionKey)}`;
  }

  /** The session key that the session of another library gets: the same for all requests, and for nobody to guess. */
  keyFor(id: string): string {
    return this.#signatures().derive(`taken over: ${id}`);
  }

  #attributesFor(secure: boolean): string {
    return secure ? this.#attributes.secure : this.#attributes.insecure;
  }
}

const TAB = 0x09;
const SPACE = 0x20;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/** Calls back with each value of a cookie's name until that answers false. */
type Visit = (value: string) => boolean;

/**
 * Visits the values of all cookies of a name in a Cookie header (RFC 6265bis section 4.2.1: `name=value` pairs, separated
 * by semicolons). Unlike a cookie parser it keeps duplicates, and reads nothing but the one cookie. Names match byte by
 * byte; only spaces and tabs are trimmed.
 */
export function visitValues(header: string, name: string, visit: Visit): void {
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + 1)) {
    const equals = skipBlanks(header, at + name.length);
    if (header.charCodeAt(equals) !== EQUALS || !startsPair(header, at)) continue;
    const semicolon = header.indexOf(';', equals);
    const start = skipBlanks(header, equals + 1);
    const end = skipBlanksBack(header, semicolon === -1 ? header.length : semicolon);
    const quoted = end - start > 1 && header[start] === '"' && header[end - 1] === '"';
    if (!visit(quoted ? header.slice(start + 1, end - 1) : header.slice(start, end))) return;
  }
}

/** Whether there is a cookie of this name, good or bad. */
export function hasCookie(header: string | undefined, name: string): boolean {
  let found = false;
  if (header !== undefined) {
    visitValues(header, name, () => {
      found = true;
      return false;
    });
  }
  return found;
}

function startsPair(header: string, at: number): boolean {
  const before = skipBlanksBack(header, at);
  return before === 0 || header.charCodeAt(before - 1) === SEMICOLON;
}

/** Where the blanks from here on end. */
function skipBlanks(text: string, from: number): number {
  let index = from;
  while (isBlank(text.charCodeAt(index))) index += 1;
  return index;
}

/** Where the blanks before here begin. */
function skipBlanksBack(text: string, from: number): number {
  let index = from;
  while (index > 0 && isBlank(text.charCodeAt(index - 1))) index -= 1;
  return index;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Refuses what browsers refuse (RFC 6265bis sections 4.1.3 and 5.6), at start instead of silently at every response. */
function assertPossible(name: string, options: CookieOptions): void {
  const { domain, path, secure, sameSite, partitioned, httpOnly, priority } = options;
  const refuse = (option: string, problem: string) => {
    throw new OptionError(`cookie.${option}`, problem);
  };
  if (secure !== true && secure !== false && secure !== 'auto') refuse('secure', "must be true, false or 'auto'");
  if (typeof httpOnly !== 'boolean') refuse('httpOnly', 'must be true or false');
  if (typeof partitioned !== 'boolean') refuse('partitioned', 'must be true or false');
  if (![false, 'lax', 'strict', 'none'].includes(sameSite as string)) refuse('sameSite', "must be 'lax', 'strict', 'none' or false");
  if (priority !== undefined && !['low', 'medium', 'high'].includes(priority)) refuse('priority', "must be 'low', 'medium' or 'high'");
  if (typeof path !== 'string' || !path.startsWith('/')) refuse('path', "must begin with '/'");
  if (sameSite === 'none' && secure !== true) refuse('sameSite', "'none' needs secure: true, or browsers drop the cookie");
  if (partitioned && secure !== true) refuse('partitioned', 'needs secure: true, or browsers drop the cookie');
  if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH) refuse('name', `must be a text of at most ${MAX_NAME_LENGTH} characters`);
  const prefix = /^__(host|secure)-/i.exec(name)?.[0];
  if (prefix !== undefined) {
    if (prefix !== '__Host-' && prefix !== '__Secure-') refuse('name', `the prefix ${prefix} must be written __Host- or __Secure-`);
    if (secure !== true) refuse('name', `the prefix ${prefix} needs secure: true`);
    if (prefix === '__Host-' && (path !== '/' || domain !== undefined)) refuse('name', "the prefix __Host- needs path '/' and no domain");
  }
  if (domain !== undefined && (typeof domain !== 'string' || domain === '')) refuse('domain', 'must be a domain, or left out');
  const lawful = (option: string, serializeIt: () => string) => {
    try {
      serializeIt();
    } catch {
      refuse(option, 'has characters that a cookie must not have there');
    }
  };
  lawful('name', () => serialize(name, ''));
  lawful('path', () => serialize('name', '', { path: path as string }));
  if (domain !== undefined) lawful('domain', () => serialize('name', '', { domain }));
}
