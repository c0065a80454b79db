import { randomBytes } from 'node:crypto';
import { type Codec, json } from './codec.js';
import { type CookieOptions, SessionCookie } from './cookie.js';
import { OptionError } from './errors.js';
import { warnOnce } from './events.js';
import { type Duration, EXPIRY_KEY, type ExpiryPolicy, expiryAge, problemWithAge, readCustomExpiry, toSeconds } from './expiry.js';
import { type Keyring, sourceOf } from './keyring.js';
import { assertKnown } from './known-options.js';
import type { SecretSource, Secrets } from './secrets.js';
import type { SessionData } from './session-data.js';
import { sessionKeys } from './session-key.js';
import { MemoryStore } from './stores/memory.js';
import type { Store } from './stores/store.js';
import type { Predecessor } from './take-over.js';
import type { WorkSettings } from './unit-of-work.js';
import { resolveUserOptions, type UserOptions, type UserSettings } from './user.js';

/** What a session needs to know, in a request or without one. */
export interface CommonOptions {
  /** How long a session lives without a change: a duration, or seconds. `{ days: 14 }` unless told, at most 400 days. */
  maxAge?: Duration;
  /** The cookie ends with the browser; the record still lives for `maxAge`. */
  expireAtBrowserClose?: boolean;
  /** How long a session lives at most, counted from its beginning or its last `cycleKey()`. No limit unless told. */
  absoluteTimeout?: Duration;
  /** How data become text: `json()` unless told. */
  codec?: Codec;
  /** The most bytes of one encoded session. 64 KiB unless told. */
  maxBytes?: number;
  /** The time in milliseconds, like `Date.now`, which it is unless told. For tests. */
  clock?: () => number;
}

export interface StandaloneOptions extends CommonOptions {
  store: Store;
  sessionKey?: string;
}

export interface SessionOptions<Data extends object = SessionData> extends CommonOptions, UserOptions<Data> {
  /**
   * Signs the cookie: at least 32 characters. In a list the first signs and all verify; a `keyring()` exchanges them while it is in use.
   * `SESSION_SECRET` unless told.
   */
  secret?: Secrets | Keyring;
  /** Where sessions are kept. A `MemoryStore` unless told. */
  store?: Store;
  cookie?: CookieOptions;
  /** Renews record and cookie with every request, whether it changed something or not. */
  saveEveryRequest?: boolean;
  /** Loads nothing before `await req.session.load()`. */
  lazy?: boolean;
  /** The name on the request: two sessions in one app have two. `session` unless told. */
  property?: string;
  /** What to do with changes to a session that was deleted meanwhile: answer 400, or drop them quietly. */
  onInterrupted?: 'error' | 'discard';
  /** The sessions of the library that was used before: `expressSessions({ ... })`. */
  takeOver?: Predecessor;
}

export interface SessionSettings extends WorkSettings, ExpiryPolicy, UserSettings {
  readonly userOf: UserSettings['userOf'];
  readonly maxPerUser: UserSettings['maxPerUser'];
  readonly cookie: SessionCookie;
  readonly saveEveryRequest: boolean;
  readonly lazy: boolean;
  readonly property: string;
  readonly onInterrupted: 'error' | 'discard';
  readonly takeOver: Predecessor | undefined;
}

const DEFAULT_MAX_AGE = 14 * 86_400;
const DEFAULT_MAX_BYTES = 64 * 1024;
const KEY_SALT = 'sojourn.session';

// Every option is listed once; a new one that isn't fails to compile.
const COMMON: Record<keyof CommonOptions, true> = {
  maxAge: true,
  expireAtBrowserClose: true,
  absoluteTimeout: true,
  codec: true,
  maxBytes: true,
  clock: true,
};
const STANDALONE: Record<keyof StandaloneOptions, true> = { ...COMMON, store: true, sessionKey: true };
const SESSION: Record<keyof SessionOptions, true> = {
  ...COMMON,
  secret: true,
  store: true,
  cookie: true,
  saveEveryRequest: true,
  lazy: true,
  property: true,
  onInterrupted: true,
  takeOver: true,
  user: true,
  device: true,
  maxPerUser: true,
};
const COOKIE: Record<keyof CookieOptions, true> = {
  name: true,
  domain: true,
  path: true,
  secure: true,
  httpOnly: true,
  sameSite: true,
  partitioned: true,
  priority: true,
};
const STORE_METHODS: readonly (keyof Store)[] = [
  'read',
  'create',
  'update',
  'touch',
  'retire',
  'delete',
  'exists',
  'clearExpired',
  'close',
];

