import './request.js';

export { type Codec, type CodecContext, type CodecKeys, type CompressedOptions, compressed, encrypted, json, signed } from './codec.js';
export type { CookieOptions } from './cookie.js';
export {
  CreateError,
  NotDurableError,
  OptionError,
  SessionError,
  SessionInterrupted,
  SessionLimitError,
  SessionNotLoadedError,
  SessionTooLargeError,
  StoreUnavailableError,
  UpdateError,
} from './errors.js';
export type { SessionEvents } from './events.js';
export type { Duration, DurationParts } from './expiry.js';
export { type FromExpressSessionStoreOptions, fromExpressSessionStore } from './express-session/from-store.js';
export { type ExpressSessionsOptions, expressSessions } from './express-session/take-over.js';
export { type ToExpressSessionStoreOptions, toExpressSessionStore } from './express-session/to-store.js';
export { type Keyring, type KeyringOptions, keyring, type LoadSecrets, type RefreshOutcome } from './keyring.js';
export { type SessionMiddleware, session } from './middleware.js';
export type { CommonOptions, SessionOptions, StandaloneOptions } from './options.js';
export type { Secrets } from './secrets.js';
export { type ExpiryQuery, Session } from './session.js';
export type { SessionData } from './session-data.js';
export { MemoryStore, type MemoryStoreOptions } from './stores/memory.js';
export type { NearCacheOptions } from './stores/near-cache.js';
export { RedisStore, type RedisStoreOptions } from './stores/redis.js';
export type {
  Conflict,
  EnterResult,
  Entry,
  ListedSession,
  OwnedSessions,
  RetireResult,
  SessionLimit,
  Store,
  StoredSession,
  Times,
  UpdateResult,
} from './stores/store.js';
export type { OldSessions, Predecessor } from './take-over.js';
export type { SessionView, UserOptions } from './user.js';
export type { SessionInfo, UserSessions } from './user-sessions.js';
