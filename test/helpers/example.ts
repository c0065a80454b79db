import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { SECRET } from './app.ts';
import { freePort } from './programs.ts';

export interface RunningExample {
  /** The line that it prints when it is ready. */
  readonly line: string;
  /** The last address in that line, which is to be opened. */
  readonly origin: string;
  /** Resolves with the match once the output has it, from the beginning; rejects if the example ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** As Ctrl-C does. Resolves when all of its processes are gone. */
  stop(): Promise<void>;
}

/** What is added to the environment, or taken out of it. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Runs `npx tsx examples/<name>/server.ts`, as a reader types it, on a free port; resolves when it has printed its address. */
export async function startExample(name: string, env: Environment): Promise<RunningExample> {
  const child = spawn('npx', ['tsx', `examples/${name}/server.ts`], {
    env: { ...process.env, SESSION_SECRET: SECRET, PORT: String(await freePort()), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, which its pid names: Ctrl-C goes to the group as well.
    detached: true,
  });
  const printed = outputOf(child);
  const [line = '', origin = ''] = await printed(/^.*Open (http:\/\/127\.0\.0\.1:\d+)$/m);
  return { line, origin, printed, stop: () => stopGroup(child) };
}

/** How a run ends that can't begin: its exit code, and all it printed. */
export async function failedExample(name: string, env: Environment): Promise<{ code: number | null; output: string }> {
  const child = spawn('npx', ['tsx', `examples/${name}/server.ts`], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

function outputOf(child: ChildProcess): (pattern: RegExp) => Promise<RegExpExecArray> {
  let output = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk;
      for (const look of watchers) look();
    });
  }
  return (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output);
        if (match === null) return;
        watchers.delete(look);
        resolve(match);
      };
      watchers.add(look);
      child.once('error', reject);
      child.once('close', (code) => reject(new Error(`the example ended with ${code}:\n${output}`)));
      look();
    });
}

/** `close` comes when nobody holds the output any more: npx is gone, and the processes behind it. */
async function stopGroup(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  process.kill(-(child.pid as number), 'SIGINT');
  await closed;
}