/** The settings of `session(options)`. Throws an `OptionError` that names the option; warns of what production needs. */
export function resolveOptions<Data extends object = SessionData>(options: SessionOptions<Data> = {}): SessionSettings {
  assertKnown(options, SESSION, '');
  const { cookie = {}, property = 'session', onInterrupted = 'error' } = options;
  assertKnown(cookie, COOKIE, 'cookie.');
  if (typeof property !== 'string' || property === '') throw new OptionError('property', "must be a name that isn't empty");
  if (onInterrupted !== 'error' && onInterrupted !== 'discard') throw new OptionError('onInterrupted', "must be 'error' or 'discard'");
  const store = options.store === undefined ? memoryStore(options.clock) : checkedStore(options.store);
  return {
    ...resolveCommon(options),
    ...resolveUserOptions(options, store),
    store,
    cookie: new SessionCookie(cookie, resolveSecrets(options.secret)),
    saveEveryRequest: flag(options, 'saveEveryRequest'),
    lazy: flag(options, 'lazy'),
    property,
    onInterrupted,
    takeOver: options.takeOver && checkedPredecessor(options.takeOver),
    flushLeavesMarker: options.takeOver !== undefined,
  };
}

/** The settings of `new Session(options)`. */
export function resolveStandaloneOptions(options: StandaloneOptions): WorkSettings & ExpiryPolicy {
  assertKnown(options, STANDALONE, '');
  return { ...resolveCommon(options), store: checkedStore(options.store) };
}

function resolveCommon(options: CommonOptions) {
  const { codec = json(), maxBytes = DEFAULT_MAX_BYTES, clock = Date.now } = options;
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new OptionError('codec', 'must be a codec: json(), signed(keys), encrypted(keys), compressed(), or your own');
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) throw new OptionError('maxBytes', 'must be a whole number of bytes above 0');
  if (typeof clock !== 'function') throw new OptionError('clock', 'must be a function like Date.now');
  const maxAge = age(options, 'maxAge') ?? DEFAULT_MAX_AGE;
  return {
    codec,
    maxBytes,
    clock,
    keys: sessionKeys,
    keySalt: KEY_SALT,
    maxAge,
    ageOf: (values: ReadonlyMap<string, unknown>, now: number) => expiryAge(readCustomExpiry(values.get(EXPIRY_KEY)), maxAge, now),
    absoluteTimeout: age(options, 'absoluteTimeout'),
    expireAtBrowserClose: flag(options, 'expireAtBrowserClose'),
  };
}

function age<Name extends 'maxAge' | 'absoluteTimeout'>(options: CommonOptions, name: Name): number | undefined {
  const duration = options[name];
  if (duration === undefined) return undefined;
  let seconds: number;
  try {
    seconds = toSeconds(duration);
  } catch (error) {
    throw new OptionError(name, (error as TypeError).message);
  }
  const problem = seconds < 1 ? 'must be at least a second' : problemWithAge(seconds);
  if (problem !== undefined) throw new OptionError(name, problem);
  return seconds;
}

function flag<Name extends string>(options: { readonly [name in Name]?: boolean }, name: Name): boolean {
  const value: unknown = options[name] ?? false;
  if (typeof value !== 'boolean') throw new OptionError(name, 'must be true or false');
  return value;
}

export function checkedStore(store: Store): Store {
  const missing = STORE_METHODS.filter((method) => typeof store?.[method] !== 'function');
  if (missing.length > 0) throw new OptionError('store', `must be a Sojourn store; this one has no ${missing.join(', ')}`);
  return store;
}

function checkedPredecessor(predecessor: Predecessor): Predecessor {
  if (typeof predecessor?.read !== 'function') {
    throw new OptionError('takeOver', 'must be the sessions of another library: expressSessions({ secret, client })');
  }
  if (typeof predecessor.idsIn === 'function') return predecessor;
  throw new OptionError('takeOver.secret', 'is missing: what express-session signed its cookie with, expressSessions({ secret, client })');
}

function memoryStore(clock: (() => number) | undefined): Store {
  if (inProduction()) {
    warnOnce(
      'SOJOURN_MEMORY_STORE',
      'Sessions are kept in the memory of this process: a restart logs everybody out, and other processes know nothing of them. ' +
        'Give session({ store: new RedisStore(client) }).',
    );
  }
  return new MemoryStore(clock && { clock });
}

function resolveSecrets(option: Secrets | Keyring | undefined): SecretSource {
  const given = option === undefined ? process.env.SESSION_SECRET : option;
  return given === undefined ? { secrets: [randomSecret()] } : sourceOf(given, 'secret');
}

function randomSecret(): string {
  if (inProduction())
    throw new OptionError('secret', 'is missing: set SESSION_SECRET, or give session({ secret }), at least 32 random characters');
  warnOnce(
    'SOJOURN_RANDOM_SECRET',
    'No secret was given, so this process made up one: its sessions end with it. Set SESSION_SECRET, or give session({ secret }).',
  );
  return randomBytes(32).toString('base64');
}

function inProduction(): boolean {
  return process.env.NODE_ENV === 'production';
}
