import { isDeepStrictEqual } from 'node:util';

type Tree = { [key: string]: unknown };

/**
 * What Sojourn must answer: what Django answered, except where a rule changes it. Where the model of Django answers the
 * same with rules and without, the recorded fact stands; only where they differ it is what the rules say.
 */
export function expectation<Value>(fact: Value, without: Value, withRules: Value): Value {
  return merge(fact, without, withRules) as Value;
}

function merge(fact: unknown, without: unknown, withRules: unknown): unknown {
  if (isDeepStrictEqual(without, withRules)) return fact;
  if (Array.isArray(fact) && Array.isArray(without) && Array.isArray(withRules)) {
    if (fact.length !== without.length || fact.length !== withRules.length) return withRules;
    return fact.map((item, index) => merge(item, without[index], withRules[index]));
  }
  if (!isTree(fact) || !isTree(without) || !isTree(withRules)) return withRules;
  const names = new Set([...Object.keys(fact), ...Object.keys(withRules)]);
  const entries = [...names].map((name): [string, unknown] => [name, merge(own(fact, name), own(without, name), own(withRules, name))]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

export interface Difference {
  path: string;
  expected: unknown;
  actual: unknown;
}

/** Where two answers differ, leaf by leaf. */
export function differencesOf(expected: unknown, actual: unknown, path = ''): Difference[] {
  if (isDeepStrictEqual(expected, actual)) return [];
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    return expected.flatMap((item, index) => differencesOf(item, actual[index], `${path}[${index}]`));
  }
  if (!isTree(expected) || !isTree(actual)) return [{ path, expected, actual }];
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...names].flatMap((name) => differencesOf(own(expected, name), own(actual, name), path === '' ? name : `${path}.${name}`));
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(tree: Tree, name: string): unknown {
  return Object.hasOwn(tree, name) ? tree[name] : undefined;
}
