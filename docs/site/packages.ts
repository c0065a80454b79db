import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SITE = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(dirname(SITE));

/** Installs what builds the site, in the exact versions of `package.json` here, unless it is there. */
export function installPackages(): void {
  const { dependencies } = JSON.parse(readFileSync(join(SITE, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  if (Object.entries(dependencies).every(([name, version]) => installedVersion(name) === version)) return;
  process.stderr.write('Installing what builds the site into docs/site/node_modules ...\n');
  const options = ['--prefix', SITE, '--no-audit', '--no-fund', '--no-package-lock'];
  execFileSync('npm', ['install', ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function installedVersion(name: string): string | undefined {
  const file = join(SITE, 'node_modules', name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}

/** A package of the site's own. Not a plain import: it may have been installed a moment ago, and `npm run typecheck` does without it. */
export async function load<Module>(name: string): Promise<Module> {
  return (await import(name)) as Module;
}
