import type { TLSSocket } from 'node:tls';
import { sign, unsign } from 'cookie-signature';
import { hasCookie, visitValues } from '../cookie.js';
import { usageError } from '../errors.js';
import { publish } from '../events.js';
import { Cookie } from './cookie.js';
import type { Secret } from './options.js';
import type { SessionRequest } from './session.js';

/** What older middleware leaves on a request. */
export type LegacyRequest = SessionRequest & {
  readonly originalUrl?: string;
  readonly secure?: boolean;
  /** By cookie-parser. */
  readonly secret?: string;
  readonly cookies?: Record<string, unknown>;
  readonly signedCookies?: Record<string, unknown>;
};

/** More cookies of our name than any accident makes; beyond that the rest isn't looked at. */
const MAX_CANDIDATES = 8;
/** Two sessions can be told apart by which of them is alive; more are an attack. */
const MAX_IDS = 2;

/**
 * The IDs with a good signature in the request: in the Cookie header, or, as with express-session, in what cookie-parser
 * left where something has taken the header away.
 */
export function idsIn({ headers, signedCookies, cookies }: LegacyRequest, name: string, secrets: readonly Secret[]): string[] {
  const ids = headers.cookie === undefined ? [] : signedIdsIn(headers.cookie, name, secrets);
  if (ids.length > 0) return ids;
  const signed = signedCookies?.[name];
  if (typeof signed === 'string' && signed !== '') return [signed];
  const parsed = idOf(cookies?.[name], secrets);
  return parsed === undefined ? [] : [parsed];
}

/** The IDs with a good signature in a Cookie header, each once. */
export function signedIdsIn(header: string, name: string, secrets: readonly Secret[]): string[] {
  const ids = new Set<string>();
  let looked = 0;
  let refused = 0;
  visitValues(header, name, (value) => {
    looked += 1;
    const id = idOf(decoded(value), secrets);
    if (id === undefined) refused += 1;
    else ids.add(id);
    return looked < MAX_CANDIDATES;
  });
  if (refused > 0) publish('refused', { reason: 'signature', cookies: refused });
  if (ids.size <= MAX_IDS) return [...ids];
  publish('refused', { reason: 'ambiguous', cookies: ids.size });
  return [];
}

/** Whether the request brought a cookie of this name. */
export function cameIn(req: LegacyRequest, name: string): boolean {
  return hasCookie(req.headers.cookie, name);
}

/** Whether a path is below that of the cookie; express-session compares the beginnings, and so does this. */
export function isInPath({ originalUrl, url }: LegacyRequest, path: string): boolean {
  const pathname = (originalUrl ?? url ?? '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/\?.*$/s, '');
  return (pathname || '/').startsWith(path);
}

/** Whether the connection is secure: by TLS, by Express, or by `X-Forwarded-Proto` if `proxy` says to believe that. */
export function isSecure(req: LegacyRequest, proxy: boolean | undefined): boolean {
  if ((req.socket as Partial<TLSSocket> | undefined)?.encrypted) return true;
  if (proxy === false) return false;
  if (proxy !== true) return req.secure === true;
  const [protocol = ''] = String(req.headers['x-forwarded-proto'] ?? '').split(',');
  return protocol.trim().toLowerCase() === 'https';
}

/** A `Set-Cookie` value with `s:<ID>.<signature>`. Throws a `TypeError` for attributes that are none. */
export function signedCookie(name: string, id: string, secret: Secret, cookie: Cookie): string {
  return cookie.serialize(name, `s:${sign(id, secret)}`);
}

/** A `Set-Cookie` value that deletes a cookie: its attributes say which one. */
export function erasingCookie(name: string, { data }: Cookie): string {
  return new Cookie({ ...data, expires: new Date(0) }).serialize(name, '');
}

/** Browsers drop a cookie of more than 4096 bytes (RFC 6265bis section 5.6); the rest is for its name and signature. */
const MAX_ID_BYTES = 3500;

/** What `genid` made. Throws a `TypeError` if no cookie could hold it. */
export function checkedId(id: unknown): string {
  if (typeof id !== 'string' || id === '') throw usageError("genid must return a text that isn't empty");
  // Throws for half a surrogate pair.
  if (encodeURIComponent(id).length > MAX_ID_BYTES) throw usageError('genid must return a text that fits into a cookie');
  return id;
}

/** The ID in `s:<ID>.<signature>`. */
function idOf(value: unknown, secrets: readonly Secret[]): string | undefined {
  if (typeof value !== 'string' || !value.startsWith('s:')) return undefined;
  for (const secret of secrets) {
    const id = unsign(value.slice(2), secret);
    if (id !== false && id !== '') return id;
  }
  return undefined;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Not encoded by us, and so not ours.
    return '';
  }
}
