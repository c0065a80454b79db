import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** What the package is built from. */
const SOURCES = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE', 'CHANGELOG.md'];
const modules = resolve('node_modules');
const folders: string[] = [];

export interface Manifest {
  readonly name: string;
  readonly sideEffects?: boolean;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: unknown;
  readonly scripts: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
}

/** The `package.json` of a folder. */
export function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** An empty folder, deleted after the file's tests. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-package-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The tarball that npm would publish, built from a copy of the sources: `dist` stays as it is. */
export function pack(env: NodeJS.ProcessEnv = {}): string {
  const folder = emptyFolder();
  const source = join(folder, 'source');
  for (const name of SOURCES) cpSync(name, join(source, name), { recursive: true });
  symlinkSync(modules, join(source, 'node_modules'));
  npm(source, ['pack', '--pack-destination', folder], env);
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);
}

/** Runs npm in a folder, as somebody does in a shell there: `npm test` tells its own npm_* variables to all below it. */
export function npm(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|command|config_local)/.test(name));
  const options = { cwd: folder, env: { ...Object.fromEntries(own), ...env }, encoding: 'utf8', stdio: 'pipe' } as const;
  return execFileSync('npm', args, options);
}

/** An application with the package in it, and with packages of this project's that it asks for. Nothing is downloaded. */
export class LinkedApp {
  readonly folder = emptyFolder();
  /** Where the package is. */
  readonly installed = join(this.folder, 'node_modules', 'sojourn');

  constructor(tarball: string) {
    mkdirSync(this.installed, { recursive: true });
    writeFileSync(join(this.folder, 'package.json'), '{ "name": "app", "private": true }');
    execFileSync('tar', ['-xzf', tarball, '-C', this.installed, '--strip-components=1']);
    for (const name of Object.keys(manifestOf(this.installed).dependencies)) this.link(name);
  }

  link(name: string, as = name): void {
    const path = join(this.folder, 'node_modules', as);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(modules, name), path);
  }

  unlink(name: string): void {
    rmSync(join(this.folder, 'node_modules', name), { force: true });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
  }

  /** What a program prints, run by Node in the application's folder. Throws what it says about an error. */
  run(file: string, text: string): string {
    this.write({ [file]: text });
    return execFileSync(process.execPath, [file], { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  }
}

/** The files below a folder. */
export function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
