import { hash, randomFillSync } from 'node:crypto';
import { Recent } from './recent.js';

/**
 * Session keys and the other random names. A key is 256 random bits in base64url: 43 characters. It is a bearer
 * token, so it lives in the cookie and in memory only; a store sees `storeKeyOf(key)`.
 *
 * The key of a session that belongs to a user begins with the user's *owner*, a hash of the user's ID: `owner~random`.
 * The store keeps it under `{owner}:hash`. So whoever has the key knows where to ask whether it was revoked, and all that is
 * kept of one user lies in one slot of a Cluster, which hashes what is in the braces.
 */
const KEY_BYTES = 32;
export const KEY_LENGTH = 43;
const OWNER_LENGTH = 22;
export const OWNED_KEY_LENGTH = OWNER_LENGTH + 1 + KEY_LENGTH;
const KEY_SHAPE = /^(?:[A-Za-z0-9_-]{22}~)?[A-Za-z0-9_-]{43}$/;
const OWNED_NAME = /^\{([A-Za-z0-9_-]{22})\}:/;
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
  return typeof text === 'string' && (text.length === KEY_LENGTH || text.length === OWNED_KEY_LENGTH) && KEY_SHAPE.test(text);
}

/** The name a store knows the session by: the SHA-256 of its key, so that a dump of the store yields no cookie. */
export function storeKeyOf(sessionKey: string): string {
  const name = hash('sha256', sessionKey, 'base64url');
  return sessionKey.length === OWNED_KEY_LENGTH && KEY_SHAPE.test(sessionKey) ? ownedName(sessionKey.slice(0, OWNER_LENGTH), name) : name;
}

/** The owners of users seen lately: each write asks for one, and a hash costs more than a look-up. */
const owners = new Recent<string, string>(10_000);

/** What stands for a user in keys: 128 bits of a hash. The ID itself, an address perhaps, doesn't go into cookies. */
export function ownerOf(user: string): string {
  const known = owners.get(user);
  if (known !== undefined) return known;
  const owner = hash('sha256', `sojourn user ${user}`, 'base64url').slice(0, OWNER_LENGTH);
  owners.set(user, owner);
  return owner;
}

/** The same random key for another owner, or for none. */
export function keyOwnedBy(sessionKey: string, owner: string | null): string {
  const random = sessionKey.slice(-KEY_LENGTH);
  return owner === null ? random : `${owner}~${random}`;
}

/** The store key of an owner's session by its name in the owner's index. */
export function ownedName(owner: string, name: string): string {
  return `{${owner}}:${name}`;
}

/** Whose session it is, by its store key; null: nobody's. */
export function ownerIn(storeKey: string): string | null {
  return storeKey.startsWith('{') ? (OWNED_NAME.exec(storeKey)?.[1] ?? null) : null;
}

/** What a session is called in its owner's index. */
export function nameIn(storeKey: string): string {
  return storeKey.slice(-KEY_LENGTH);
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
