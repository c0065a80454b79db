import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { findProgram } from '../test/helpers/programs.ts';

/** The server has a core to itself; the load, Redis and this driver share another. */
const CORES = { server: 0, load: 1 } as const;
type Role = keyof typeof CORES;

/** Whether processes can be kept to their cores here: on Linux, with at least two. */
export const pinned = availableParallelism() >= 2 && findProgram('taskset') !== undefined;

/** Program and arguments that run it on the core of its role. */
export function onCore(role: Role, program: string, args: readonly string[]): [string, string[]] {
  return pinned ? ['taskset', ['-c', String(CORES[role]), program, ...args]] : [program, [...args]];
}

/** Moves a running process, all of its threads, to the core of its role. */
export function moveToCore(role: Role, pid: number): void {
  if (pinned) execFileSync('taskset', ['-a', '-c', '-p', String(CORES[role]), String(pid)], { stdio: 'ignore' });
}
