import fc from 'fast-check';
import { type Op, readFolder, type Scenario, type Settings, type Step } from './scenario.js';

/**
 * Scenarios that nobody has played to Django: the recorded ones taken apart and put together anew, with some ops and
 * cookies they don't have. The model, which answers all recorded ones like Django, stands in for it.
 */
export function variantsOf(folder: string): fc.Arbitrary<Scenario> {
  const recorded = readFolder(folder).map(({ scenario }) => scenario);
  const settings = fc
    .record({
      base: fc.constantFrom(...recorded.map((scenario) => scenario.settings)),
      save_every_request: fc.boolean(),
      cookie_age: fc.constantFrom(60, 1_209_600),
    })
    .map(({ base, ...others }): Settings => ({ ...base, ...others }));
  const ops = opsOf(recorded);
  return fc
    .record({ settings, requests: fc.array(stepOf(ops), { minLength: 1, maxLength: 4 }) })
    .map(({ settings, requests }) => ({ name: 'a variant', note: '', settings, requests: [FIRST, ...requests] }));
}

const FIRST: Step = {
  ops: [
    ['set', 'a', 1],
    ['set', 'cart', { n: 1 }],
  ],
  status: 200,
  cookie: 'jar',
  advance_seconds: 0,
};

/** Ops as they were recorded, each name as likely as the others and as each of our own. A non-string key in JavaScript only ever throws. */
function opsOf(recorded: readonly Scenario[]): fc.Arbitrary<Op> {
  const byName = new Map<string, Op[]>();
  for (const op of recorded.flatMap(({ requests }) => requests.flatMap(({ ops }) => ops))) {
    const [name, key] = op;
    if (name === 'raise' || (typeof key === 'number' && ['set', 'get', 'contains', 'mutate_nested'].includes(name))) continue;
    byName.set(name, [...(byName.get(name) ?? []), op]);
  }
  return fc.oneof(...[...byName.values(), ...MORE_OPS.map((op) => [op])].map((ops) => fc.constantFrom(...ops)));
}

const MORE_OPS: Op[] = [
  ['set_expiry', 0.5],
  ['set_expiry', { date: 0.5 }],
  ['set_expiry', 40_000_000],
  ['advance', 0.25],
  ['exists', 'no-key-at-all'],
  ['delete', 'no-key-at-all'],
  ['delete', '$previous'],
  ['delete', '$jar'],
  ['modify_by_other_request', { a: 9, z: 1 }],
  ['mutate_nested', 'cart', 'n', 5],
  ['set', 'list', [1]],
  ['mutate_nested', 'list', 0, 4],
  ['force_keys', '$jar', '$jar', '$jar'],
  ['getitem', 'missing'],
];

function stepOf(op: fc.Arbitrary<Op>): fc.Arbitrary<Step> {
  const rarely = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 9 });
  return fc
    .record({
      faults: rarely(fc.subarray(['get', 'has_key', 'add', 'set', 'delete', 'add_always_taken'], { minLength: 1 })),
      ops: fc.array(op, { maxLength: 6 }),
      raises: fc.boolean(),
      status: fc.constantFrom(200, 200, 200, 200, 302, 404, 500, 503),
      cookie: fc.constantFrom<Step['cookie'][]>(
        ...Array<'jar'>(8).fill('jar'),
        'previous',
        'unknown-but-well-formed',
        'none',
        'garbage',
        '',
        { raw: '{name}={jar}; {name}={unknown}' },
        { raw: '{name}={jar:main}; {name}={jar:second}' },
        { raw: '{name}={previous:main};{name}={jar:main};{name}={jar:second}' },
      ),
      advance_seconds: fc.constantFrom(0, 0, 0, 0.5, 10, 59, 61, 1_209_601),
      jar: rarely(fc.constant('second')),
      response_vary: rarely(fc.constantFrom('Accept', 'cookie', '*', 'Accept-Encoding, Cookie')),
    })
    .map(({ faults, ops, raises, jar, response_vary, ...step }) => ({
      ...step,
      ops: [...(faults ? [['fault', ...faults] as Op] : []), ...ops, ...(raises && step.status === 500 ? [['raise'] as Op] : [])],
      ...(jar === undefined ? undefined : { jar }),
      ...(response_vary === undefined ? undefined : { response_vary }),
    }));
}
