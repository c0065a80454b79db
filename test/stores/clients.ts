import { inspect } from 'node:util';
import type { Redis } from 'ioredis';
import { type RedisStore, type Store, StoreUnavailableError } from 'sojourn';
import { connect, connect5, type NodeRedis, nodeRedis, nodeRedis5 } from '../helpers/redis-client.js';

// What the tests of RedisStore ask of a client, whoever made it.

export type Client = ConstructorParameters<typeof RedisStore>[0];

export interface Opened {
  readonly client: Client;
  ping(): Promise<unknown>;
  /** Resolves when the client has given up its connection. Ask before it does. */
  ended(): Promise<unknown>;
}

export interface ClientSettings {
  /** Milliseconds before it connects again; false: it doesn't. */
  readonly pause?: number | false;
  /** Whether commands wait for a connection; true unless told. */
  readonly queue?: boolean;
}

/** A kind of client. `open` begins to connect and waits for nothing: there need not be a Redis. */
export type Kind = [name: string, open: (url: string, settings?: ClientSettings) => Opened];

export const KINDS: Kind[] = [
  ['ioredis 6', (url, settings) => openIoredis(connect, url, settings)],
  ['ioredis 5', (url, settings) => openIoredis(connect5, url, settings)],
  ['node-redis 6', (url, settings) => openNodeRedis(nodeRedis, url, settings)],
  ['node-redis 5', (url, settings) => openNodeRedis(nodeRedis5, url, settings)],
];

function openIoredis(make: typeof connect, url: string, { pause = 50, queue = true }: ClientSettings = {}): Opened {
  const retryStrategy = () => (pause === false ? null : pause);
  const client: Redis = make({ retryStrategy, maxRetriesPerRequest: null, enableOfflineQueue: queue }, url);
  return { client, ping: () => client.ping(), ended: () => new Promise((resolve) => client.once('end', resolve)) };
}

function openNodeRedis(make: typeof nodeRedis, url: string, { pause = 50, queue = true }: ClientSettings = {}): Opened {
  const client: NodeRedis = make({ socket: { reconnectStrategy: pause }, disableOfflineQueue: !queue }, url);
  // It rejects if there is no Redis and it isn't to try again.
  const connected = client.connect().catch(() => {});
  const ended = () => new Promise<void>((resolve) => client.on('error', () => client.isOpen || resolve()));
  return { client, ping: () => connected.then(() => client.ping()), ended };
}

/** In every key and payload of the acts below, and therefore in no error. */
export const CANARY = 'canary-4711';

/** Every call of a store that goes to Redis. */
export const ACTS: [string, (store: Store, version?: string) => Promise<unknown>][] = [
  ['read', (store) => store.read(CANARY)],
  ['create', (store) => store.create(CANARY, `${CANARY} payload`, 60)],
  ['update', (store, version = 'version') => store.update(CANARY, `${CANARY} payload`, version, 60)],
  ['touch', (store) => store.touch(CANARY, 60)],
  ['retire', (store, version = 'version') => store.retire(CANARY, version, 60)],
  ['delete', (store) => store.delete(CANARY)],
  ['exists', (store) => store.exists(CANARY)],
];

/** The error of an act that must fail as a store does that is not there, and tell nothing. */
export async function failure(act: Promise<unknown>): Promise<StoreUnavailableError> {
  const error = await act.then(
    (value) => new Error(`answered ${String(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error).toEqual(expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE', status: 503 }));
  expect((error as StoreUnavailableError).headers).toEqual({ 'Retry-After': '1' });
  // Neither key nor payload, in no property and no cause: ioredis' own errors carry the command with its arguments.
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(CANARY);
  expect(JSON.stringify(error)).not.toContain(CANARY);
  return error as StoreUnavailableError;
}
