import { setImmediate } from 'node:timers';
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

/** What is used of a `Redis` or `Cluster` of ioredis 5 or 6; in this form, so that nobody has to have its types. */
export interface IoredisClient {
  readonly status: string;
  get(key: string): Promise<string | null>;
  mget(keys: string[]): Promise<(string | null)[]>;
  getrange(key: string, start: number, end: number): Promise<string>;
  del(key: string): Promise<unknown>;
  evalsha(sha: string, keys: number, ...keysAndArgs: string[]): Promise<unknown>;
  eval(lua: string, keys: number, ...keysAndArgs: string[]): Promise<unknown>;
}

/**
 * How long after one attempt to connect a request may ask for the next, in milliseconds. After an outage ioredis 6 may
 * wait for five seconds, doubling its pause with each attempt that fails: too long for a request that is there now.
 */
const WAKE_INTERVAL = 500;

/** The client if it is one of ioredis, else undefined. Throws an `OptionError` for one that reads from replicas. */
export function fromIoredis(candidate: object): RedisClient | undefined {
  const client = candidate as Partial<IoredisClient & Hidden>;
  // Others have these methods, too (node-redis 3, HTTP clients), under other signatures; the status tells them apart.
  if (typeof client.evalsha !== 'function' || typeof client.getrange !== 'function' || typeof client.status !== 'string') return undefined;
  const { isCluster, options } = client;
  if (isCluster && options?.scaleReads !== undefined && options.scaleReads !== 'master') {
    throw new OptionError('client', `${PRIMARY_ONLY}. Set scaleReads: 'master'`);
  }
  return new Ioredis(client as IoredisClient & Hidden);
}

class Ioredis implements RedisClient {
  readonly #client: IoredisClient & Hidden;
  #wokenAt = Number.NEGATIVE_INFINITY;
  /** The socket is corked until the end of this turn. */
  #gathering = false;

  constructor(client: IoredisClient & Hidden) {
    this.#client = client;
  }

  get(key: string): Promise<string | null> {
    this.#gather();
    return this.#client.get(key);
  }

  mget(keys: string[]): Promise<(string | null)[]> {
    this.#gather();
    return this.#client.mget(keys);
  }

  getrange(key: string, start: number, end: number): Promise<string> {
    this.#gather();
    return this.#client.getrange(key, start, end);
  }

  del(key: string): Promise<unknown> {
    this.#gather();
    return this.#client.del(key);
  }

  evalsha(sha: string, keys: string[], args: string[]): Promise<unknown> {
    this.#gather();
    return this.#client.evalsha(sha, keys.length, ...keys, ...args);
  }

  eval(lua: string, keys: string[], args: string[]): Promise<unknown> {
    this.#gather();
    return this.#client.eval(lua, keys.length, ...keys, ...args);
  }

  async *scan(pattern: string): AsyncIterable<string[]> {
    const nodes: readonly Hidden[] = this.#client.isCluster ? (this.#client.nodes?.('master') ?? []) : [this.#client];
    for (const node of nodes) {
      let cursor = '0';
      do {
        const [next, keys] = (await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)) as [string, string[]];
        cursor = String(next);
        yield keys;
      } while (cursor !== '0');
    }
  }

  /**
   * Lets the commands of one turn of the event loop leave in one packet: each write to a socket is a system call, here
   * and at Redis, and they cost more than the commands. A lone command leaves in the same turn, too. node-redis does so by
   * itself; a Cluster has a socket for each node, and `enableAutoPipelining`.
   */
  #gather(): void {
    const { stream } = this.#client;
    if (this.#gathering || typeof stream?.cork !== 'function') return;
    this.#gathering = true;
    stream.cork();
    // Not the global one: it is missing in jsdom, and stands still under fake timers, which would hold the commands back.
    setImmediate(() => {
      this.#gathering = false;
      // This one, even if the client has another by now.
      stream.uncork();
    });
  }

  /**
   * The timer an ioredis waits on has no public name: a client that doesn't have it keeps its pause, as does a Cluster,
   * whose pauses are short.
   */
  wake(): void {
    const client = this.#client;
    if (client.status !== 'reconnecting' || client.isCluster || !client.reconnectTimeout) return;
    if (performance.now() - this.#wokenAt < WAKE_INTERVAL) return;
    this.#wokenAt = performance.now();
    // Else it would fire later, and connect a client that the application has closed meanwhile.
    clearTimeout(client.reconnectTimeout);
    client.reconnectTimeout = null;
    // What comes of it is told by the commands, and by the client's own events.
    client.connect().then(nothing, nothing);
  }

  get keyPrefix(): string {
    return this.#client.options?.keyPrefix ?? '';
  }

  connectOwn(events: OwnConnectionEvents): OwnConnection {
    const client = this.#client;
    if (client.isCluster || typeof client.duplicate !== 'function') {
      throw new OptionError(
        'nearCache',
        'needs one Redis, or one behind Sentinel: the nodes of a Cluster would each have to tell what changes',
      );
    }
    return new IoredisConnection(client.duplicate(FOR_INVALIDATIONS), events);
  }

  connectDurable(durability: Durability): DurableClient {
    const client = this.#client;
    const options = { lazyConnect: false };
    const duplicate = client.isCluster ? client.duplicate?.([], options) : client.duplicate?.(options);
    return new DurableIoredis(duplicate as IoredisClient & Hidden & Duplicate, durability);
  }
}

