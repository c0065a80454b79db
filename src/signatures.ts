import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { sign, unsign } from 'cookie-signature';
import { Recent } from './recent.js';
import { isSessionKey, KEY_LENGTH, OWNED_KEY_LENGTH } from './session-key.js';

/** A value is a key, a dot, and the HMAC-SHA256 in base64 without padding, as cookie-signature writes it. */
const SIGNATURE_LENGTH = 1 + 43;

/** How many signatures are remembered. An HMAC costs more than all the rest of reading a cookie, and makes more garbage. */
const MAX_REMEMBERED = 10_000;

/**
 * Signs session keys with the first of some secrets, and verifies with all. What it remembers goes with it: when the
 * secrets change, others are made, and what only a dropped one has signed is worth nothing from then on.
 */
export class Signatures {
  readonly #secrets: readonly KeyObject[];
  /** Signed values that were verified or made lately, and the keys in them. */
  readonly #keyOf = new Recent<string, string>(MAX_REMEMBERED);
  /** The other way round: keys, and their values signed with the first secret. */
  readonly #valueOf = new Recent<string, string>(MAX_REMEMBERED);

  /** `purpose`: what keys are derived for, so that they are worthless for another. */
  constructor(secrets: readonly string[], purpose: string) {
    this.#secrets = secrets.map((secret) => createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32))));
  }

  /** A session key with its signature. */
  valueOf(sessionKey: string): string {
    return this.#valueOf.get(sessionKey) ?? this.#sign(sessionKey);
  }

  /** The session key in a value; undefined if the signature isn't good. */
  keyIn(value: string): string | undefined {
    // Shape first: nothing ill-formed costs an HMAC or reaches the store.
    const length = value.length - SIGNATURE_LENGTH;
    if ((length !== KEY_LENGTH && length !== OWNED_KEY_LENGTH) || value[length] !== '.') return undefined;
    const known = this.#keyOf.get(value);
    if (known !== undefined) return known;
    if (!isSessionKey(value.slice(0, length))) return undefined;
    for (const [index, secret] of this.#secrets.entries()) {
      if (unsign(value, secret) === false) continue;
      // A copy: a part of the header would keep all of it in memory.
      const copy = Buffer.from(value, 'latin1').toString('latin1');
      const key = copy.slice(0, length);
      this.#keyOf.set(copy, key);
      if (index === 0) this.#valueOf.set(key, copy);
      return key;
    }
    return undefined;
  }

  /** 256 bits for a text, in base64url: the same each time, and for nobody to guess. */
  derive(text: string): string {
    return createHmac('sha256', this.#first).update(text).digest('base64url');
  }

  #sign(sessionKey: string): string {
    const value = sign(sessionKey, this.#first);
    this.#valueOf.set(sessionKey, value);
    this.#keyOf.set(value, sessionKey);
    return value;
  }

  get #first(): KeyObject {
    return this.#secrets[0] as KeyObject;
  }
}
