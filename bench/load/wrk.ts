import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onCore } from '../cores.ts';
import type { Load, LoadResult } from './load.ts';

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url));

/** Load by wrk, one thread of it. */
export function wrkLoad(program: string): Load {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return async ({ port, requests, connections, seconds }) => {
    const file = join(folder, `${port}.lua`);
    // JSON's strings of ASCII are Lua's as well.
    writeFileSync(file, `return {\n${requests.map((request) => JSON.stringify(request)).join(',\n')}\n}\n`);
    const args = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '-s', SCRIPT, `http://127.0.0.1:${port}`, '--', file];
    const { stdout } = await promisify(execFile)(...onCore('load', program, args));
    return JSON.parse(stdout.trim().split('\n').at(-1) as string) as LoadResult;
  };
}
