import { serialize } from 'cookie';
import { OptionError, usageError } from '../errors.js';
import type { OldSessions, Predecessor } from '../take-over.js';
import { fromExpressSessionStore } from './from-store.js';
import { signedIdsIn } from './http.js';
import type { Secret } from './options.js';
import type { ExpressSessionStore } from './store-calls.js';

export interface ExpressSessionsOptions {
  /** The secret or secrets that express-session signed its cookie with. `sojourn/express-session` has them already. */
  secret?: Secret | readonly Secret[];
  /** The name of its cookie. `connect.sid` unless told. */
  name?: string;
  /** Where its cookie is set; as it was there, or the cookie can't be deleted. */
  cookie?: { path?: string; domain?: string };
  /** The store it keeps its sessions in: connect-redis', connect-pg-simple's, ... */
  store?: ExpressSessionStore;
  /** Instead of `store`, a Redis client: connect-redis' keys are read without connect-redis. */
  client?: RedisCommands;
  /** What connect-redis' keys begin with. `sess:` unless told. */
  prefix?: string;
  /** What of a session's data to keep; all but `cookie` unless told. Null: nothing. */
  convert?: (session: Record<string, unknown>) => Record<string, unknown> | null;
  /** How long the store may take to answer, in milliseconds. 1000 unless told. */
  timeout?: number;
}

/** As much of ioredis or node-redis as reading old sessions needs. */
export interface RedisCommands {
  get(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

/**
 * The sessions that express-session has left, for `session({ takeOver })`: with `secret` for Sojourn's own, without for
 * that of `sojourn/express-session`. Throws an `OptionError`.
 */
export function expressSessions(options: ExpressSessionsOptions & Required<Pick<ExpressSessionsOptions, 'secret'>>): Predecessor;
export function expressSessions(options: ExpressSessionsOptions): OldSessions;
export function expressSessions(options: ExpressSessionsOptions): OldSessions | Predecessor {
  const { client, prefix = 'sess:', convert = withoutCookie, timeout } = options;
  const old = options.store ?? (client && connectRedisKeys(client, prefix));
  if (old === undefined)
    throw new OptionError('takeOver.store', 'is missing: give the store of express-session, or client, a Redis client');
  const store = fromExpressSessionStore(old, { plain: true, ...(timeout === undefined ? undefined : { timeout }) });
  return {
    async read(id) {
      const record = await store.read(id);
      return record && (JSON.parse(record.payload) as Record<string, unknown>);
    },
    convert,
    delete: (id) => store.delete(id),
    ...(options.secret === undefined ? undefined : cookiesOf(options, options.secret)),
  };
}

/** How the cookies of express-session are read and deleted. */
function cookiesOf({ name = 'connect.sid', cookie = {} }: ExpressSessionsOptions, secret: Secret | readonly Secret[]) {
  const secrets = (Array.isArray(secret) ? secret : [secret]) as readonly Secret[];
  if (secrets.length === 0 || secrets.some((each) => each.length === 0)) {
    throw new OptionError('takeOver.secret', 'must be what express-session signed its cookie with');
  }
  const { path = '/', domain } = cookie;
  return {
    idsIn: (header: string) => signedIdsIn(header, name, secrets),
    eraseCookie: (secure: boolean) =>
      serialize(name, '', {
        path,
        ...(domain === undefined ? undefined : { domain }),
        httpOnly: true,
        secure,
        maxAge: 0,
        expires: new Date(0),
      }),
  };
}

/** connect-redis keeps a session as JSON under its prefix and the ID. */
function connectRedisKeys(client: RedisCommands, prefix: string): ExpressSessionStore {
  const answer = <Reply>(reply: Promise<Reply>, callback: (error?: unknown, reply?: Reply) => void) => {
    reply.then(
      (value) => callback(null, value),
      // What a client says of a failed command may hold its arguments.
      () => callback(new Error('Redis failed')),
    );
  };
  return {
    get: (id, callback) => answer(client.get(prefix + id).then(sessionIn), callback),
    destroy: (id, callback) => answer(client.del(prefix + id), callback),
    set() {
      throw usageError('Old sessions are only read and deleted');
    },
  };
}

/** What can't be read is no session: the visitor signs in again. */
function sessionIn(text: unknown): object | null {
  try {
    const session: unknown = typeof text === 'string' ? JSON.parse(text) : null;
    return typeof session === 'object' ? session : null;
  } catch {
    return null;
  }
}

function withoutCookie({ cookie: _, ...data }: Record<string, unknown>): Record<string, unknown> {
  return data;
}
