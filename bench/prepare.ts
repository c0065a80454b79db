import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(BENCH);

/** Installs what Sojourn is compared with, in the exact versions of `package.json` here, unless it is there. */
export function installPeers(): void {
  const wanted = Object.entries(dependencies());
  if (wanted.every(([name, version]) => installedVersion(name) === version)) return;
  process.stderr.write('Installing what Sojourn is compared with into bench/node_modules ...\n');
  execFileSync('npm', ['install', '--prefix', BENCH, '--no-audit', '--no-fund', '--no-package-lock'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Builds Sojourn, so that it is measured as it is shipped. */
export function buildSojourn(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The packages in comparison and their versions. */
export function dependencies(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(BENCH, 'package.json'), 'utf8')).dependencies;
}

function installedVersion(name: string): string | undefined {
  const file = join(BENCH, 'node_modules', name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}
