import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

/** The compiler on one core takes half of the work that it takes on several, and the tests use the others. */
export const ONE_CORE = ['--singleThreaded'];

/**
 * Compiles texts as the files of one program, with the project's own settings, in `artifacts/<folder>`. Returns what
 * the compiler complains about: nothing, if all is well.
 */
export function compile(folder: string, files: Readonly<Record<string, string>>, settings: Record<string, unknown> = {}): string {
  const path = `artifacts/${folder}`;
  const root = '../'.repeat(path.split('/').length);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (const [name, code] of Object.entries(files)) writeFileSync(`${path}/${name}`, `${code}\nexport {};\n`);
  const compilerOptions = { rootDir: root, ...settings };
  writeFileSync(`${path}/tsconfig.json`, JSON.stringify({ extends: `${root}tsconfig.json`, compilerOptions, include: ['*.ts'] }));
  const tsc = ['node_modules/typescript/bin/tsc', '--project', path, ...ONE_CORE];
  const { stdout, status } = spawnSync(process.execPath, tsc, { encoding: 'utf8' });
  return status === 0 ? stdout : `${stdout}(status ${status})`;
}
