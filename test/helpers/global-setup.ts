import { type RedisServer, startRedis } from './redis-server.ts';

/** One Redis for all tests: the one REDIS_URL names, else a server of our own. Each test file takes a prefix of its own. */
export default async function globalSetup(): Promise<void> {
  if (process.env.REDIS_URL) return;
  const server = await startRedis();
  (globalThis as { testRedis?: RedisServer }).testRedis = server;
  process.env.REDIS_URL = server.url;
}
