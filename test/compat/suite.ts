import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { makeCertificate } from '../helpers/certificate.ts';

export interface Outcome {
  /** The test's full title: those of the suites around it, and its own. */
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'skipped' | 'not run';
  /** What a failed one says; else empty. */
  readonly error: string;
}

export interface SuiteRun {
  readonly tests: readonly Outcome[];
  /** Hooks that failed, and kept the tests behind them from running. */
  readonly hooks: readonly Outcome[];
}

/** What express-session's tests import, and what it is here: the suite is written for Express 4. */
const NEEDED = { after: 'after', 'cookie-parser': 'cookie-parser', express: 'express4', supertest: 'supertest' };

/** How long the whole suite may take, in milliseconds; the real one takes some five seconds. */
const TIME_LIMIT = 120_000;

const modules = resolve('node_modules');
const reporter = resolve('test/compat/reporter.cjs');

/**
 * Runs the tests of a copy of express-session's repository, unchanged, against a module that stands in its place: the
 * name of an installed package, or a source file. Rejects if they can't be run at all.
 */
export async function runSuite(repository: string, subject: string, timeLimit = TIME_LIMIT): Promise<SuiteRun> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-compat-'));
  try {
    await lay(folder, repository, subject);
    return await runMocha(folder, timeLimit);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The tests, and around them what they look for: `..` and `../session/cookie`, packages, a certificate. */
async function lay(folder: string, repository: string, subject: string): Promise<void> {
  // A copy: behind a link, `require('../')` would lead back to the repository's own code.
  cpSync(join(repository, 'test'), join(folder, 'test'), { recursive: true });
  for (const name of ['node_modules', 'session', 'test/fixtures']) mkdirSync(join(folder, name), { recursive: true });
  for (const [name, installed] of Object.entries(NEEDED)) symlinkSync(join(modules, installed), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'index.js'), `module.exports = require(${JSON.stringify(await loadable(subject, folder))});\n`);
  writeFileSync(join(folder, 'session', 'cookie.js'), "module.exports = require('..').Cookie;\n");
  const { key, cert } = makeCertificate('express-session.local');
  writeFileSync(join(folder, 'test/fixtures/server.key'), key);
  writeFileSync(join(folder, 'test/fixtures/server.crt'), cert);
}

/** A path that `require` takes. Sources are bundled, so that they need neither a build nor a loader in the run. */
async function loadable(subject: string, folder: string): Promise<string> {
  if (!/\.[cm]?[jt]s$/.test(subject)) return join(modules, subject);
  if (!existsSync(subject)) throw new Error(`There is no ${subject} to be tested.`);
  const outfile = join(folder, 'subject.cjs');
  await build({
    entryPoints: [subject],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'silent',
    // As Node does for `require` of an ES module.
    footer: { js: "if ('module.exports' in module.exports) module.exports = module.exports['module.exports'];" },
  });
  return outfile;
}

function runMocha(folder: string, timeLimit: number): Promise<SuiteRun> {
  const output = join(folder, 'outcome.json');
  // As the repository's own `npm test` does, but for the reporter, and an end even if a test left something open.
  const options = [
    '--require',
    'test/support/env',
    '--check-leaks',
    '--exit',
    '--reporter',
    reporter,
    '--reporter-option',
    `output=${output}`,
  ];
  const child = spawn(process.execPath, [join(modules, 'mocha/bin/mocha.js'), ...options, 'test/'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'test' },
    timeout: timeLimit,
    killSignal: 'SIGKILL',
  });
  let said = '';
  const listen = (chunk: Buffer) => {
    said += chunk;
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  return new Promise((settle, reject) => {
    child.once('error', reject);
    child.once('close', (_code, signal) => {
      // Messages name files of the repository, wherever they are now.
      if (existsSync(output)) settle(JSON.parse(readFileSync(output, 'utf8').replaceAll(`${folder}/`, '')) as SuiteRun);
      else
        reject(
          new Error(signal === null ? `The tests could not be run:\n${said}` : `The tests did not end within ${timeLimit} ms:\n${said}`),
        );
    });
  });
}
