import type { OptionError } from '../errors.js';
import type { IoredisClient } from '../stores/ioredis.js';
import type { NodeRedisClient } from '../stores/node-redis.js';
import { RedisStore } from '../stores/redis.js';
import type { Arguments } from './arguments.js';
import { explainConnection, Failure } from './failure.js';
import type { Io } from './io.js';

/** All in milliseconds. There is nobody whom a slow answer holds up, but nobody waits for ever either. */
const CONNECT_TIMEOUT = 5000;
const CALL_TIMEOUT = 10_000;
const REPLICAS_TIMEOUT = 5000;

/** A client that is connected. Once its connection is lost, all calls fail. */
interface Connected {
  readonly client: IoredisClient | NodeRedisClient;
  disconnect(): void;
}

/** The store that the arguments name, on whichever client is installed, and how to leave it. Throws a `Failure` that names the fix. */
export async function connect(args: Arguments, io: Io): Promise<{ store: RedisStore; close(): Promise<void> }> {
  const { client, disconnect } = await connectClient(args, io);
  const { prefix, durability } = args;
  try {
    const store = new RedisStore(client, {
      prefix,
      timeout: CALL_TIMEOUT,
      clock: io.clock,
      ...(durability !== undefined && { durability: { replicas: durability, timeout: REPLICAS_TIMEOUT } }),
    });
    const close = async () => {
      await store.close();
      disconnect();
    };
    return { store, close };
  } catch (error) {
    disconnect();
    throw error as OptionError;
  }
}

async function connectClient({ redis, cluster }: Arguments, { load }: Io): Promise<Connected> {
  const ioredis = (await installed(load, 'ioredis')) as Ioredis | undefined;
  if (ioredis !== undefined) return withIoredis(ioredis, redis, cluster);
  const nodeRedis = (await installed(load, 'redis')) as NodeRedis | undefined;
  if (nodeRedis !== undefined) return withNodeRedis(nodeRedis, redis, cluster);
  throw new Failure('a Redis client is missing: npm install ioredis, or npm install redis');
}

/** The package, or undefined if it isn't there. What fails inside of one that is, is thrown. */
async function installed(load: Io['load'], name: string): Promise<unknown> {
  try {
    return await load(name);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if ((code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(`'${name}'`)) return undefined;
    throw new Failure(`the package ${name} is installed but can't be loaded: install it again`);
  }
}

/** What is used of the package ioredis. It need not be there, so its types are not imported. */
interface Ioredis {
  readonly Redis: new (url: string, options: object) => IoredisConnection;
  readonly Cluster: new (nodes: object[], options: object) => IoredisConnection;
}
interface IoredisConnection extends IoredisClient {
  on(event: 'error', listener: (error: Error & { lastNodeError?: Error }) => void): unknown;
  connect(): Promise<unknown>;
  disconnect(): void;
}

async function withIoredis({ Redis, Cluster }: Ioredis, url: URL, cluster: boolean): Promise<Connected> {
  const options = { connectTimeout: CONNECT_TIMEOUT, commandTimeout: CALL_TIMEOUT, retryStrategy: null };
  const client = cluster
    ? new Cluster([{ host: hostIn(url), port: portIn(url) }], {
        lazyConnect: true,
        clusterRetryStrategy: null,
        slotsRefreshTimeout: CONNECT_TIMEOUT,
        redisOptions: { ...options, ...credentialsIn(url), ...(isTls(url) && { tls: {} }) },
        // A certificate is for the name of a node, not for its address.
        ...(isTls(url) && { dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address) }),
      })
    : new Redis(url.href, { ...options, lazyConnect: true });
  const disconnect = () => client.disconnect();
  await connected(
    url,
    () => client.connect(),
    (listen) => client.on('error', (error) => listen(error.lastNodeError ?? error)),
    disconnect,
  );
  return { client, disconnect };
}

/** What is used of the package redis. */
interface NodeRedis {
  createClient(options: object): NodeRedisConnection;
  createCluster(options: object): NodeRedisConnection;
}
interface NodeRedisConnection extends NodeRedisClient {
  readonly isOpen: boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

async function withNodeRedis({ createClient, createCluster }: NodeRedis, url: URL, cluster: boolean): Promise<Connected> {
  const socket = { connectTimeout: CONNECT_TIMEOUT, socketTimeout: CALL_TIMEOUT, reconnectStrategy: false };
  const client = cluster
    ? createCluster({
        rootNodes: [{ url: url.href }],
        defaults: { ...credentialsIn(url), socket: { ...socket, ...(isTls(url) && { tls: true }) } },
      })
    : createClient({ url: url.href, socket });
  const disconnect = () => {
    // It throws if there is nothing to destroy.
    if (client.isOpen) client.destroy();
  };
  await connected(
    url,
    () => client.connect(),
    (listen) => client.on('error', listen),
    disconnect,
  );
  return { client, disconnect };
}

/** Connects. The clients tell the reason of a failure as an event, and less of it, or nothing, in what they reject with. */
async function connected(
  url: URL,
  connect: () => Promise<unknown>,
  onError: (listen: (error: unknown) => void) => void,
  disconnect: () => void,
): Promise<void> {
  let reason: unknown;
  onError((error) => {
    reason = error;
  });
  try {
    await connect();
  } catch (error) {
    disconnect();
    throw new Failure(explainConnection(url.host, reason ?? error));
  }
}

function isTls({ protocol }: URL): boolean {
  return protocol === 'rediss:';
}

function hostIn({ hostname }: URL): string {
  // An IPv6 address has its brackets in a URL only.
  return hostname.replace(/^\[|\]$/g, '');
}

function portIn({ port }: URL): number {
  return port === '' ? 6379 : Number(port);
}

function credentialsIn({ username, password }: URL): { username?: string; password?: string } {
  return {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
  };
}
