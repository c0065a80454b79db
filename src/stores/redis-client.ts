import { isNativeError } from 'node:util/types';

/**
 * What the store asks of a Redis client, whoever made it. Each command is one on the wire, and its keys are in one slot of a
 * Cluster; its promise settles when the client says so, which may be never: the deadline is the store's. Numbers may come as texts.
 */
export interface RedisClient {
  get(key: string): Promise<string | null>;
  mget(keys: string[]): Promise<(string | null)[]>;
  /** From `start` to `end`, both included. */
  getrange(key: string, start: number, end: number): Promise<string>;
  del(key: string): Promise<unknown>;
  evalsha(sha: string, keys: string[], args: string[]): Promise<unknown>;
  eval(lua: string, keys: string[], args: string[]): Promise<unknown>;
  /** Keys that fit the pattern, on all primaries; some at a time. The keys have the `keyPrefix`, and so must the pattern. */
  scan(pattern: string): AsyncIterable<string[]>;
  /** Lets a client that waits before its next attempt to connect make it now, if it can be told so. */
  wake(): void;
  /** What the client puts before every key by itself. */
  readonly keyPrefix: string;
  /**
   * A connection to the same Redis beside the client, not connected yet, in RESP2. Throws an `OptionError` for a client
   * of which there is no such connection.
   */
  connectOwn(events: OwnConnectionEvents): OwnConnection;
  /**
   * A client like this one, on connections of its own: whoever waits for replicas there holds nobody else up. Throws an
   * `OptionError` for a client that can't say which connection a command takes.
   */
  connectDurable(durability: Durability): DurableClient;
}

/** So many replicas are to have what was written, within so many milliseconds. */
export interface Durability {
  readonly replicas: number;
  readonly timeout: number;
}

/** A client that can wait for replicas. */
export interface DurableClient extends RedisClient {
  /** How many replicas have all that was acknowledged so far on the node of this key, whatever connection it was sent on. */
  wait(key: string): Promise<unknown>;
  destroy(): void;
}

/** Keys per SCAN: some milliseconds of Redis' time would be too much for those who wait meanwhile. */
export const SCAN_COUNT = 500;

/** A connection of the store's own, which lives once: when it is lost it stays so. Its promises may never settle then. */
export interface OwnConnection {
  connect(): Promise<unknown>;
  send(words: string[]): Promise<unknown>;
  /** To Redis' messages of invalidated keys. */
  subscribe(): Promise<unknown>;
  ping(): Promise<unknown>;
  /** Ends it at once, whatever is under way. */
  destroy(): void;
}

export interface OwnConnectionEvents {
  /** null: all keys. */
  invalidated(keys: readonly string[] | null): void;
  /** May come several times, and after `destroy`. */
  lost(): void;
}

/** Where Redis publishes the keys that a connection tracks. */
export const INVALIDATIONS = '__redis__:invalidate';

/** The end of an OptionError for a client that may read from replicas. */
export const PRIMARY_ONLY = 'reads must go to the primary: a replica may not know of a login or logout yet';

/** What node-redis says with errors that have neither a code nor a name, and what the reader can do about it. */
const TOLD: Readonly<Record<string, string>> = {
  'The client is closed': 'the Redis client is not open: client.connect() was not called, or reconnectStrategy has given up',
  'The client is offline': 'the Redis client has no connection',
  'The queue is full': 'the queue of the Redis client is full (commandsQueueMaxLength)',
};

/**
 * What is safe to say of an error: the first word of what Redis answered (`READONLY`, `OOM`), or the code or name of
 * the client's own. The error itself may hold the command with its arguments, so it doesn't travel on as a cause.
 */
export function tellOf(error: unknown): string {
  // Not `instanceof`: Node's own errors come from another realm where tests run in one of their own, as Jest's do.
  if (!isNativeError(error)) return 'the Redis client gave an error';
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && /^[A-Z][A-Z_]+$/.test(code)) return `the Redis client gave ${code}`;
  const answer = /^[A-Z][A-Z_]+\b/.exec(error.message)?.[0];
  if (answer !== undefined) return `Redis answered ${answer}`;
  // The errors of node-redis have the name of their class only.
  return TOLD[error.message] ?? `the Redis client gave ${error.name === 'Error' ? error.constructor.name : error.name}`;
}

/** Redis itself said no. */
export function isAnswer(error: unknown): boolean {
  return tellOf(error).startsWith('Redis answered');
}

/** There is a value of another type under the key. Redis 6 puts the name of the script before it. */
export function isWrongType(error: unknown): boolean {
  return isNativeError(error) && error.message.includes('WRONGTYPE');
}

/** Redis doesn't know the script, or has forgotten it. */
export function isNoScript(error: unknown): boolean {
  return isNativeError(error) && error.message.startsWith('NOSCRIPT');
}

/** A Cluster moves the slot of these keys: some are here still, and some there already. */
export function isMoving(error: unknown): boolean {
  return isNativeError(error) && (error.message.startsWith('TRYAGAIN') || error.message.includes('non local key'));
}
