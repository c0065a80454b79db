import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { MemoryStore, Session } from 'sojourn';
import { Host } from './host.js';
import { playModel } from './model/middleware.js';
import { report } from './report.js';
import { RULE_NAMES, type RuleName } from './rules.js';
import { type Result, runFolder, runScenario } from './run.js';
import { type Answers, readFolder, type Scenario } from './scenario.js';
import { variantsOf } from './variants.js';

const FOLDER = join(process.cwd(), 'test/conformance/django');
const RECORDED = readFolder(FOLDER);
const NO_RULES: ReadonlySet<RuleName> = new Set();

let host: Host;
beforeAll(async () => {
  host = await new Host().start();
});
afterAll(() => host.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

function named(name: string): { scenario: Scenario; django: Answers } {
  const found = RECORDED.find(({ scenario }) => scenario.name === name);
  if (!found) throw new Error(`no scenario ${name}`);
  return structuredClone(found);
}

function failures(results: readonly Result[]): string[] {
  return results.filter(({ differences }) => differences.length > 0).map(({ scenario }) => scenario.name);
}

describe('what Django answered', () => {
  const usedRules = new Set<RuleName>();

  test('Sojourn answers the same in every scenario, but for the rules', async () => {
    const results = await runFolder(FOLDER);
    for (const { rules } of results) for (const rule of rules) usedRules.add(rule);
    expect(failures(results).length === 0 ? '' : report(results)).toBe('');
    expect(results).toHaveLength(RECORDED.length);
    expect(report(results)).toContain(`${RECORDED.length} scenarios run, ${RECORDED.length} passed, 0 failed.`);
  });

  test('the model without rules answers like Django in every scenario', () => {
    for (const { scenario, django } of RECORDED) {
      expect({ name: scenario.name, ...playModel(scenario, NO_RULES) }).toEqual({ name: scenario.name, ...django });
    }
  });

  test('and in scenarios put together anew Sojourn answers like the model with the rules', async () => {
    const differs = async (scenario: Scenario) => {
      const result = await runScenario(host, scenario, playModel(scenario, NO_RULES));
      for (const rule of result.rules) usedRules.add(rule);
      expect(result.differences.length === 0 ? '' : report([result])).toBe('');
    };
    await fc.assert(fc.asyncProperty(variantsOf(FOLDER), differs), { numRuns: 150, seed: 5 });
  });

  test('no rule is dead: each was needed', () => {
    expect(RULE_NAMES.filter((rule) => !usedRules.has(rule))).toEqual([]);
  });
});

describe('a broken promise is found', () => {
  const SPOILED: [what: string, spoil: (answers: Answers) => void][] = [
    ['a status', ({ requests }) => Object.assign(at(requests, 1), { status: 201 })],
    ['a Vary', ({ requests }) => Object.assign(at(requests, 1), { vary: null })],
    ['the result of an op', ({ requests }) => Object.assign(at(at(requests, 1).ops, 0), { result: 2 })],
    ['a flag after an op', ({ requests }) => Object.assign(at(at(requests, 1).ops, 0), { accessed: false })],
    ['a flag after the response', ({ requests }) => Object.assign(at(requests, 0).after_response, { empty: true })],
    ['an attribute of the cookie', ({ requests }) => Object.assign(at(requests, 0).set_cookie as object, { samesite: 'Strict' })],
    ['the age of the cookie', ({ requests }) => Object.assign(at(requests, 0).set_cookie as object, { max_age: 60 })],
    ['data in the store', ({ requests }) => Object.assign(at(requests, 0).store.K1 as object, { data: {} })],
    ['a time to live', ({ requests }) => Object.assign(at(requests, 1).store.K1 as object, { ttl: 1 })],
    ['what the client holds', ({ requests }) => Object.assign(at(requests, 1), { jar: null })],
    ['the key that was sent', ({ requests }) => Object.assign(at(requests, 1), { cookie_sent: 'K2' })],
    ['store traffic', ({ requests }) => Object.assign(at(requests, 1).traffic, { writes: true })],
  ];

  test.each(SPOILED)('an altered expectation: %s', async (_what, spoil) => {
    const { scenario, django } = named('anon/set_one');
    spoil(django);
    const result = await runScenario(host, scenario, django);
    expect(result.differences).toHaveLength(1);
    expect(report([result])).toMatch(/FAILED anon\/set_one[\s\S]*1 scenarios run, 0 passed, 1 failed\./);
  });

  const SABOTAGE: [what: string, family: string, sabotage: () => void][] = [
    ['cycleKey() keeps the key', 'existing/cycle', () => jest.spyOn(Session.prototype, 'cycleKey').mockImplementation(() => {})],
    ['flush() only clears', 'existing/flush', () => spy('flush', 'clear')],
    ['clear() flushes', 'existing/clear', () => spy('clear', 'flush')],
    ['a read modifies', 'existing/se', () => spyGetter('modified', true)],
    ['a read is no access', 'existing/re', () => spyGetter('accessed', false)],
    [
      'a write brings a deleted session back',
      'conc/',
      () =>
        jest.spyOn(MemoryStore.prototype, 'update').mockImplementation(async function update(
          this: MemoryStore,
          key,
          payload,
          _version,
          ttl,
        ) {
          await this.delete(key);
          return { status: 'updated', version: (await this.create(key, payload, ttl)) as string };
        }),
    ],
    ['a flush leaves the record', 'existing/flush', () => jest.spyOn(MemoryStore.prototype, 'delete').mockResolvedValue(true)],
    [
      'a failed write passes for a good one',
      'existing/set',
      () => jest.spyOn(MemoryStore.prototype, 'update').mockResolvedValue({ status: 'updated', version: 'v' }),
    ],
    [
      'every session ends with the browser',
      'expiry/',
      () => jest.spyOn(Session.prototype, 'getExpireAtBrowserClose').mockReturnValue(true),
    ],
  ];

  test.each(SABOTAGE)('sabotage: %s', async (_what, family, sabotage) => {
    sabotage();
    const results: Result[] = [];
    for (const { scenario, django } of RECORDED) {
      if (scenario.name.startsWith(family)) results.push(await runScenario(host, scenario, django));
    }
    expect(failures(results).length).toBeGreaterThan(0);
  });

  test('an unknown op is a failure, not a pass and not the end of the run', async () => {
    const { scenario, django } = named('anon/set_one');
    scenario.requests[0]?.ops.push(['fly']);
    const result = await runScenario(host, scenario, django);
    expect(result.differences).toEqual([{ path: 'the run', expected: 'an answer', actual: expect.stringContaining('an unknown op: fly') }]);
  });

  test('the command ends with 0 if all pass, else with 1', async () => {
    const { scenario, django } = named('anon/untouched');
    expect(await runCommand(scenario, django)).toMatchObject({ code: 0, output: expect.stringContaining('1 passed, 0 failed') });
    at(django.requests, 0).status = 201;
    expect(await runCommand(scenario, django)).toMatchObject({ code: 1, output: expect.stringContaining('FAILED anon/untouched') });
  });
});

function at<Item>(items: readonly Item[], index: number): Item {
  return items[index] as Item;
}

function spy(method: 'flush' | 'clear', instead: 'flush' | 'clear'): void {
  const { [instead]: other } = Session.prototype;
  jest.spyOn(Session.prototype, method).mockImplementation(function act(this: Session) {
    other.call(this);
  });
}

function spyGetter(name: 'modified' | 'accessed', value: boolean): void {
  jest.spyOn(Session.prototype, name, 'get').mockReturnValue(value);
}

/** Runs the command over a folder with one scenario. */
async function runCommand(scenario: Scenario, { requests }: Answers): Promise<{ code: number; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const none = { reads: 0, writes: 0, deletes: 0 };
  const recorded = requests.map(({ traffic, ...answer }) => ({ ...answer, traffic_ops: none, traffic_response: none }));
  await writeFile(join(folder, 'scenarios.json'), JSON.stringify([scenario]));
  await writeFile(join(folder, 'expected.json'), JSON.stringify({ [scenario.name]: { requests: recorded } }));
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', 'tsx', 'test/conformance/cli.ts', folder], (_error, output) =>
      resolve({ code: child.exitCode ?? -1, output }),
    );
  });
}
