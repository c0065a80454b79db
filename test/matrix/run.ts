import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Plan, Run } from './axes.js';
import type { Node } from './nodes.js';

export interface Outcome extends Run {
  /** The version of Node that ran, or its major version if there is none for this machine. */
  readonly node: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  readonly success: boolean;
  /** Where to read on, or why nothing ran. */
  readonly note: string;
}

/** Runs the tests with a Node and these versions. What Jest says is in a file of its own. */
export async function runTests(node: Node, run: Run, { tests, logs }: Pick<Plan, 'tests' | 'logs'>): Promise<Outcome> {
  mkdirSync(logs, { recursive: true });
  const base = join(logs, `node-${run.node}-express-${run.express}-ioredis-${run.ioredis}`);
  const [log, results] = [`${base}.log`, `${base}.json`];
  rmSync(results, { force: true });
  const began = performance.now();
  const args = [resolve('node_modules/jest/bin/jest.js'), '--coverage=false', '--json', `--outputFile=${results}`, ...tests];
  // npm, and whatever else a test starts, is to run on this Node as well.
  const PATH = `${dirname(node.path)}${delimiter}${process.env.PATH}`;
  const env = { ...process.env, PATH, EXPRESS: run.express, IOREDIS: run.ioredis };
  const code = await programEnd(node.path, args, env, log);
  const seconds = (performance.now() - began) / 1000;
  const { numPassedTests: passed, numFailedTests: failed } = existsSync(results)
    ? (JSON.parse(readFileSync(results, 'utf8')) as { numPassedTests: number; numFailedTests: number })
    : { numPassedTests: 0, numFailedTests: 0 };
  // A run that found no test has tested nothing.
  const success = code === 0 && passed > 0;
  return { ...run, node: node.version, passed, failed, seconds, success, note: success ? '' : log };
}

/** What is said of a run for which there is no Node. */
export function notRun(run: Run, reason: string): Outcome {
  return { ...run, passed: 0, failed: 0, seconds: 0, success: false, note: reason };
}

function programEnd(path: string, args: string[], env: NodeJS.ProcessEnv, log: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.pipe(createWriteStream(log));
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
}
