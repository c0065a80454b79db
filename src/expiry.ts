import { usageError } from './errors.js';
/**
 * Django's expiry rules as functions of (custom expiry, global policy, now). All ages are in seconds; `now` and
 * `modification` are in milliseconds, like `Date.now()`.
 */

/** A span of time: seconds, or a sum of parts, as in `{ days: 14 }` or `{ hours: 1, minutes: 30 }`. */
export type Duration = number | DurationParts;
export interface DurationParts {
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
}

/**
 * A session's own expiry as it is stored: seconds of idleness, 0 for "until the browser closes", or a fixed time as
 * an ISO 8601 text. Anything else means: the global policy.
 */
export type CustomExpiry = number | string | undefined;

/** What holds for sessions without an expiry of their own. */
export interface ExpiryPolicy {
  /** Seconds without a change. */
  readonly maxAge: number;
  /** The cookie ends with the browser. */
  readonly expireAtBrowserClose: boolean;
}

/** The data key that holds it. Django's name, and like there an ordinary entry of the session. */
export const EXPIRY_KEY = '_session_expiry';

/** Browsers keep no cookie longer than 400 days (RFC 6265bis, section 5.5). */
export const MAX_COOKIE_AGE = 400 * 86_400;

const PART_SECONDS: Record<keyof DurationParts, number> = { days: 86_400, hours: 3_600, minutes: 60, seconds: 1 };

/** A duration in seconds. Throws a `TypeError` for anything that isn't one. */
export function toSeconds(duration: Duration): number {
  let sum = 0;
  if (typeof duration === 'number') sum = duration;
  else if (!isParts(duration)) throw usageError('a duration is a number of seconds, or parts like { hours: 2 }');
  else for (const [part, amount] of Object.entries(duration)) sum += amount * PART_SECONDS[part as keyof DurationParts];
  if (!Number.isFinite(sum)) throw usageError('a duration must be a finite number of seconds');
  return sum;
}

function isParts(value: unknown): value is Record<keyof DurationParts, number> {
  if (value === null || typeof value !== 'object') return false;
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([part, amount]) => Object.hasOwn(PART_SECONDS, part) && typeof amount === 'number');
}

/** Why a number of seconds can't be meant, or undefined. Catches the milliseconds of other libraries. */
export function problemWithAge(seconds: number): string | undefined {
  if (seconds <= MAX_COOKIE_AGE) return undefined;
  return `${seconds} seconds are more than the 400 days a browser keeps a cookie. Ages are in seconds: did you mean ${seconds / 1000}?`;
}

/** What `setExpiry(value)` stores. Throws a `TypeError` or `RangeError` for what can't be an expiry. */
export function toCustomExpiry(value: number | Date | DurationParts, now: number): number | string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw usageError('setExpiry() takes a finite number of seconds');
    const problem = problemWithAge(value);
    if (problem) throw usageError(`setExpiry(): ${problem}`, RangeError);
    return value;
  }
  const date = value instanceof Date ? value : new Date(now + toSeconds(value) * 1000);
  if (Number.isNaN(date.getTime())) throw usageError('setExpiry() was given an invalid Date, or a duration that ends beyond all dates');
  return date.toISOString();
}

/** What is stored under EXPIRY_KEY, if it can be used; damaged values fall back to the global policy. */
export function readCustomExpiry(value: unknown): CustomExpiry {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && !Number.isNaN(Date.parse(value))) return value;
  return undefined;
}

/** Seconds until the session expires; a fixed time in the past gives a negative age. Django: `get_expiry_age`. */
export function expiryAge(expiry: CustomExpiry, policy: number, modification: number): number {
  if (typeof expiry === 'string') return Math.floor((Date.parse(expiry) - modification) / 1000);
  return expiry || policy;
}

/** When the session expires, in milliseconds. Django: `get_expiry_date`. */
export function expiryTime(expiry: CustomExpiry, policy: number, modification: number): number {
  if (typeof expiry === 'string') return Date.parse(expiry);
  return modification + (expiry || policy) * 1000;
}

/** Whether the cookie lives until the browser closes. Django: `get_expire_at_browser_close`. */
export function expiresAtBrowserClose(expiry: CustomExpiry, policy: boolean): boolean {
  return expiry === undefined ? policy : expiry === 0;
}

/** Whole seconds for a cookie or a store: rounded down like Django, but a living session never gets 0. */
export function wholeSeconds(age: number): number {
  return Math.max(1, Math.floor(age));
}
