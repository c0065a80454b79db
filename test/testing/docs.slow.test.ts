import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import * as sojourn from 'sojourn';
import * as testing from 'sojourn/testing';
import { launchChromium } from '../helpers/chromium.js';
import { type CodeBlock, codeBlocksOf, DeclaredTests, requireFromRoot, runBlock } from '../helpers/code-blocks.js';

// The blocks of docs/testing.md are an app and tests of it: they are run as such.

const [app, ...blocks] = codeBlocksOf('docs/testing.md') as [CodeBlock, ...CodeBlock[]];
const tests = new DeclaredTests();

/** `./app.js` is the first block; the browser is the one that the tests have. */
function load(id: string): unknown {
  const own: Record<string, () => unknown> = {
    sojourn: () => sojourn,
    'sojourn/testing': () => testing,
    'node:test': () => tests,
    './app.js': () => declaredApp,
    playwright: () => ({ chromium: { launch: launchChromium } }),
  };
  return own[id]?.() ?? requireFromRoot(id);
}
const declaredApp = runBlock(app, load);

test.each(blocks.map((block): [string, CodeBlock] => [block.name, block]))('the tests under "%s" pass', async (_name, block) => {
  runBlock(block, load);
  const names = await tests.run();
  expect(names).toHaveLength(block.code.match(/^test\(/gm)?.length ?? 0);
  expect(names).not.toEqual([]);
});

test('every block compiles as it stands', () => {
  const folder = 'artifacts/testing';
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/app.ts`, app.code);
  for (const [index, { code }] of blocks.entries()) writeFileSync(`${folder}/block-${index}.ts`, code);
  const compilerOptions = {
    rootDir: '../..',
    paths: {
      sojourn: ['../../src/index.ts'],
      'sojourn/testing': ['../../src/testing.ts'],
      playwright: ['../../node_modules/playwright-core/index.d.ts'],
    },
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] }));
  const { stdout, status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', folder], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});