/**
 * In RESP3, the default of ioredis 6, Redis sends no messages but pushes, which ioredis drops. A connection that is lost
 * is for `InvalidationChannel` to replace, and what was sent on it for nobody to send again.
 */
const FOR_INVALIDATIONS = {
  protocol: 2,
  replyMapping: 'legacy',
  lazyConnect: true,
  retryStrategy: null,
  sentinelRetryStrategy: null,
  reconnectOnError: null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  commandTimeout: undefined,
};

/** A duplicate of the application's client. What it says of itself in events, the application's own says, too. */
class DurableIoredis extends Ioredis implements DurableClient {
  readonly #duplicate: IoredisClient & Hidden & Duplicate;
  readonly #durability: Durability;
  readonly #shared: SharedWait;

  constructor(duplicate: IoredisClient & Hidden & Duplicate, durability: Durability) {
    super(duplicate);
    this.#duplicate = duplicate;
    this.#durability = durability;
    this.#shared = new SharedWait(() => this.#send('any'));
    duplicate.on('error', nothing);
  }

  wait(key: string): Promise<unknown> {
    // One Redis has one answer for all; the nodes of a Cluster have one each.
    return this.#duplicate.isCluster ? this.#send(key) : this.#shared.wait();
  }

  async #send(key: string): Promise<unknown> {
    const { replicas, timeout } = this.#durability;
    // A WAIT is for what was written up to the last command on its connection: the first of these makes that now. In a Cluster a
    // pipeline goes to the node of its first key.
    const commands = [
      ['exists', key],
      ['wait', replicas, timeout],
    ];
    const replies = await this.#duplicate.pipeline(commands).exec();
    const [error, confirmed] = replies?.[1] ?? [];
    if (error) throw error;
    return confirmed;
  }

  destroy(): void {
    this.#duplicate.disconnect();
  }
}

class IoredisConnection implements OwnConnection {
  readonly #client: Duplicate;

  constructor(client: Duplicate, events: OwnConnectionEvents) {
    this.#client = client;
    client.on('messageBuffer', (_channel: Buffer, keys: Buffer[] | null) => events.invalidated(keys === null ? null : keys.map(String)));
    client.on('close', () => events.lost());
    // The error itself is told by the application's client, too; without a listener ioredis would print it.
    client.on('error', nothing);
  }

  connect(): Promise<unknown> {
    return this.#client.connect();
  }

  send([command, ...args]: string[]): Promise<unknown> {
    return this.#client.call(command as string, ...args);
  }

  subscribe(): Promise<unknown> {
    return this.#client.subscribe(INVALIDATIONS);
  }

  ping(): Promise<unknown> {
    return this.#client.ping();
  }

  destroy(): void {
    this.#client.disconnect();
  }
}

/** What an ioredis has besides, and its types don't tell or tell otherwise from version to version. */
interface Hidden {
  readonly isCluster?: boolean;
  readonly options?: { readonly scaleReads?: unknown; readonly keyPrefix?: string };
  reconnectTimeout?: NodeJS.Timeout | null;
  readonly stream?: { cork?(): void; uncork(): void } | null;
  connect(): Promise<unknown>;
  scan(...args: (string | number)[]): Promise<unknown>;
  nodes?(role: 'master'): readonly Hidden[];
  duplicate?(...options: (typeof FOR_INVALIDATIONS | { lazyConnect: boolean } | [])[]): Duplicate;
}

interface Duplicate {
  on(event: string, listener: (...args: never[]) => void): unknown;
  connect(): Promise<unknown>;
  call(command: string, ...args: string[]): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  pipeline(commands: (string | number)[][]): { exec(): Promise<[Error | null, unknown][] | null> };
  disconnect(): void;
}

function nothing(): void {}
