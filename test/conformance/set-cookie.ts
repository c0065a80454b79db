import type { SetCookie } from './scenario.js';

const EPOCH = 'Thu, 01 Jan 1970 00:00:00 GMT';

/** Takes a `Set-Cookie` header apart. Names of attributes are case-insensitive, their order means nothing. */
export function readSetCookie(line: string): SetCookie {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
  const equals = pair.indexOf('=');
  const value = pair.slice(equals + 1);
  const attributes = new Map(
    rest.map((part): [string, string] => {
      const [name = '', text = ''] = part.split(/=(.*)/s);
      return [name.toLowerCase(), text];
    }),
  );
  const maxAge = attributes.get('max-age');
  const max_age = maxAge === undefined ? null : Number(maxAge);
  const isDeleted = value === '' && max_age === 0 && attributes.get('expires') === EPOCH;
  return {
    kind: value === '' ? 'deleted' : 'set',
    name: pair.slice(0, equals),
    value,
    max_age,
    // Max-Age goes before Expires, so it alone says when the cookie ends; only deletions name a date, for old clients.
    expires_in: isDeleted ? 'epoch' : max_age,
    path: attributes.get('path') ?? null,
    domain: attributes.get('domain') ?? null,
    secure: attributes.has('secure'),
    httponly: attributes.has('httponly'),
    samesite: attributes.get('samesite') ?? null,
  };
}
