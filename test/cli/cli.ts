import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { Redis } from 'ioredis';
import { RedisStore, type SessionMiddleware, type SessionOptions, session } from 'sojourn';
import type { Io } from '../../src/cli/io.js';
import { main } from '../../src/cli/main.js';
import { SECRET } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { connect, ownPrefix, testRedisUrl } from '../helpers/redis-client.js';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  /** The width of the terminal; without, the output is piped, unless there is one nevertheless. */
  columns?: number | undefined;
  isTerminal?: boolean;
  /** What is typed there. */
  typed?: string;
  env?: Record<string, string>;
  clock?: () => number;
  load?: Io['load'];
}

/** The command line in this process, on streams of its own. */
export async function sojourn(args: readonly string[], world: World = {}): Promise<Outcome> {
  const { columns, isTerminal = columns !== undefined, typed, env = {}, clock = Date.now, load = (name: string) => import(name) } = world;
  const screen = { isTTY: isTerminal, ...(columns !== undefined && { columns }) };
  const stdin = Object.assign(new PassThrough(), screen);
  const [stdout, stderr] = [Object.assign(new PassThrough(), screen), Object.assign(new PassThrough(), screen)];
  const output = [collect(stdout), collect(stderr)];
  if (typed !== undefined) stdin.end(typed);
  const code = await main(args, { stdin, stdout, stderr, env, clock, load });
  stdout.end();
  stderr.end();
  const [out = '', err = ''] = await Promise.all(output);
  return { code, stdout: out, stderr: err };
}

async function collect(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

/** The command line as a process of its own, from the sources. */
export function sojournProcess(args: readonly string[], env: Record<string, string> = {}, program = 'src/cli/bin.ts'): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], { env: { ...process.env, ...env } });
  const output = [collect(child.stdout.pipe(new PassThrough())), collect(child.stderr.pipe(new PassThrough()))];
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', async (code) => {
      const [stdout = '', stderr = ''] = await Promise.all(output);
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

/** Sessions of an application in Redis, and the command line for them, whose every output is looked through for what opens a session. */
export class Site {
  readonly prefix = ownPrefix();
  readonly clock = new TestClock(Math.floor(Date.now() / 1000) * 1000);
  readonly client: Redis;
  readonly store: RedisStore;
  readonly sessions: SessionMiddleware;
  readonly #secrets = new Set<string>([SECRET]);

  constructor(options: SessionOptions = {}) {
    this.client = connect();
    this.store = new RedisStore(this.client, { prefix: this.prefix, clock: this.clock.read });
    this.sessions = this.application(options);
  }

  /** The same sessions, with other options. */
  application(options: SessionOptions): SessionMiddleware {
    const { store, clock } = this;
    return session({ secret: SECRET, store, clock: clock.read, user: (view) => view.get('userId'), ...options });
  }

  /** A new session; its cookie. */
  async signIn(data: Record<string, unknown>, sessions = this.sessions): Promise<string> {
    const { sessionKey, cookie } = await sessions.issue(data);
    for (const secret of [...sessionKey.split('~'), ...cookie.split(/[=.]/).slice(1)]) this.#secrets.add(secret);
    this.#secrets.add(hash('sha256', sessionKey, 'base64url'));
    return cookie;
  }

  /** The keys in Redis, without the prefix. */
  async keys(): Promise<string[]> {
    const keys = await this.client.keys(`${this.prefix}*`);
    return keys.map((key) => key.slice(this.prefix.length));
  }

  run(args: readonly string[], world: World = {}): Promise<Outcome> {
    return this.#watched(sojourn([...args, '--redis', testRedisUrl(), '--prefix', this.prefix], { clock: this.clock.read, ...world }));
  }

  runProcess(args: readonly string[]): Promise<Outcome> {
    return this.#watched(sojournProcess([...args, '--prefix', this.prefix], { REDIS_URL: testRedisUrl() }));
  }

  /** The refs that `list` shows, the last seen first for those of one user. */
  async refs(...args: string[]): Promise<string[]> {
    const { stdout } = await this.run(['list', ...args]);
    return lines(stdout).map((line) => line.split('\t')[0] as string);
  }

  async #watched(running: Promise<Outcome>): Promise<Outcome> {
    for (const key of await this.keys()) for (const name of key.match(/[\w-]{43}/g) ?? []) this.#secrets.add(name);
    const outcome = await running;
    for (const secret of this.#secrets) expect(outcome.stdout + outcome.stderr).not.toContain(secret);
    return outcome;
  }
}

export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
