import { hash, randomFillSync } from 'node:crypto';

/**
 * Session keys and the other random names. A key is 256 random bits in base64url: 43 characters. It is a bearer
 * token, so it lives in the cookie and in memory only; a store sees `storeKeyOf(key)`.
 */
const KEY_BYTES = 32;
const KEY_SHAPE = /^[A-Za-z0-9_-]{43}$/;
const VERSION_BYTES = 6;

// One system call fills the pool for some hundred keys. If the system has no randomness, this throws and so does
// the request: there is no fall-back generator.
const pool = Buffer.alloc(4096);
let used = pool.length;

function random(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const text = pool.toString('base64url', used, used + bytes);
  pool.fill(0, used, used + bytes);
  used += bytes;
  return text;
}

/** A new session key. */
export function createSessionKey(): string {
  return random(KEY_BYTES);
}

/** Whether the text has the shape of a session key. Checked before any HMAC and before any store call. */
export function isSessionKey(text: unknown): text is string {
  return typeof text === 'string' && text.length === 43 && KEY_SHAPE.test(text);
}

/** The name a store knows the session by: the SHA-256 of its key, so that a dump of the store yields no cookie. */
export function storeKeyOf(sessionKey: string): string {
  return hash('sha256', sessionKey, 'base64url');
}

/** A short fingerprint of a session for logs and events; can't be turned back into a key or a store key. */
export function fingerprintOf(storeKey: string): string {
  return hash('sha256', `sojourn fingerprint ${storeKey}`, 'base64url').slice(0, 12);
}

/** The version of one write: 42 random bits, 7 characters. It only has to differ from other writes of one record. */
export function createVersion(): string {
  return random(VERSION_BYTES).slice(0, 7);
}

/** How sessions are named: the key in the cookie, and what the store knows it by. */
export interface KeyScheme {
  createKey(): string;
  storeKeyOf(sessionKey: string): string;
}

export const sessionKeys: KeyScheme = { createKey: createSessionKey, storeKeyOf };
