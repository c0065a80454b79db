import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SessionTooLargeError } from './errors.js';
import { type Keyring, sourceOf } from './keyring.js';
import { madeOf, type Secrets } from './secrets.js';

/**
 * Turns a session's data into the text a store keeps, and back.
 *
 * `decode` throws for anything `encode` didn't write; the session then counts as absent, and an event says so. A
 * codec never falls back to a weaker one. Custom codecs get the data as a `Map` and may keep what JSON can't; changes
 * inside of such values are not seen, as they are found by comparing JSON texts: `set()` them again.
 */
export interface Codec {
  encode(data: ReadonlyMap<string, unknown>, context: CodecContext): string;
  decode(text: string, context: CodecContext): Map<string, unknown>;
}

export interface CodecContext {
  /** What the record is bound to: the key salt and the store key. A record copied to another key must not decode. */
  readonly binding: string;
  /** The keys this request set or handed out. Only their values can be unfit; undefined means all. */
  readonly suspects?: Iterable<string> | undefined;
}

/** Secrets of at least 32 characters, of which the first signs or encrypts and all are accepted; a `keyring()` exchanges them while in use. */
export type CodecKeys = Secrets | Keyring;

const MAX_DEPTH = 100;

/**
 * Plain JSON, readable in redis-cli: the default. Refuses, with the path, every value that JSON would change silently.
 */
export function json(): Codec {
  return {
    encode(data, { suspects = data.keys() }) {
      for (const key of suspects) if (data.has(key)) assertJson(data.get(key), key);
      // An ordinary object, which is written down in two thirds of the time that one without a prototype takes.
      const object: Record<string, unknown> = {};
      for (const [key, value] of data) {
        // Objects put keys that look like array indices first; a list of pairs keeps the order they were set in. And
        // there is one name that an ordinary object doesn't take for a key.
        if (startsWithDigit(key) || key === '__proto__') return JSON.stringify([...data]);
        object[key] = value;
      }
      return JSON.stringify(object);
    },
    decode(text) {
      const value: unknown = JSON.parse(text);
      if (Array.isArray(value)) return new Map(value.map(asPair));
      if (typeof value !== 'object' || value === null) throw new TypeError('not a session');
      const data = new Map<string, unknown>();
      for (const key of Object.keys(value)) data.set(key, (value as Record<string, unknown>)[key]);
      return data;
    },
  };
}

function startsWithDigit(key: string): boolean {
  const code = key.charCodeAt(0);
  return code >= 48 && code <= 57;
}

function asPair(item: unknown): [string, unknown] {
  if (!Array.isArray(item) || item.length !== 2 || typeof item[0] !== 'string') throw new TypeError('not a session');
  return [item[0], item[1]];
}

/** Throws unless `JSON.parse(JSON.stringify(value))` is the same value. */
function assertJson(value: unknown, key: string): void {
  const problem = findUnfit(value, 0);
  if (problem === undefined) return;
  const message =
    `The session value "${key}${problem.path}" is ${problem.what}, which JSON can't keep as it is. ` +
    'Store a string, a number, a boolean, null, or plain objects and arrays of them, or use a codec that keeps it.';
  throw Object.assign(new TypeError(message), { code: 'ERR_SESSION_VALUE', status: 500 });
}

/** What is unfit inside of a value, and where. The path is put together only on the way back from a find. */
interface Unfit {
  readonly path: string;
  readonly what: string;
}

function findUnfit(value: unknown, depth: number): Unfit | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      if (Object.is(value, -0)) return { path: '', what: '-0' };
      return Number.isFinite(value) ? undefined : { path: '', what: String(value) };
    case 'object':
      return value === null ? undefined : findUnfitInside(value, depth);
    case 'undefined':
      return { path: '', what: 'undefined' };
    default:
      return { path: '', what: `a ${typeof value}` };
  }
}

function findUnfitInside(value: object, depth: number): Unfit | undefined {
  if (depth === MAX_DEPTH) return { path: '', what: `nested deeper than ${MAX_DEPTH} levels, or contains itself` };
  if (Array.isArray(value)) {
    // Array.prototype is an array itself; the prototype of a class that extends it isn't.
    if (!Array.isArray(Object.getPrototypeOf(value))) return { path: '', what: `a ${classOf(value)}` };
    if (Object.keys(value).length !== value.length) return { path: '', what: 'an array with holes or named properties' };
    for (let index = 0; index < value.length; index += 1) {
      const problem = findUnfit(value[index], depth + 1);
      if (problem) return { path: `[${index}]${problem.path}`, what: problem.what };
    }
    return undefined;
  }
  // A root prototype, not Object.prototype: plain objects of another realm are plain as well.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return { path: '', what: `a ${classOf(value)}` };
  if (Object.getOwnPropertySymbols(value).length > 0) return { path: '', what: 'an object with symbol keys' };
  for (const key of Object.keys(value)) {
    const problem = findUnfit((value as Record<string, unknown>)[key], depth + 1);
    if (problem) return { path: `.${key}${problem.path}`, what: problem.what };
  }
  return undefined;
}

