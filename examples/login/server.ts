import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { RedisStore } from 'sojourn';
import { createApp } from './app.js';

const { PORT = '3000', REDIS_URL = '' } = process.env;

const redis = REDIS_URL === '' ? undefined : new Redis(REDIS_URL);
redis?.on('error', (error: Error) => console.error(`Redis: ${error.message}`));

const server = createServer(createApp(redis && { store: new RedisStore(redis, { prefix: 'sojourn-demo:' }) }));
const port = await listen(server, Number(PORT));
console.log(`Sessions in ${redis ? 'Redis' : 'memory'}. Open http://127.0.0.1:${port}`);

// Requests under way are answered first, for which they need Redis.
server.once('close', () => redis?.disconnect());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.close());

/** Listens on this port, or on the next one that is free; tells which. */
async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return listen(server, port + 1);
  }
  return (server.address() as AddressInfo).port;
}
