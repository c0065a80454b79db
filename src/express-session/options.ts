import { OptionError } from '../errors.js';
import { warnOnce } from '../events.js';
import { createSessionKey, sessionKeys } from '../session-key.js';
import type { Store as SojournStore } from '../stores/store.js';
import type { OldSessions } from '../take-over.js';
import type { WorkSettings } from '../unit-of-work.js';
import { expressSessionCodec } from './codec.js';
import type { CookieData, CookieOptions } from './cookie.js';
import { fromExpressSessionStore } from './from-store.js';
import type { SessionRequest } from './session.js';
import { MemoryStore, Store } from './store.js';
import type { ExpressSessionStore } from './store-calls.js';
import { toExpressSessionStore } from './to-store.js';

export type Secret = string | Buffer;

/** The options of express-session, with its defaults and its units: ages in milliseconds. */
export interface SessionOptions {
  /** Signs the cookie. In a list the first signs and all verify. `req.secret`, which cookie-parser sets, unless told. */
  secret?: Secret | readonly Secret[];
  /** A store of Sojourn's (`RedisStore`) or any of express-session's. A `MemoryStore` unless told. */
  store?: SojournStore | ExpressSessionStore;
  cookie?: CookieOptions | ((req: SessionRequest) => CookieOptions);
  /** The cookie's name. `connect.sid` unless told. */
  name?: string;
  /** The same as `name`. */
  key?: string;
  /** Makes the ID of a new session. 256 random bits unless told. */
  genid?: (req: SessionRequest) => string;
  /** Sends the cookie with every response. */
  rolling?: boolean;
  /** Stores sessions that were not changed, too. True unless told; false is what you want. */
  resave?: boolean;
  /** Stores new sessions in which nothing was set, too. True unless told; false is what you want. */
  saveUninitialized?: boolean;
  /** What `req.session = null` does to the stored session. `'keep'` unless told. */
  unset?: 'destroy' | 'keep';
  /** Whether to believe `X-Forwarded-Proto`. Express' `trust proxy` decides unless told. */
  proxy?: boolean;
  /** Sojourn's: what to do with changes to a session that was deleted meanwhile: answer 400, or drop them quietly. */
  onInterrupted?: 'error' | 'discard';
  /** Sojourn's: the most bytes of one stored session. 1 MiB unless told. */
  maxBytes?: number;
  /** Sojourn's: the sessions in the store that was used before, `expressSessions({ client })`. The cookies stay. */
  takeOver?: OldSessions;
}

export interface Settings {
  readonly name: string;
  /** Undefined: those of the request. */
  readonly secrets: readonly Secret[] | undefined;
  readonly cookieOf: (req: SessionRequest) => CookieOptions;
  readonly genid: ((req: SessionRequest) => string) | undefined;
  readonly rolling: boolean;
  readonly resave: boolean;
  readonly saveUninitialized: boolean;
  readonly unset: 'destroy' | 'keep';
  readonly proxy: boolean | undefined;
  readonly onInterrupted: 'error' | 'discard';
  readonly takeOver: OldSessions | undefined;
  /** What is shown to the application as `req.sessionStore`. */
  readonly store: Store;
  /** The store is one of express-session's. */
  readonly isForeign: boolean;
  /** The store renews sessions that were only read. */
  readonly touches: boolean;
  readonly work: WorkSettings;
}

/** A browser-session cookie says nothing about the record: stores of express-session keep it for a day. */
const DEFAULT_AGE = 86_400;
/** express-session has no limit: what it has stored is to be read. */
const DEFAULT_MAX_BYTES = 1024 * 1024;

const KNOWN: Record<keyof SessionOptions, true> = {
  secret: true,
  store: true,
  cookie: true,
  name: true,
  key: true,
  genid: true,
  rolling: true,
  resave: true,
  saveUninitialized: true,
  unset: true,
  proxy: true,
  onInterrupted: true,
  maxBytes: true,
  takeOver: true,
};

