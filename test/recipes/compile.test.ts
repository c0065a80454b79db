import { readdirSync, readFileSync } from 'node:fs';
import { compile } from '../helpers/compile.js';
import { RECIPES } from './recipes.js';

test('every recipe compiles as it stands, beside the two files that all share', () => {
  const files = RECIPES.map(({ name, code }, index): [string, string] => [name.endsWith('.ts') ? name : `recipe-${index}.ts`, code]);
  // NestJS' decorators are those that TypeScript had before there was a standard.
  expect(compile('recipes/all', Object.fromEntries(files), { experimentalDecorators: true })).toBe('');
});

test('every recipe is run by a test', () => {
  const tests = readdirSync('test/recipes').map((name) => readFileSync(`test/recipes/${name}`, 'utf8'));
  const untested = RECIPES.filter(({ name }) => !tests.some((text) => text.includes(`'${name}'`)));
  expect(untested.map(({ name }) => name)).toEqual([]);
});
