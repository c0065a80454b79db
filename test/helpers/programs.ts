import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** The first of these programs that is on the PATH, or undefined. */
export function findProgram(...names: string[]): string | undefined {
  return findIn((process.env.PATH ?? '').split(delimiter), names);
}

function findIn(folders: readonly string[], names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}

/**
 * A program the tests need: from the PATH, or from Debian's packages where that is allowed (as root), said in one line.
 * Throws one clear line otherwise: no test is skipped for want of a program. `otherFolders` are looked into after the PATH.
 */
export function needProgram(names: string[], debianPackage: string, otherFolders: () => string[] = () => []): string {
  const find = () => findProgram(...names) ?? findIn(otherFolders(), names);
  const found = find();
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && findProgram('apt-get') !== undefined) {
    process.stderr.write(`No ${names.join(' or ')} on the PATH: installing Debian's package ${debianPackage} for the tests.\n`);
    const apt = (...args: string[]) =>
      execFileSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    apt('update', '-q');
    // Debian would start the service at once; the tests start a server of their own, on a port of their own.
    apt('install', '-q', '-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', debianPackage);
    const installed = find();
    if (installed !== undefined) return installed;
  }
  throw new Error(`The tests need ${names.join(' or ')}. Install it (Debian: apt-get install ${debianPackage}) and run them again.`);
}

/** A port on 127.0.0.1 that nobody uses. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** Another user of this machine to run a program as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Starts a program and resolves when its output says that it is ready. Rejects with the output if it ends before. */
export function startProgram(
  path: string,
  args: string[],
  ready: RegExp,
  env: Record<string, string> = {},
  user?: User,
): Promise<ChildProcess> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, ...user });
  return new Promise((resolve, reject) => {
    let output = '';
    const listen = (chunk: Buffer) => {
      output += chunk;
      if (ready.test(output)) resolve(child);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${path} ended with ${code}:\n${output}`)));
  });
}

/** Ends a program that `startProgram` started, and waits until it is gone. */
export function stopProgram(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