/** Throws an `OptionError` for what can't work. Options that nobody knows are a warning: express-session takes them in silence. */
export function resolveOptions(options: SessionOptions = {}): Settings {
  const { cookie = {}, genid, unset = 'keep', onInterrupted = 'error', maxBytes = DEFAULT_MAX_BYTES } = options;
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, name))
      warnOnce('SOJOURN_UNKNOWN_OPTION', `${name} is no option of session(): ${Object.keys(KNOWN).join(', ')}`);
  }
  if (genid !== undefined && typeof genid !== 'function') throw new OptionError('genid', 'must be a function');
  if (unset !== 'destroy' && unset !== 'keep') throw new OptionError('unset', "must be 'destroy' or 'keep'");
  if (onInterrupted !== 'error' && onInterrupted !== 'discard') throw new OptionError('onInterrupted', "must be 'error' or 'discard'");
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) throw new OptionError('maxBytes', 'must be a whole number of bytes above 0');
  return {
    name: options.name ?? options.key ?? 'connect.sid',
    secrets: secretsIn(options.secret),
    cookieOf: typeof cookie === 'function' ? cookie : () => cookie,
    genid,
    rolling: Boolean(options.rolling),
    resave: asTold(options.resave, 'resave', 'SOJOURN_RESAVE'),
    saveUninitialized: asTold(options.saveUninitialized, 'saveUninitialized', 'SOJOURN_SAVEUNINITIALIZED'),
    unset,
    proxy: options.proxy,
    onInterrupted,
    takeOver: options.takeOver && withCookies(options.takeOver),
    ...storesOf(options.store ?? memoryStore(), { maxBytes, flushLeavesMarker: options.takeOver !== undefined }),
  };
}

function secretsIn(secret: SessionOptions['secret']): readonly Secret[] | undefined {
  if (!secret) return undefined;
  const secrets = (Array.isArray(secret) ? secret : [secret]) as readonly Secret[];
  if (secrets.length === 0) throw new OptionError('secret', 'the secret option array must contain at least one');
  return secrets;
}

function asTold(option: boolean | undefined, name: string, code: string): boolean {
  if (option !== undefined) return option;
  warnOnce(code, `${name} was not given, so it is true, as under express-session. Say ${name}: false.`);
  return true;
}

function memoryStore(): Store {
  if (process.env.NODE_ENV === 'production') {
    warnOnce(
      'SOJOURN_MEMORY_STORE',
      'Sessions are kept in the memory of this process: a restart logs everybody out. Give session({ store }).',
    );
  }
  return new MemoryStore();
}

/** The same store twice: as Sojourn works with it, and as express-session shows it. */
function storesOf(
  store: SojournStore | ExpressSessionStore,
  settings: Pick<WorkSettings, 'maxBytes' | 'flushLeavesMarker'>,
): Pick<Settings, 'store' | 'isForeign' | 'touches' | 'work'> {
  const common = { codec: expressSessionCodec, keySalt: '', absoluteTimeout: undefined, clock: Date.now, ageOf, ...settings };
  if ('retire' in store) {
    return {
      store: toExpressSessionStore(store, { session: { Store } }) as unknown as Store,
      isForeign: false,
      touches: true,
      work: { ...common, store, keys: sessionKeys },
    };
  }
  // The IDs are kept as they are: sessions that express-session has stored go on.
  const keys = { createKey: createSessionKey, storeKeyOf: (sid: string) => sid };
  return {
    store: store as unknown as Store,
    isForeign: true,
    touches: typeof store.touch === 'function',
    work: { ...common, store: fromExpressSessionStore(store, { plain: true }), keys },
  };
}

function ageOf(values: ReadonlyMap<string, unknown>, now: number): number {
  const { expires } = (values.get('cookie') ?? {}) as CookieData;
  const end = expires ? new Date(expires).valueOf() : Number.NaN;
  return Number.isNaN(end) ? DEFAULT_AGE : (end - now) / 1000;
}

/** Here the cookie goes on as it was: whatever is kept of the data, what says when it ends is kept. */
function withCookies(old: OldSessions): OldSessions {
  if (typeof old.read !== 'function')
    throw new OptionError('takeOver', 'must be expressSessions({ client }) or expressSessions({ store })');
  return {
    read: (id) => old.read(id),
    delete: (id) => old.delete(id),
    convert(data) {
      const kept = old.convert(data);
      return kept && { ...kept, cookie: data.cookie };
    },
  };
}
