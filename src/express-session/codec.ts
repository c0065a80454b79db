import type { Codec } from '../codec.js';

/**
 * Sessions as express-session writes them: one JSON object, the cookie among the data, and what JSON can't keep is
 * changed as JSON changes it (a `Date` becomes a text, `undefined` goes). Throws for what has no JSON: a BigInt, a cycle.
 */
export const expressSessionCodec: Codec = {
  encode(data) {
    try {
      return JSON.stringify(Object.fromEntries(data));
    } catch {
      throw unfit([...data].filter(hasNoText).map(([key]) => key));
    }
  },
  decode(text) {
    const session: unknown = JSON.parse(text);
    if (typeof session !== 'object' || session === null || Array.isArray(session)) throw new TypeError('not a session');
    return new Map(Object.entries(session));
  },
};

function hasNoText([, value]: [string, unknown]): boolean {
  try {
    JSON.stringify(value);
    return false;
  } catch {
    return true;
  }
}

function unfit(keys: string[]): TypeError {
  const message = `No JSON can be made of "${keys.join('", "')}" in the session: it has a BigInt in it, contains itself, or its toJSON() throws. Store a text instead.`;
  return Object.assign(new TypeError(message), { code: 'ERR_SESSION_VALUE', status: 500 });
}
