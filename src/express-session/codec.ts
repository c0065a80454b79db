import type { Codec } from '../codec.js';

/**
 * Sessions as express-session writes them: one JSON object, the cookie among the data, and what JSON can't keep is
 * changed as JSON changes it (a `Date` becomes a text, `undefined` goes).
 */
export const expressSessionCodec: Codec = {
  encode: (data) => JSON.stringify(Object.fromEntries(data)),
  decode(text) {
    const session: unknown = JSON.parse(text);
    if (typeof session !== 'object' || session === null || Array.isArray(session)) throw new TypeError('not a session');
    return new Map(Object.entries(session));
  },
};
