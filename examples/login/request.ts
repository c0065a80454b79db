import type { Request } from 'express';
import { findUser, type User } from './users.js';

/** The default, unless the site is on https alone. Named here because `hasLostSession` looks for it. */
export const SESSION_COOKIE = 'sessionid';

export function signedInUser(req: Request): User | undefined {
  return findUser(req.session.get('userId'));
}

/** The browser still has the cookie of a session, and there is none behind it: it was ended from elsewhere, or its time is up. */
export function hasLostSession(req: Request): boolean {
  const names = (req.headers.cookie ?? '').split(';').map((pair) => pair.split('=', 1)[0]?.trim());
  return req.session.sessionKey === null && names.includes(SESSION_COOKIE);
}

/** A field of the form; '' if it is missing or there are several. */
export function field(req: Request, name: string): string {
  const value: unknown = (req.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}
