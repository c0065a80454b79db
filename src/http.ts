import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { warnOnce } from './events.js';

/** A request of http, https or http2, with what Express adds to it. */
export type AnyRequest = (IncomingMessage | Http2ServerRequest) & {
  readonly originalUrl?: string | undefined;
  readonly secure?: boolean | undefined;
};
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Express' `req.secure`, which knows of trusted proxies; without Express, whether the socket itself is TLS. */
export function isSecure(req: AnyRequest): boolean {
  return req.secure ?? (req.socket as Partial<TLSSocket> | undefined)?.encrypted === true;
}

/** Whether a cookie of this path comes along with the request (RFC 6265bis section 5.1.4): `/a` covers `/a/b`, not `/ab`. */
export function isInPath(req: AnyRequest, path: string): boolean {
  if (path === '/') return true;
  // A client may send the whole URL (RFC 9112 section 3.2.2).
  const url = (req.originalUrl ?? req.url ?? '/').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const query = url.indexOf('?');
  const pathname = query === -1 ? url : url.slice(0, query);
  return pathname.startsWith(path) && (path.endsWith('/') || pathname.length === path.length || pathname[path.length] === '/');
}

/** Adds a value to a header. */
export function addHeader(res: AnyResponse, name: string, value: string): void {
  const response = res as ServerResponse;
  const present = response.getHeader(name);
  response.setHeader(name, present === undefined ? value : [present, value].flat().map(String));
}

/** Sets headers that nobody has set. */
export function setMissingHeaders(res: AnyResponse, headers: Readonly<Record<string, string>> = {}): void {
  const response = res as ServerResponse;
  for (const [name, value] of Object.entries(headers)) if (!response.hasHeader(name)) response.setHeader(name, value);
}

/** Drops what was set since the session came in, so that an error response keeps what stands before it (CORS, CSP). */
export function restoreHeaders(response: ServerResponse, before: ReturnType<ServerResponse['getHeaders']>): void {
  for (const name of response.getHeaderNames()) if (before[name] === undefined) response.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined && response.getHeader(name) !== value) response.setHeader(name, value);
  }
}

/** Sets the headers given to `writeHead`: an object, a flat list of names and values, or a list of pairs. */
export function mergeHeaders(response: ServerResponse, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    return;
  }
  const pairs: [string, string][] = Array.isArray(headers[0]) ? headers : [];
  if (pairs !== headers) for (let index = 0; index < headers.length; index += 2) pairs.push([headers[index], headers[index + 1]]);
  // A list may name a header several times; all of its values together replace what was set before.
  for (const [name] of pairs) response.removeHeader(name);
  for (const [name, value] of pairs) addHeader(response, name, value);
}

/** Merges `Cookie` into `Vary`: caches must not give one visitor's page to another. */
export function varyOnCookie(res: AnyResponse): void {
  const response = res as ServerResponse;
  const present = response.getHeader('Vary');
  if (present === undefined) {
    response.setHeader('Vary', 'Cookie');
    return;
  }
  const text = String(present);
  const fields = text
    .toLowerCase()
    .split(',')
    .map((field) => field.trim());
  if (!fields.includes('*') && !fields.includes('cookie')) response.setHeader('Vary', text === '' ? 'Cookie' : `${text}, Cookie`);
}

/** Adds a session cookie, and keeps the response that carries it out of shared caches (RFC 9111 section 7.3). */
export function sendSetCookie(res: AnyResponse, cookie: string): void {
  const response = res as ServerResponse;
  addHeader(response, 'Set-Cookie', cookie);
  const present = response.getHeader('Cache-Control');
  if (present === undefined) {
    response.setHeader('Cache-Control', 'no-store');
    return;
  }
  const directives = String(present)
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim());
  if (!isShared(directives)) return;
  const own = directives.filter((directive) => directive !== 'public' && !directive.startsWith('s-maxage='));
  response.setHeader('Cache-Control', ['private', ...own].join(', '));
  warnOnce(
    'SOJOURN_PUBLIC_RESPONSE',
    'A response that sets the session cookie said that shared caches may keep it, so that they could hand one visitor the session of another. ' +
      'It was made private. Mount static files before the session, and send "Cache-Control: private" or "no-store" with personal pages.',
  );
}

/**
 * Whether a shared cache may keep the response for a while (RFC 9111 section 4.2.1): `s-maxage` goes before `max-age`,
 * and without either `public` leaves the time to the cache.
 */
function isShared(directives: readonly string[]): boolean {
  const has = (name: string) => directives.includes(name);
  if (has('private') || has('no-store') || has('no-cache')) return false;
  const lifetime = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age');
  return lifetime === undefined ? has('public') : lifetime > 0;
}

function secondsOf(directives: readonly string[], name: string): number | undefined {
  const directive = directives.find((each) => each.startsWith(`${name}=`));
  return directive === undefined ? undefined : Number(directive.slice(name.length + 1).replaceAll('"', ''));
}
