import { serialize } from 'cookie';
import { usageError } from '../errors.js';

/** Attributes of the session cookie as express-session takes them: ages in milliseconds. */
export interface CookieOptions {
  /** Milliseconds; null: the cookie ends with the browser. */
  maxAge?: number | Date | null | undefined;
  expires?: Date | null | undefined;
  path?: string | undefined;
  domain?: string | undefined;
  /** `'auto'`: Secure on secure connections. */
  secure?: boolean | 'auto' | undefined;
  httpOnly?: boolean | undefined;
  /** `'auto'`: None on secure connections, else Lax. */
  sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined;
  partitioned?: boolean | undefined;
  priority?: 'low' | 'medium' | 'high' | undefined;
  /** In stored cookies: the `maxAge` that `touch()` goes back to. */
  originalMaxAge?: number | null | undefined;
}

/** What is stored of a cookie, in the form express-session stores it. */
export type CookieData = Omit<CookieOptions, 'maxAge'>;

/** `req.session.cookie`: when the session ends, and how its cookie is written. express-session: `Cookie`. */
export class Cookie {
  path = '/';
  httpOnly = true;
  domain?: string;
  secure?: boolean | 'auto';
  sameSite?: CookieOptions['sameSite'];
  partitioned?: boolean;
  priority?: CookieOptions['priority'];
  /** Milliseconds; null: until the browser closes. */
  originalMaxAge: number | null = null;
  #expires: Date | null = null;

  constructor(options?: CookieOptions) {
    if (options !== undefined && options !== null && typeof options !== 'object') {
      throw usageError('argument options must be an object');
    }
    const { originalMaxAge, ...attributes } = options ?? {};
    for (const [name, value] of Object.entries(attributes)) if (name !== 'data') Reflect.set(this, name, value);
    if (originalMaxAge !== undefined && originalMaxAge !== null) this.originalMaxAge = originalMaxAge;
  }

  /** When the session ends; null: when the browser closes. */
  get expires(): Date | null {
    return this.#expires;
  }

  set expires(expires: Date | null) {
    // `false` is an old way to say: until the browser closes.
    this.#expires = expires || null;
    this.originalMaxAge = this.maxAge;
  }

  /** Milliseconds from now; null: until the browser closes. */
  get maxAge(): number | null {
    return this.#expires instanceof Date ? this.#expires.valueOf() - Date.now() : this.#expires;
  }

  set maxAge(maxAge: number | Date | null) {
    if (maxAge && typeof maxAge !== 'number' && !(maxAge instanceof Date)) {
      throw usageError('maxAge must be a number of milliseconds, or null');
    }
    this.expires = typeof maxAge === 'number' ? new Date(Date.now() + maxAge) : maxAge;
    // To the millisecond, though the clock goes on: it is compared to find out if somebody has changed it.
    if (typeof maxAge === 'number') this.originalMaxAge = maxAge;
  }

  get data(): CookieData {
    const { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite } = this;
    return { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite };
  }

  /** A `Set-Cookie` value. Throws a `TypeError` for attributes that are none. */
  serialize(name: string, value: string): string {
    const { expires, sameSite, secure, ...attributes } = this.data;
    return serialize(name, value, {
      ...defined(attributes),
      ...(expires ? { expires } : undefined),
      ...(sameSite === undefined || sameSite === 'auto' ? undefined : { sameSite }),
      secure: secure === true,
    });
  }

  toJSON(): CookieData {
    return this.data;
  }
}

/** The cookie of a new session, with what `'auto'` means on a connection. */
export function newCookie(options: CookieOptions, isSecure: boolean): Cookie {
  const cookie = new Cookie(options);
  if (cookie.secure === 'auto') cookie.secure = isSecure;
  if (cookie.sameSite === 'auto') cookie.sameSite = isSecure ? 'none' : 'lax';
  return cookie;
}

/**
 * A cookie as it was when it was stored. Anybody may have written the record: what can't be a cookie's is left out, and
 * of a cookie that nobody could send only the age is kept, so that no record makes every answer an error.
 */
export function revive(stored: unknown, otherwise: () => Cookie): Cookie {
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return otherwise();
  const data = stored as Record<string, unknown>;
  const cookie = new Cookie();
  for (const name of ATTRIBUTES) if (data[name] !== undefined) Reflect.set(cookie, name, data[name]);
  const revived = isSendable(cookie) ? cookie : otherwise();
  revived.expires = timeIn(data.expires);
  // The setter of `expires` took what was left of it for the original.
  revived.originalMaxAge = isAge(data.originalMaxAge) ? data.originalMaxAge : null;
  return revived;
}

const ATTRIBUTES = ['path', 'httpOnly', 'domain', 'secure', 'sameSite', 'partitioned', 'priority'] as const;

function isSendable(cookie: Cookie): boolean {
  try {
    cookie.serialize('name', '');
    return true;
  } catch {
    return false;
  }
}

/** A number of milliseconds with which a date can be reached from now. */
function isAge(age: unknown): age is number {
  return typeof age === 'number' && !Number.isNaN(new Date(Date.now() + age).valueOf());
}

function timeIn(expires: unknown): Date | null {
  const date = typeof expires === 'string' || expires instanceof Date ? new Date(expires) : undefined;
  return date === undefined || Number.isNaN(date.valueOf()) ? null : date;
}

type Attributes = Pick<CookieData, 'partitioned' | 'priority' | 'httpOnly' | 'domain' | 'path'>;

function defined(attributes: Attributes): { [Name in keyof Attributes]: NonNullable<Attributes[Name]> } {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null));
}
