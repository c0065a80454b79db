import type { ChildProcess } from 'node:child_process';
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
  const options = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no', ...args];
  const child = await startProgram(program, options, /Ready to accept connections/);
  return { url: `redis://127.0.0.1:${chosen}`, port: chosen, child, stop: () => stopProgram(child) };
}
