import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, needProgram, startProgram, type User } from './programs.ts';

const DEBIAN = '/usr/lib/postgresql';

export interface PostgresServer {
  readonly url: string;
  /** Connections to it, closed by `stop`. */
  readonly pool: pg.Pool;
  /** Ends the server at once and leaves the pool as it is. */
  crash(): Promise<void>;
  /** Ends all of it and removes its files. */
  stop(): Promise<void>;
}

/** A real PostgreSQL of its own, empty and without a promise to keep anything, on a free port of 127.0.0.1. */
export async function startPostgres(): Promise<PostgresServer> {
  const program = (name: string) => needProgram([name], 'postgresql', debianFolders);
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-postgres-'));
  const user = otherUser();
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  execFileSync(program('initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: folder,
    ...user,
  });
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', fsync: 'off', shared_buffers: '16MB' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = await startProgram(program('postgres'), ['-D', data, ...options], /ready to accept connections/, {}, user);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const pool = new pg.Pool({ connectionString: url });
  // A connection that ends with the server says so here; without a listener that would end the process.
  pool.on('error', () => {});
  const crash = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    // PostgreSQL's "immediate shutdown": its other processes go, too.
    child.kill('SIGQUIT');
    await exit;
  };
  const stop = async () => {
    await crash();
    await pool.end();
    await rm(folder, { recursive: true, force: true });
  };
  return { url, pool, crash, stop };
}

/** Where Debian has the programs of each version, which are not on the PATH; the newest first. */
function debianFolders(): string[] {
  if (!existsSync(DEBIAN)) return [];
  const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(DEBIAN, version, 'bin'));
}

/** PostgreSQL refuses to run as root: then it runs as the user its package has made. */
function otherUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  if (uid === undefined) throw new Error('As root the tests need a user "postgres" to run PostgreSQL as: useradd --system postgres');
  return { uid: Number(uid), gid: Number(gid) };
}
