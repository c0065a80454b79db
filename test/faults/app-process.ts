import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { stopProgram } from '../helpers/programs.js';
import type { Place, Profile } from './clients.js';

export interface AppSettings {
  readonly place: Place;
  readonly profile: Profile;
  /** The store's deadline for one call, in milliseconds. */
  readonly timeout: number;
  readonly secret: string;
  /** Off unless told. */
  readonly nearCache?: boolean;
  /** Sessions belong to whoever is signed in (`session({ user })`). Off unless told. */
  readonly users?: boolean;
  readonly durability?: { replicas: number; timeout: number };
}

export interface Stats {
  /** Rejections and exceptions that nobody handled. */
  readonly unhandled: number;
  readonly conflicts: number;
  readonly corrupt: number;
  readonly storeErrors: number;
  /** Bytes. */
  readonly rss: number;
  /** Commands in the client that have no answer yet, if the client tells. */
  readonly waiting?: number | undefined;
}

export type FromApp = { kind: 'listening'; port: number } | { kind: 'arrived'; gate: string } | { kind: 'stats'; stats: Stats };
export type ToApp = { kind: 'release'; gate: string } | { kind: 'stats' };

/** One process of an application. */
export class AppProcess {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(message: FromApp) => void>();
  readonly #gone: Promise<never>;
  #log = '';
  origin = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#gone = new Promise((_, reject) => {
      child.once('exit', () => reject(new Error(`the application ended:\n${this.#log}`)));
    });
    // It is an error only for who waits for something.
    this.#gone.catch(() => {});
    const keep = (chunk: Buffer) => {
      this.#log += chunk;
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('message', (message: FromApp) => {
      for (const listener of this.#listeners) listener(message);
    });
  }

  /** All it has printed: nothing secret may be in it. */
  get log(): string {
    return this.#log;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async listening(): Promise<this> {
    const { port } = await this.#next((message) => (message.kind === 'listening' ? message : undefined));
    this.origin = `http://127.0.0.1:${port}`;
    return this;
  }

  /** Resolves when a request with `?gate=` has loaded its session and waits. Ask before you send the request. */
  async arrived(gate: string): Promise<void> {
    await this.#next((message) => (message.kind === 'arrived' && message.gate === gate ? message : undefined));
  }

  release(gate: string): void {
    this.#tell({ kind: 'release', gate });
  }

  async stats(): Promise<Stats> {
    const answer = this.#next((message) => (message.kind === 'stats' ? message : undefined));
    this.#tell({ kind: 'stats' });
    return (await answer).stats;
  }

  stop(): Promise<void> {
    return stopProgram(this.#child);
  }

  #tell(message: ToApp): void {
    this.#child.send(message);
  }

  #next<Found extends FromApp>(pick: (message: FromApp) => Found | undefined): Promise<Found> {
    const coming = new Promise<Found>((resolve) => {
      const listener = (message: FromApp) => {
        const found = pick(message);
        if (found === undefined) return;
        this.#listeners.delete(listener);
        resolve(found);
      };
      this.#listeners.add(listener);
    });
    return Promise.race([coming, this.#gone]);
  }
}

let built: Promise<string> | undefined;

/** Starts the application of a file in this folder, and waits until it listens. */
export async function startAppProcess(file: 'app.ts' | 'express-session-app.ts', settings: object): Promise<AppProcess> {
  built ??= buildApps();
  const path = join(await built, file.replace('.ts', '.mjs'));
  const child = fork(path, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // The transpiler of the parent is of no use to what is built already.
    execArgv: [],
    env: { ...process.env, FAULTS_APP: JSON.stringify(settings), NODE_ENV: 'development', NODE_OPTIONS: '' },
  });
  return new AppProcess(child).listening();
}

/** Once per process, into a folder from which Node finds the packages: a built file starts several times faster. */
async function buildApps(): Promise<string> {
  const cache = join(process.cwd(), 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'sojourn-faults-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const here = join(process.cwd(), 'test', 'faults');
  await build({
    entryPoints: [join(here, 'app.ts'), join(here, 'express-session-app.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { sojourn: join(process.cwd(), 'src', 'index.ts') },
    external: [
      'express',
      'ioredis',
      'ioredis5',
      'redis',
      'redis5',
      'cookie',
      'cookie-signature',
      'lru-cache',
      'express-session',
      'connect-redis',
    ],
    logLevel: 'error',
  });
  return folder;
}
