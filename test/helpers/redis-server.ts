import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, needProgram, startProgram, stopProgram } from './programs.ts';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** A real Redis (or Valkey) of its own, empty and without persistence, on a free port of 127.0.0.1. */
export async function startRedis(args: string[] = [], port?: number): Promise<RedisServer> {
  const program = needProgram(['redis-server', 'valkey-server'], 'redis-server');
  const chosen = port ?? (await freePort());
  // A replica writes a file when it copies its primary: somewhere of its own.
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-redis-'));
  const options = [
    '--port',
    String(chosen),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
    '--daemonize',
    'no',
    // A primary waits five seconds for more replicas before it serves the first one.
    '--repl-diskless-sync-delay',
    '0',
  ];
  const child = await startProgram(program, [...options, ...args], /Ready to accept connections/);
  const stop = async () => {
    await stopProgram(child);
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `redis://127.0.0.1:${chosen}`, port: chosen, child, stop };
}
