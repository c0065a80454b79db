import { hash } from 'node:crypto';
import { createVersion } from '../session-key.js';
import type { StoredSession } from '../stores/store.js';

/**
 * How a record of Sojourn lies in an express-session store: as an object that looks like a session of express-session,
 * since stores take the time to live from its `cookie`. Times to live are in seconds, `now` is in milliseconds.
 */
export interface RecordForm {
  /** Whether creating looks first if the key is free. */
  readonly asksFirst: boolean;
  /** What the store is to keep for a payload, and the version that has. */
  make(payload: string, ttl: number, now: number): { session: object; version: string };
  /** The record in what the store gave; null if there is none in it. */
  open(session: object): StoredSession | null;
  /** The same session with a new time to live. */
  renewed(session: object, ttl: number, now: number): object;
  /** What the store is to keep for the marker of a retired session; null if this form has none. */
  marker(ttl: number, now: number): object | null;
}

/** The record as an unreadable text beside a cookie: for Sojourn's own sessions, with any codec. */
export const opaque: RecordForm = {
  asksFirst: true,
  make(payload, ttl, now) {
    const version = createVersion();
    return { session: { cookie: cookieFor(ttl, now), sojourn: { version, payload } }, version };
  },
  open(session) {
    const { sojourn } = session as { sojourn?: Partial<StoredSession> | null };
    if (typeof sojourn?.payload !== 'string' || typeof sojourn.version !== 'string') return null;
    return { payload: sojourn.payload, version: sojourn.version };
  },
  renewed: (session, ttl, now) => ({ ...session, cookie: cookieFor(ttl, now) }),
  marker: (ttl, now) => opaque.make('', ttl, now).session,
};

/**
 * The payload is the JSON text of a session of express-session, and the store keeps just that session: for the drop-in,
 * beside applications that still run express-session on the same store. How long it lives is what its cookie says; one
 * without `cookie.expires` lives as long as the store wants. The version is a hash of all but the cookie, so that a
 * touch keeps it.
 */
export const plain: RecordForm = {
  // Nor does express-session, and there are stores that never answer for a key they don't have.
  asksFirst: false,
  make(payload) {
    const session = JSON.parse(payload) as PlainSession;
    return { session: withCookie(session, expiresOf(session)), version: versionOf(session) };
  },
  open: (session) => ({ payload: JSON.stringify(session), version: versionOf(session) }),
  renewed(session, ttl, now) {
    return withCookie(session, expiresOf(session) && new Date(now + ttl * 1000));
  },
  marker: () => null,
};

/** When a session is over by its own cookie; undefined if that doesn't say. */
export function expiresOf(session: object): Date | undefined {
  const expires = (session as PlainSession).cookie?.expires;
  if (typeof expires !== 'string' && !(expires instanceof Date)) return undefined;
  const date = new Date(expires);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

interface PlainSession {
  readonly cookie?: { readonly expires?: unknown } | null;
}

/** Like the cookie of express-session: stores read `expires`, `originalMaxAge` or `maxAge`, and keep the own properties. */
class RecordCookie {
  declare readonly expires?: Date;

  constructor(properties: object) {
    // A record that somebody else has written may have a maxAge of its own, which there is only a getter for.
    const { maxAge: _, ...others } = properties as { maxAge?: unknown };
    Object.assign(this, others);
  }

  /** Milliseconds from now; undefined without an end. */
  get maxAge(): number | undefined {
    return this.expires && this.expires.getTime() - Date.now();
  }
}

function cookieFor(ttl: number, now: number): RecordCookie {
  const originalMaxAge = ttl * 1000;
  return new RecordCookie({ originalMaxAge, expires: new Date(now + originalMaxAge), httpOnly: true, path: '/' });
}

function withCookie(session: PlainSession, expires: Date | undefined): object {
  if (typeof session.cookie !== 'object' || session.cookie === null) return session;
  return { ...session, cookie: new RecordCookie({ ...session.cookie, ...(expires && { expires }) }) };
}

function versionOf(session: object): string {
  return hash('sha256', JSON.stringify({ ...session, cookie: undefined }, sorted), 'base64url');
}

/** The keys of objects in order: a database that keeps JSON in a form of its own gives them back in another. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
