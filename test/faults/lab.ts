import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../helpers/programs.js';
import { type RedisServer, startRedis } from '../helpers/redis-server.js';
import { type AppProcess, type AppSettings, startAppProcess } from './app-process.js';
import { FaultyProxy } from './proxy.js';

/** Part of every secret the experiments use: no log may contain it. */
export const CANARY = 'CANARY-c7Qx';
export const SECRET = `${CANARY} the secret that signs the cookies`;

/** Starts what an experiment needs, and stops all of it in the end, whatever happened. */
export class Lab {
  readonly #cleanups: (() => unknown)[] = [];

  /** A Redis of its own. `port`: where one was before. */
  async redis(args: string[] = [], port?: number): Promise<RedisServer> {
    const server = await startRedis(args, port);
    this.later(() => server.stop());
    return server;
  }

  app(settings: Omit<AppSettings, 'secret'>): Promise<AppProcess> {
    return this.#started(startAppProcess('app.ts', { ...settings, secret: SECRET }));
  }

  /** The same application on express-session and connect-redis. */
  otherApp(port: number): Promise<AppProcess> {
    return this.#started(startAppProcess('express-session-app.ts', { port, secret: SECRET }));
  }

  async proxy(target: number): Promise<FaultyProxy> {
    const proxy = await FaultyProxy.start(target);
    this.later(() => proxy.stop());
    return proxy;
  }

  /** A client of the experiment itself, for what an administrator does. */
  admin(port: number): Redis {
    const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 100 });
    client.on('error', () => {});
    this.later(() => client.disconnect());
    return client;
  }

  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'sojourn-faults-'));
    this.later(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  freePort(): Promise<number> {
    return freePort();
  }

  later(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  /** Stops everything, the last first. */
  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
  }

  async #started(starting: Promise<AppProcess>): Promise<AppProcess> {
    const app = await starting;
    this.later(() => app.stop());
    return app;
  }
}
