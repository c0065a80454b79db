import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { MemoryStore, RedisStore, type Store } from 'sojourn';

// What a server needs besides its app, the same for all examples: a store, a port, and an end.

export interface Place {
  readonly name: 'Redis' | 'memory';
  readonly store: Store;
  /** Ends the connection to Redis, if there is one. */
  leave(): void;
}

/** Where an example keeps its sessions: in the Redis that REDIS_URL names, or in this process. */
export function openStore(example: string): Place {
  const { REDIS_URL = '' } = process.env;
  if (REDIS_URL === '') return { name: 'memory', store: new MemoryStore(), leave() {} };
  const redis = new Redis(REDIS_URL);
  redis.on('error', (error: Error) => console.error(`Redis: ${error.message}`));
  return { name: 'Redis', store: new RedisStore(redis, { prefix: `sojourn-${example}:` }), leave: () => redis.disconnect() };
}

/** The port to begin with: PORT, or 3000. */
export const PORT = Number(process.env.PORT ?? 3000);

/** Listens on this port of 127.0.0.1, or on the next one that is free; the origin of its pages. */
export async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return listen(server, port + 1);
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Calls back when somebody wants the process to end. It may happen twice: with Ctrl-C npm and tsx pass on what has come already. */
export function onEnd(end: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
}
