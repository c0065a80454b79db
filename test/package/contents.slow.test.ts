import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { filesOf, LinkedApp, manifestOf, pack } from './packed.js';

// The package as npm would publish it: what is in it, and what those who judge packages say about it.

/** Kilobytes. A change that needs more raises them, and says why. */
const MOST = { packed: 200, unpacked: 1100 };

const tarball = pack();
const app = new LinkedApp(tarball);
const { installed } = app;
const read = (name: string) => readFileSync(join(installed, name), 'utf8');
const run = (program: string, ...args: string[]) =>
  execFileSync(process.execPath, [resolve('node_modules', program), ...args], { encoding: 'utf8', stdio: 'pipe' });

test('holds the compiled sources with their types, for import and for require, and no source, test or map', () => {
  const sources = filesOf('src').filter((name) => name.endsWith('.ts'));
  const compiled = sources.flatMap((name) => [name.replace('.ts', '.js'), name.replace('.ts', '.d.ts')]);
  const ofRequire = ['package.json', 'require/express-session.cjs', 'require/express-session.d.cts'];
  expect(filesOf(installed).sort()).toEqual(
    [
      ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'],
      ...compiled.map((name) => `dist/${name}`),
      // The command line is a program, for nobody to require.
      ...[...compiled.filter((name) => !name.startsWith('cli/')), ...ofRequire].map((name) => `dist/commonjs/${name}`),
    ].sort(),
  );
});

test('is small', () => {
  const unpacked = filesOf(installed).reduce((sum, name) => sum + statSync(join(installed, name)).size, 0);
  expect(statSync(tarball).size / 1000).toBeLessThan(MOST.packed);
  expect(unpacked / 1000).toBeLessThan(MOST.unpacked);
});

test('has three dependencies at most, and no script that runs when it is installed', () => {
  const { dependencies, scripts } = manifestOf(installed);
  expect(Object.keys(dependencies).sort()).toEqual(['cookie', 'cookie-signature', 'lru-cache']);
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
});

test('is the same to the last byte when it is packed again, elsewhere, by somebody with other settings', () => {
  const sha = (file: string) => createHash('sha512').update(readFileSync(file)).digest('hex');
  expect(sha(pack({ TZ: 'Asia/Tokyo', LC_ALL: 'C', NODE_ENV: 'production' }))).toBe(sha(tarball));
});

test('attw finds its types right under node10, node16 and bundler, by import and by require', () => {
  const { analysis } = JSON.parse(run('@arethetypeswrong/cli/dist/index.js', tarball, '--format', 'json'));
  expect(analysis.problems).toEqual([]);
  expect(Object.keys(analysis.entrypoints)).toEqual(['.', './express-session', './testing', './package.json']);
});

test('publint has nothing to say', () => {
  expect(run('publint/src/cli.js', tarball, '--strict')).toContain('All good!');
});

test('declares what is public, and nothing internal', () => {
  const session = read('dist/session.d.ts');
  expect(session.match(/constructor\(/g)).toEqual(['constructor(']);
  expect(session).not.toMatch(/UnitOfWork|workOf|@internal/);
  for (const name of filesOf(installed).filter((name) => /\.d\.c?ts$/.test(name))) {
    expect([name, read(name)]).toEqual([name, expect.not.stringContaining('@internal')]);
  }
});

const IMPORT_OF_A_CLIENT = /(from|import\(|require\() ?['"](ioredis|redis|@redis\/[\w-]+)['"]/;

test('imports no Redis client and no type of one: it runs and compiles with whichever is there', () => {
  // The command line imports what it finds.
  for (const name of filesOf(join(installed, 'dist')).filter((file) => !file.startsWith('cli/'))) {
    expect([name, read(`dist/${name}`)]).toEqual([name, expect.not.stringMatching(IMPORT_OF_A_CLIENT)]);
  }
  expect(manifestOf(installed).peerDependenciesMeta).toEqual({ ioredis: { optional: true }, redis: { optional: true } });
});

const ENTRIES = ['sojourn', 'sojourn/express-session', 'sojourn/testing'];

test.each([
  ['imported', 'loaded.mjs', (entry: string) => `await import('${entry}');`],
  ['required', 'loaded.cjs', (entry: string) => `require('${entry}');`],
])('does nothing when it is %s: it prints nothing, opens nothing and keeps no process alive', (_, file, load) => {
  // Node's own is left out: the files of its loader, and standard error, which it opens when something imports node:util.
  const program = `
    ${ENTRIES.map(load).join('\n')}
    const opened = process.getActiveResourcesInfo().filter((name) => /^(Timeout|Immediate|TCP|UDP|TLS|Worker|Signal|Process|FSEvent)/.test(name));
    if (opened.length > 0) throw new Error(opened.join());`;
  app.write({ [file]: program });
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: app.folder, encoding: 'utf8', timeout: 30_000 });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('leaves nothing in a bundle that uses nothing of it', () => {
  app.write({ 'unused.mjs': ENTRIES.map((entry) => `import '${entry}';`).join('\n') });
  const args = ['unused.mjs', '--bundle', '--platform=node', '--format=esm', '--minify', '--log-level=error', '--tsconfig-raw={}'];
  expect(execFileSync(resolve('node_modules/.bin/esbuild'), args, { cwd: app.folder, encoding: 'utf8' }).trim()).toBe('');
});
