import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { pinned } from './cores.ts';
import { dependencies, ROOT } from './prepare.ts';

/** Where and with what the figures were measured. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory: string;
  readonly pinned: boolean;
  readonly system: string;
  readonly node: string;
  readonly redis: string;
  readonly load: string;
  readonly commit: string;
  readonly packages: Readonly<Record<string, string>>;
}

export function describeMachine(redis: string, load: string): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    pinned,
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    redis,
    load,
    commit: commit(),
    packages: dependencies(),
  };
}

/** The commit that was measured, with a plus sign if files differ from it; nothing without git. */
function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', 'src') === '' ? '' : '+'}`;
  } catch {
    // An unpacked archive: the date has to do.
    return '';
  }
}
