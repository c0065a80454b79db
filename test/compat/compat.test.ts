import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Outcome, runSuite } from './suite.js';
import { verdictOn } from './verdict.js';

// The script on tiny suites of our own in the place of express-session's: what it runs, counts, lists and ends with.

let repository: string;
beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'sojourn-tiny-suite-'));
  write('test/support/env.js', "process.env.FROM_ENV = 'yes';\n");
});
afterEach(() => rmSync(repository, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(repository, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function script(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const tsx = ['--import', 'tsx', 'test/compat/express-session.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...tsx, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

const PASSING = `
  var assert = require('assert'), express = require('express'), fs = require('fs'), https = require('https'), request = require('supertest');
  var session = require('../'), Cookie = require('../session/cookie');
  require('after'); require('cookie-parser');
  describe('session()', function () {
    it('keeps a value', function (done) {
      var app = express();
      app.use(session({ secret: 'a secret', resave: false, saveUninitialized: true }));
      app.get('/', function (req, res) { res.json(req.session.cookie instanceof Cookie && process.env.FROM_ENV === 'yes'); });
      var key = fs.readFileSync(__dirname + '/fixtures/server.key'), cert = fs.readFileSync(__dirname + '/fixtures/server.crt');
      https.createServer({ key: key, cert: cert });
      request(app).get('/').expect('Set-Cookie', /connect.sid/).expect(200, 'true', done);
    });
  });`;
const FAILING = `
  var assert = require('assert');
  describe('session()', function () {
    it('adds up', function () { assert.strictEqual(1 + 1, 3); });
  });`;

describe('the script', () => {
  test('says 1 of 1 and ends with 0 if all pass', () => {
    write('test/passing.js', PASSING);
    const { status, stdout } = script(repository, '--subject', 'express-session');
    expect([status, stdout]).toEqual([0, "express-session's own suite: 1 of 1\n"]);
  });

  test('says 1 of 2, names the one that fails with its error, and ends with 1', () => {
    write('test/passing.js', PASSING);
    write('test/failing.js', FAILING);
    const { status, stdout } = script(repository, '--subject', 'express-session');
    expect(status).toBe(1);
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      "express-session's own suite: 1 of 2",
      '',
      'NOT KNOWN: session() adds up',
      '  Expected values to be strictly equal: 2 !== 3',
    ]);
  });

  test('ends with 2 and says what it needs if there are no tests to run', () => {
    expect(script()).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('Usage: npm run compat:express-session') });
    rmSync(join(repository, 'test'), { recursive: true });
    expect(script(repository)).toMatchObject({ status: 2, stderr: expect.stringContaining('Usage') });
  });

  test('ends with 2 and says why if the tests can’t be loaded', () => {
    write('test/broken.js', "require('./nowhere');");
    const { status, stderr } = script(repository, '--subject', 'express-session');
    expect([status, stderr]).toEqual([2, expect.stringMatching(/could not be run[\s\S]*nowhere/)]);
  });
});

describe('a run', () => {
  test('takes a source file, as `require` would see it', async () => {
    const part = "const visits: number = 3; export default () => visits; export { visits as 'module.exports' };\n";
    write('src/part.ts', part);
    const subject = write(
      'src/subject.ts',
      "import visit from './part.js'; const made = () => visit(); export { made as 'module.exports' };\n",
    );
    write('test/own.js', "it('is the function', function () { if (require('..')() !== 3) throw new Error('no'); });");
    expect(await runSuite(repository, subject)).toEqual({ tests: [{ title: 'is the function', state: 'passed', error: '' }], hooks: [] });
    await expect(runSuite(repository, join(repository, 'missing.ts'))).rejects.toThrow(/There is no .*missing\.ts/);
  });

  test('tells failures, leaks, skipped tests and those that a failed hook kept from running', async () => {
    write(
      'test/states.js',
      `it('passes', function () {});
       it('leaks', function () { global.leaked = 1; });
       it('calls back twice', function (done) { done(); done(); });
       it.skip('is skipped', function () {});
       describe('behind a hook', function () {
         before('opens', function () { throw new Error('closed'); });
         it('never runs', function () {});
       });`,
    );
    const { tests, hooks } = await runSuite(repository, 'express-session');
    expect(tests.map(({ title, state }) => [title, state])).toEqual([
      ['passes', 'passed'],
      ['leaks', 'failed'],
      ['calls back twice', 'failed'],
      ['is skipped', 'skipped'],
      ['behind a hook never runs', 'not run'],
    ]);
    expect(tests.map(({ error }) => error)).toEqual(['', expect.stringMatching(/leak/), expect.stringMatching(/multiple times/), '', '']);
    expect(hooks).toEqual([{ title: expect.stringContaining('"before all" hook: opens'), state: 'failed', error: 'closed' }]);
  });

  test('that hangs is ended', async () => {
    write('test/hanging.js', "it('hangs', function () { for (;;); });");
    await expect(runSuite(repository, 'express-session', 1500)).rejects.toThrow(/did not end within 1500 ms/);
  });
});

describe('the verdict', () => {
  const outcome = (title: string, state: Outcome['state'] = 'passed', error = ''): Outcome => ({ title, state, error });
  const run = { tests: [outcome('a'), outcome('b', 'failed', 'bad\nat line 1')], hooks: [] };

  test('is good if only known differences fail, and gives their reasons', () => {
    expect(verdictOn(run, { b: 'it is a defect' })).toEqual({
      ok: true,
      text: "express-session's own suite: 1 of 2\n\nknown: b\n  bad\n  because it is a defect",
    });
  });

  test('is bad if a known difference passes, or is none of the tests', () => {
    for (const title of ['a', 'c']) {
      const { ok, text } = verdictOn(run, { b: 'it is a defect', [title]: 'once' });
      expect([ok, text]).toEqual([false, expect.stringContaining(`LISTED, BUT NOT FAILING: ${title}`)]);
    }
  });

  test.each<[string, Parameters<typeof verdictOn>[0]]>([
    ['a test that fails', run],
    ['a test that did not run', { tests: [outcome('a', 'not run')], hooks: [] }],
    ['a skipped test', { tests: [outcome('a', 'skipped')], hooks: [] }],
    ['a hook that failed behind all tests', { tests: [outcome('a')], hooks: [outcome('"after all" hook', 'failed', 'bad')] }],
    ['no test at all', { tests: [], hooks: [] }],
  ])('is bad on %s', (_, result) => {
    expect(verdictOn(result, {}).ok).toBe(false);
  });

  test('doesn’t take a test that did not run for a known difference', () => {
    expect(verdictOn({ tests: [outcome('a', 'not run')], hooks: [] }, { a: 'it fails' }).ok).toBe(false);
  });
});
