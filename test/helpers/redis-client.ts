import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';

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
