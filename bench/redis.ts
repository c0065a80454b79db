import { once } from 'node:events';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../test/helpers/redis-server.ts';
import { moveToCore } from './cores.ts';
import { median } from './figures.ts';

/** The Redis of all peers, on the core of the load. Each peer has a database of its own. */
export class BenchRedis {
  readonly #server: RedisServer;
  readonly #client: Redis;

  private constructor(server: RedisServer) {
    this.#server = server;
    this.#client = new Redis(server.port);
  }

  static async start(): Promise<BenchRedis> {
    const server = await startRedis(['--databases', '64']);
    moveToCore('load', server.child.pid as number);
    return new BenchRedis(server);
  }

  url(database: number): string {
    return `${this.#server.url}/${database}`;
  }

  async version(): Promise<string> {
    return field(await this.#client.info('server'), 'redis_version');
  }

  /** Microseconds of CPU time that Redis has taken so far. */
  async cpu(): Promise<number> {
    const info = await this.#client.info('cpu');
    return 1e6 * (Number(field(info, 'used_cpu_user')) + Number(field(info, 'used_cpu_sys')));
  }

  /** Bytes between the clients and Redis during a task, both ways. */
  async bytesDuring(task: () => Promise<unknown>): Promise<number> {
    const total = async () => {
      const info = await this.#client.info('stats');
      return Number(field(info, 'total_net_input_bytes')) + Number(field(info, 'total_net_output_bytes'));
    };
    // What the question itself adds is what it adds when nothing happens between two of them.
    const first = await total();
    const before = await total();
    await task();
    return Math.max(0, (await total()) - before - (before - first));
  }

  /** How many commands clients send during a task; what scripts call inside of Redis is not one, nor a PING, which no request sends. */
  async commandsDuring(task: () => Promise<unknown>): Promise<number> {
    const monitor = await this.#client.monitor();
    try {
      let commands = 0;
      let ended = false;
      const end = `end of ${Date.now()}`;
      monitor.on('monitor', (_time: string, args: string[], source: string) => {
        if (args[1] === end) {
          ended = true;
          monitor.emit('ended');
        } else if (source !== 'lua' && args[0]?.toUpperCase() !== 'PING') commands += 1;
      });
      await task();
      const last = ended ? undefined : once(monitor, 'ended');
      await this.#client.echo(end);
      await last;
      return commands;
    } finally {
      monitor.disconnect();
    }
  }

  /** Bytes of memory for one of the keys in a database, as `MEMORY USAGE` counts them: the median of a hundred. */
  async memoryPerKey(database: number): Promise<number> {
    return this.#within(database, async (client) => {
      const [, keys] = await client.scan(0, 'COUNT', 100);
      return median((await Promise.all(keys.map((key) => client.memory('USAGE', key)))).map(Number));
    });
  }

  /** Copies one of the keys until there are so many, under names of the same length. */
  async fill(database: number, count: number): Promise<void> {
    await this.#within(database, async (client) => {
      const name = (await client.randomkey()) as string;
      for (let done = 0; done < count; done += 10_000) await client.eval(COPIES, 1, name, done, Math.min(count, done + 10_000));
    });
  }

  async clear(database: number): Promise<void> {
    await this.#within(database, (client) => client.flushdb());
  }

  async stop(): Promise<void> {
    this.#client.disconnect();
    await this.#server.stop();
  }

  async #within<Result>(database: number, task: (client: Redis) => Promise<Result>): Promise<Result> {
    const client = new Redis(this.#server.port, { db: database });
    try {
      return await task(client);
    } finally {
      client.disconnect();
    }
  }
}

const COPIES = `
local value = redis.call('GET', KEYS[1])
local start = string.sub(KEYS[1], 1, -13)
for index = ARGV[1], ARGV[2] - 1 do
  redis.call('SET', start .. string.format('%012d', index), value, 'EX', 86400)
end
`;

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
}
