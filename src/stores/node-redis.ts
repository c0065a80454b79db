import { OptionError } from '../errors.js';
import {
  type Durability,
  type DurableClient,
  INVALIDATIONS,
  type OwnConnection,
  type OwnConnectionEvents,
  PRIMARY_ONLY,
  type RedisClient,
  SCAN_COUNT,
} from './redis-client.js';
import { SharedWait } from './shared-wait.js';

/**
 * What is used of a client, cluster, Sentinel client or pool of node-redis (`redis`) 5 or 6; in this form, so that nobody has to have its types.
 * The replies are unknown here because a `typeMapping` of the application may make something else of them.
 */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>;
  mGet(keys: string[]): Promise<unknown>;
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
  duplicate?(options?: ReturnType<typeof forInvalidations>): Duplicate;
  /** Of a cluster. */
  readonly masters?: readonly object[];
  nodeClient?(node: object): Promise<WordSender>;
  get(key: string): Promise<string | null>;
  mGet(keys: string[]): Promise<(string | null)[]>;
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

  mget(keys: string[]): Promise<(string | null)[]> {
    return this.#client.mGet(keys);
  }

  getrange(key: string, start: number, end: number): Promise<string> {
    return this.#client.getRange(key, start, end);
  }

  del(key: string): Promise<unknown> {
    return this.#client.del(key);
  }

  evalsha(sha: string, keys: string[], args: string[]): Promise<unknown> {
    return this.#client.evalSha(sha, { keys, arguments: args });
  }

  eval(lua: string, keys: string[], args: string[]): Promise<unknown> {
    return this.#client.eval(lua, { keys, arguments: args });
  }

  async *scan(pattern: string): AsyncIterable<string[]> {
    for (const node of await this.scanned()) {
      let cursor = '0';
      do {
        const [next, keys] = (await node.sendCommand(['SCAN', cursor, 'MATCH', pattern, 'COUNT', `${SCAN_COUNT}`])) as [unknown, string[]];
        cursor = String(next);
        yield keys;
      } while (cursor !== '0');
    }
  }

  /** What has a SCAN of its own. */
  protected async scanned(): Promise<WordSender[]> {
    const client = this.#client;
    const { masters } = client;
    if (masters === undefined) return [client as unknown as WordSender];
    return Promise.all(masters.map((master) => (client as Required<PlainClient>).nodeClient(master)));
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

  connectDurable(durability: Durability): DurableClient {
    const client = this.#client;
    // The others take one of several connections for each command, and a WAIT on another one waits for nothing.
    if (typeof client.duplicate !== 'function' || (client.masters === undefined && typeof client.monitor !== 'function')) {
      throw new OptionError(
        'durability',
        'needs what createClient or createCluster gave, or a Redis or Cluster of ioredis, also behind Sentinel',
      );
    }
    return new DurableNodeRedis(client.duplicate() as NodeRedisClient & Duplicate, durability);
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

/** A duplicate of the application's client. What it says of itself in events, the application's own says, too. */
class DurableNodeRedis extends NodeRedis implements DurableClient {
  readonly #duplicate: NodeRedisClient & Duplicate;
  readonly #words: string[];
  readonly #shared: SharedWait;
  #opening: Promise<unknown> | undefined;

  constructor(duplicate: NodeRedisClient & Duplicate, { replicas, timeout }: Durability) {
    super(duplicate);
    this.#duplicate = duplicate;
    this.#words = ['WAIT', `${replicas}`, `${timeout}`];
    // A WAIT is for what was written up to the last command on its connection: the first of these makes that now.
    this.#shared = new SharedWait(() =>
      Promise.all([duplicate.sendCommand(['EXISTS', 'any']), duplicate.sendCommand(this.#words)]).then(second),
    );
    duplicate.on('error', nothing);
    this.#opened().catch(nothing);
  }

  override async del(key: string): Promise<unknown> {
    await this.#opened();
    return super.del(key);
  }

  override async evalsha(sha: string, keys: string[], args: string[]): Promise<unknown> {
    await this.#opened();
    return super.evalsha(sha, keys, args);
  }

  override async eval(lua: string, keys: string[], args: string[]): Promise<unknown> {
    await this.#opened();
    return super.eval(lua, keys, args);
  }

  async wait(key: string): Promise<unknown> {
    await this.#opened();
    if (!('masters' in this.#duplicate)) return this.#shared.wait();
    // As a command by itself it would go to all nodes, and the least of their answers come back.
    const fullKey = this.keyPrefix + key;
    const pipeline = (this.#duplicate as unknown as ClusterPipelines).multi();
    const replies = await pipeline.addCommand(fullKey, false, ['EXISTS', fullKey]).addCommand(fullKey, false, this.#words).execAsPipeline();
    return second(replies);
  }

  destroy(): void {
    if (this.#duplicate.isOpen) this.#duplicate.destroy();
  }

  /** A cluster takes no command before it knows its nodes. An attempt that failed is made again for the next command. */
  #opened(): Promise<unknown> {
    this.#opening ??= this.#duplicate.connect().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }
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

interface WordSender {
  sendCommand(words: string[]): Promise<unknown>;
}

interface ClusterPipelines {
  multi(): Pipeline;
}

interface Pipeline {
  addCommand(firstKey: string, isReadonly: boolean, words: string[]): Pipeline;
  execAsPipeline(): Promise<unknown[]>;
}

function second(replies: readonly unknown[]): unknown {
  return replies[1];
}

interface Duplicate extends WordSender {
  readonly isOpen: boolean;
  on(event: 'error' | 'end', listener: () => void): unknown;
  connect(): Promise<unknown>;
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

  override async mget(keys: string[]): Promise<(string | null)[]> {
    return this.#onPrimary<(string | null)[]>(['MGET', ...keys.map((key) => this.#keyPrefix + key)]);
  }

  override getrange(key: string, start: number, end: number): Promise<string> {
    return this.#onPrimary<string>(['GETRANGE', this.#keyPrefix + key, String(start), String(end)]);
  }

  protected override async scanned(): Promise<WordSender[]> {
    return [{ sendCommand: (words) => this.#onPrimary(words) }];
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

function nothing(): void {}
