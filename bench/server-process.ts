import { type ChildProcess, spawn } from 'node:child_process';
import type { Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { stopProgram } from '../test/helpers/programs.ts';
import { onCore } from './cores.ts';
import { messageOf } from './messages.ts';
import type { Peer } from './peers.ts';

const SECRET = 'a secret of the benchmarks, and of nothing else';

type Question = 'cpu' | 'start profile' | 'stop profile';

/** A peer's server in a process of its own, as in production, on the core of the servers. */
export class ServerProcess {
  readonly peer: Peer;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(peer: Peer, port: number, child: ChildProcess) {
    this.peer = peer;
    this.port = port;
    this.#child = child;
  }

  static async start(peer: Peer, redisUrl: string): Promise<ServerProcess> {
    const file = fileURLToPath(new URL(`servers/${peer.file}`, import.meta.url));
    const child = spawn(...onCore('server', process.execPath, [file, ...peer.args]), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { PATH: process.env.PATH, NODE_ENV: 'production', REDIS_URL: redisUrl, SESSION_SECRET: SECRET },
    });
    return new ServerProcess(peer, (await messageOf<{ port: number }>(child)).port, child);
  }

  /** Microseconds of CPU time that the process has taken so far. */
  async cpu(): Promise<number> {
    return (await this.#ask<{ cpu: number }>('cpu')).cpu;
  }

  /** What the process does while the task runs, sampled every 0.2 ms. */
  async profileOf(task: () => Promise<unknown>): Promise<Profiler.Profile> {
    await this.#ask('start profile');
    await task();
    return (await this.#ask<{ profile: Profiler.Profile }>('stop profile')).profile;
  }

  stop(): Promise<void> {
    return stopProgram(this.#child);
  }

  #ask<Answer>(question: Question): Promise<Answer> {
    const answer = messageOf<Answer>(this.#child);
    this.#child.send(question);
    return answer;
  }
}
