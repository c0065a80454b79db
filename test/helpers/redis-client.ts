import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient } from 'redis';
import { createClient as createClient5 } from 'redis5';

/** The Redis that the global setup started. */
export function testRedisUrl(): string {
  return process.env.REDIS_URL as string;
}

/** A prefix that no other test has. */
export function ownPrefix(): string {
  return `test:${randomBytes(6).toString('hex')}:`;
}

type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

const open: Redis[] = [];

/** A client of ioredis 6, closed after the file's tests. Its connection errors come up in the calls, not as a crash. */
export function connect(options: ClientOptions = {}, url = testRedisUrl()): Redis {
  return kept(new Redis(url, options));
}

/** A client of ioredis 6 with the reply shapes of RESP3, which has the same methods under types of its own. */
export function connectResp3(): Redis {
  return kept(new Redis(testRedisUrl(), { replyMapping: 'resp3' }) as unknown as Redis);
}

/** A client of ioredis 5, which has the same methods under types of its own. */
export function connect5(options: ClientOptions = {}, url = testRedisUrl()): Redis {
  const Client = Redis5 as unknown as typeof Redis;
  return kept(new Client(url, options));
}

export type NodeRedis = ReturnType<typeof createClient>;
type NodeRedisOptions = NonNullable<Parameters<typeof createClient>[0]>;

/** A client of node-redis 6, not open yet, closed after the file's tests. Its connection errors come up in the calls. */
export function nodeRedis(options: NodeRedisOptions = {}, url = testRedisUrl()): NodeRedis {
  return closedLater(createClient({ url, ...options }) as NodeRedis);
}

/** A client of node-redis 5, which has the same methods under types of its own. */
export function nodeRedis5(options: NodeRedisOptions = {}, url = testRedisUrl()): NodeRedis {
  const create = createClient5 as unknown as typeof createClient;
  return closedLater(create({ url, ...options }) as NodeRedis);
}

/** A client, cluster or Sentinel client of node-redis, closed after the file's tests. */
export function closedLater<Client extends Closeable>(client: Client): Client {
  client.on('error', () => {});
  openNodeRedis.push(client);
  return client;
}

interface Closeable {
  readonly isOpen: boolean;
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
}

const openNodeRedis: Closeable[] = [];
afterAll(() => Promise.all(openNodeRedis.splice(0).map((client) => client.isOpen && client.destroy())));

function kept(client: Redis): Redis {
  client.on('error', () => {});
  open.push(client);
  return client;
}

afterAll(() => Promise.all(open.splice(0).map(end)));

async function end(client: Redis): Promise<void> {
  // Without a connection there is no end to wait for.
  const ended = client.status === 'ready' ? once(client, 'end') : undefined;
  client.disconnect();
  await ended;
}

/** The commands Redis carried out while `act` ran, in capitals with their counts. For a server nobody else uses. */
export async function commandsDuring(client: Redis, act: () => Promise<unknown>): Promise<Record<string, number>> {
  await client.config('RESETSTAT');
  await act();
  const counts: Record<string, number> = {};
  for (const [, name, calls] of (await client.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (name !== 'config|resetstat' && name !== 'info') counts[name as string] = Number(calls);
  }
  return counts;
}
