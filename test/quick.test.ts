import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { requireFromRoot } from './helpers/code-blocks.js';

// `npm test` leaves out what takes long by its nature. CONTRIBUTING.md says by which names; here is that nothing falls between.

const files = ['test', 'examples']
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
  .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'));
const slow = files.filter((name) => name.endsWith('.slow.test.ts'));
const { scripts } = requireFromRoot('./package.json') as { scripts: Record<string, string> };

test('what npm test leaves out are the slow tests, and .ci/run runs these as well', () => {
  const quick = requireFromRoot('./test/helpers/quick.cjs') as (paths: string[]) => { filtered: string[] };
  expect(slow.length).toBeGreaterThan(0);
  expect([...quick(files).filtered, ...slow].sort()).toEqual([...files].sort());
  expect(scripts).toMatchObject({ test: 'jest --filter=./test/helpers/quick.cjs', 'test:slow': 'jest slow.test', 'test:all': 'jest' });
  expect(readFileSync('.ci/run', 'utf8')).toMatch(/^npm run test:slow$/m);
  expect(readFileSync('.github/workflows/ci.yml', 'utf8')).toContain('npm run test:all');
});

test('a test that starts a browser or builds the package is called slow', () => {
  const SLOW = /from '[./\w-]*\/(chromium|packed)\.js'|tsconfig\.build\.json/;
  const self = resolve('test/quick.test.ts');
  const missing = files.filter((name) => resolve(name) !== self && !slow.includes(name) && SLOW.test(readFileSync(name, 'utf8')));
  expect(missing).toEqual([]);
});