function classOf(value: object): string {
  const type: unknown = value.constructor;
  return typeof type === 'function' && type.name ? type.name : 'class instance';
}

/**
 * Adds an HMAC-SHA256 that binds the text to its session, so that a record that was forged in the store, or copied
 * from another session, doesn't decode. The text stays readable.
 */
export function signed(keys: CodecKeys, codec: Codec = json()): Codec {
  const secretsNow = derived(keys, 'signed', 'sojourn record signature', (secret) => secret);
  // The text of the MAC is compared, not its bytes: the last character of base64 has bits to spare.
  const sign = (secret: Buffer, binding: string, text: string) =>
    Buffer.from(createHmac('sha256', secret).update(`s1\0${binding}\0${text}`).digest('base64url'));
  return {
    encode(data, context) {
      const text = codec.encode(data, context);
      return `s1.${sign(secretsNow()[0] as Buffer, context.binding, text)}.${text}`;
    },
    decode(record, context) {
      const [, mac, text] = /^s1\.([\w-]{43})\.(.*)$/s.exec(record) ?? [];
      if (mac === undefined || text === undefined) throw new TypeError('not a signed record');
      const given = Buffer.from(mac);
      if (!secretsNow().some((secret) => timingSafeEqual(sign(secret, context.binding, text), given))) throw new TypeError('bad signature');
      return codec.decode(text, context);
    },
  };
}

/**
 * AES-256-GCM under a key derived from the first of `keys`, with a new random nonce for every write. Version, key
 * and session are authenticated with the text, so that no record can pass for another.
 */
export function encrypted(keys: CodecKeys, codec: Codec = json()): Codec {
  const secretsNow = derived(keys, 'encrypted', 'sojourn record encryption', (secret) => ({
    secret,
    id: hash('sha256', secret, 'base64url').slice(0, 6),
  }));
  return {
    encode(data, context) {
      const { secret, id } = secretsNow()[0] as ReturnType<typeof secretsNow>[0];
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(`e1\0${id}\0${context.binding}`));
      const sealed = Buffer.concat([nonce, cipher.update(codec.encode(data, context), 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `e1.${id}.${sealed.toString('base64url')}`;
    },
    decode(record, context) {
      const [, id, text] = /^e1\.([\w-]{6})\.([\w-]+)$/.exec(record) ?? [];
      const secret = secretsNow().find((candidate) => candidate.id === id)?.secret;
      if (secret === undefined || text === undefined) throw new TypeError('not encrypted with a known key');
      const sealed = Buffer.from(text, 'base64url');
      // Base64 can write the same bytes in several ways; only one of them is ours.
      if (sealed.toString('base64url') !== text) throw new TypeError('not an encrypted record');
      const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, 12), { authTagLength: 16 })
        .setAAD(Buffer.from(`e1\0${id}\0${context.binding}`))
        .setAuthTag(sealed.subarray(-16));
      const open = decipher.update(sealed.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
      return codec.decode(open, context);
    },
  };
}

export interface CompressedOptions {
  /** Texts of fewer characters are stored as they are. 1024 unless told. */
  threshold?: number;
  /** The most bytes a stored record may unfold to; more doesn't decode. 4 MiB unless told. */
  limit?: number;
}

/** Compresses (raw deflate) what the inner codec wrote, above a threshold. Put it inside `encrypted`, not around it. */
export function compressed(codec: Codec = json(), { threshold = 1024, limit = 4 * 1024 * 1024 }: CompressedOptions = {}): Codec {
  return {
    encode(data, context) {
      const text = codec.encode(data, context);
      // What couldn't be read back must not be written.
      if (Buffer.byteLength(text) > limit) throw new SessionTooLargeError(Buffer.byteLength(text), limit);
      return text.length < threshold ? `-${text}` : `z${deflateRawSync(text).toString('base64url')}`;
    },
    decode(record, context) {
      if (record.startsWith('-')) return codec.decode(record.slice(1), context);
      if (!record.startsWith('z')) throw new TypeError('not a compressed record');
      const text = inflateRawSync(Buffer.from(record.slice(1), 'base64url'), { maxOutputLength: limit });
      return codec.decode(text.toString('utf8'), context);
    },
  };
}

/** One 256-bit key per secret and purpose (HKDF), so that one secret may serve cookies and records. Derived anew when they change. */
function derived<Made>(keys: CodecKeys, name: string, purpose: string, make: (secret: Buffer) => Made): () => Made[] {
  const derive = (secret: string) => make(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)));
  return madeOf(sourceOf(keys, `${name}(keys)`), (secrets) => secrets.map(derive));
}
