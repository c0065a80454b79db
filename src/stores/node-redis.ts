import { OptionError } from '../errors.js';
import { INVALIDATIONS, type OwnConnection, type OwnConnectionEvents, PRIMARY_ONLY, type RedisClient } from './redis-client.js';

/**
 * What is used of a client, cluster, Sentinel client or pool of node-redis (`redis`) 5 or 6; in this form, so that nobody has to have its types.
 * The replies are unknown here because a `typeMapping` of the application may make something else of them.
 */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>;
  getRange(key: string, start: number, end: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalSha(sha: string, options: ScriptOptions): Promise<unknown>;
  eval(lua: string, options: ScriptOptions): Promise<unknown>;
  withTypeMapping(typeMapping: Record<never, never>): unknown;
}

interface ScriptOptions {
  keys: string[];
  arguments: string[];
}

/** A client without a `typeMapping` of its own: texts are strings. And what has no public type, or not in all kinds of clients. */
interface PlainClient extends NodeRedisClient {
  readonly _keyPrefix?: string | Buffer;
  readonly options?: { readonly socket?: object };
  monitor?: unknown;
  duplicate?(options: ReturnType<typeof forInvalidations>): Duplicate;
  get(key: string): Promise<string | null>;
  getRange(key: string, start: number, end: number): Promise<string>;
}

/** The client if it is one of node-redis, else undefined. Throws an `OptionError` for one that can't be used. */
export function fromNodeRedis(candidate: object): RedisClient | undefined {
  const client = candidate as Partial<NodeRedisClient & Hidden>;
  if (typeof client.evalSha !== 'function' || typeof client.getRange !== 'function') return undefined;
  if (typeof client.withTypeMapping !== 'function') {
    throw new OptionError(
      'client',
      'is of node-redis 4 or older, or one in legacy mode. Take node-redis 5 or 6 (npm install redis), and the client itself: createClient(...)',
    );
  }
  if (client._options?.useReplicas) throw new OptionError('client', `${PRIMARY_ONLY}. Leave useReplicas out of createCluster`);
  return isSentinel(client) ? new NodeRedisSentinel(client) : new NodeRedis(client as NodeRedisClient);
}

class NodeRedis implements RedisClient {
  readonly #client: PlainClient;

  constructor(client: NodeRedisClient) {
    // The same client and connection, under a mapping of its own: what the application wants to get Buffers for doesn't
    // matter here, nor does a client-side cache, which answers with what it has until Redis says that it is old.
    this.#client = client.withTypeMapping({}) as PlainClient;
  }

  get(key: string): Promise<string | null> {
    return this.#client.get(key);
  }

  getrange(key: string, start: number, end: number): Promise<string> {
    return this.#client.getRange(key, start, end);
  }

  del(key: string): Promise<unknown> {
    return this.#client.del(key);
  }

  evalsha(sha: string, key: string, args: string[]): Promise<unknown> {
    return this.#client.evalSha(sha, { keys: [key], arguments: args });
  }

  eval(lua: string, key: string, args: string[]): Promise<unknown> {
    return this.#client.eval(lua, { keys: [key], arguments: args });
  }

  /** Nothing to be done: its pauses can't be cut short. `reconnectStrategy` sets their length. */
  wake(): void {}

  get keyPrefix(): string {
    return String(this.#client._keyPrefix ?? '');
  }

  connectOwn(events: OwnConnectionEvents): OwnConnection {
    const client = this.#client;
    // The others have several connections, or none that could be named; only a client of one connection can monitor.
    if (typeof client.monitor !== 'function' || typeof client.duplicate !== 'function') {
      throw new OptionError(
        'nearCache',
        'needs a client of one Redis: what createClient gave, or a Redis of ioredis, also behind Sentinel',
      );
    }
    return new NodeRedisConnection(client.duplicate(forInvalidations(client.options?.socket)), events);
  }
}

/** In RESP2, where Redis sends messages, which need no handler of pushes. A lost connection is for `InvalidationChannel` to replace. */
function forInvalidations(socket: object | undefined) {
  return {
    RESP: 2,
    clientSideCache: undefined,
    emitInvalidate: undefined,
    maintNotifications: 'disabled',
    pingInterval: undefined,
    socket: { ...socket, reconnectStrategy: false, socketTimeout: undefined },
  };
}

class NodeRedisConnection implements OwnConnection {
  readonly #client: Duplicate;
  readonly #events: OwnConnectionEvents;

  constructor(client: Duplicate, events: OwnConnectionEvents) {
    this.#client = client;
    this.#events = events;
    client.on('error', () => events.lost());
    client.on('end', () => events.lost());
  }

  connect(): Promise<unknown> {
    return this.#client.connect();
  }

  send(words: string[]): Promise<unknown> {
    return this.#client.sendCommand(words);
  }

  subscribe(): Promise<unknown> {
    // In this channel node-redis gives a list, whatever its types say.
    return this.#client.subscribe(INVALIDATIONS, (keys) => this.#events.invalidated(keys));
  }

  ping(): Promise<unknown> {
    return this.#client.ping();
  }

  destroy(): void {
    // It throws if there is nothing to destroy.
    if (this.#client.isOpen) this.#client.destroy();
  }
}

interface Duplicate {
  readonly isOpen: boolean;
  on(event: 'error' | 'end', listener: () => void): unknown;
  connect(): Promise<unknown>;
  sendCommand(words: string[]): Promise<unknown>;
  subscribe(channel: string, listener: (keys: string[] | null) => void): Promise<unknown>;
  ping(): Promise<unknown>;
  destroy(): void;
}

/**
 * A Sentinel client with a `replicaPoolSize`, which it doesn't tell, sends commands that only read to replicas. What is
 * sent as words goes where it is told to go: to the primary. Nobody else puts the `keyPrefix` before the key then.
 */
class NodeRedisSentinel extends NodeRedis {
  readonly #sentinel: SentinelClient;
  readonly #keyPrefix: string;

  constructor(client: SentinelClient) {
    super(client);
    this.#sentinel = client;
    this.#keyPrefix = String(client._keyPrefix ?? '');
  }

  override get(key: string): Promise<string | null> {
    return this.#onPrimary<string | null>(['GET', this.#keyPrefix + key]);
  }

  override getrange(key: string, start: number, end: number): Promise<string> {
    return this.#onPrimary<string>(['GETRANGE', this.#keyPrefix + key, String(start), String(end)]);
  }

  #onPrimary<Reply>(words: string[]): Promise<Reply> {
    return this.#sentinel.sendCommand(false, words, AS_STRINGS) as Promise<Reply>;
  }
}

const AS_STRINGS = { typeMapping: {} };

interface SentinelClient extends NodeRedisClient {
  readonly _keyPrefix?: string | Buffer;
  sendCommand(isReadOnly: boolean, words: string[], options: typeof AS_STRINGS): Promise<unknown>;
}

function isSentinel(client: object): client is SentinelClient {
  return 'getSentinelNode' in client;
}

/** What a cluster has besides, under no public name. */
interface Hidden {
  readonly _options?: { readonly useReplicas?: boolean };
}
