import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// docs/errors.md has a heading for every code that the sources have, and for no other.

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.c?ts$/.test(name))
  .map((name) => ({ name, text: readFileSync(join('src', name), 'utf8') }));

const sections = readFileSync('docs/errors.md', 'utf8')
  .split(/^(?=### )/m)
  .slice(1)
  .map((text) => ({ code: /^### (.+)$/m.exec(text)?.[1] ?? '', text }));

/** Node's own, which the command line looks for. */
const OF_NODE = ['ERR_MODULE_NOT_FOUND', 'ERR_PARSE_ARGS_UNKNOWN_OPTION'];
const inSources = new Set(sources.flatMap(({ text }) => text.match(/(?<=')(ERR|SOJOURN)_[A-Z_]+(?=')/g) ?? []));

test('every code has a heading, and every heading a code', () => {
  expect(sections.map(({ code }) => code).sort()).toEqual([...inSources].filter((code) => !OF_NODE.includes(code)).sort());
});

test.each(sections.map(({ code, text }) => [code, text]))('%s has its cause and its fix, each in one line', (_, text) => {
  expect(text.match(/^\*\*Cause\.\*\* .+\n$/gm)).toHaveLength(1);
  expect(text.match(/^\*\*Fix\.\*\* .+$/gm)).toHaveLength(1);
});

test('every code stands in the sources as a whole, so that a search finds it', () => {
  const made = sources.filter(({ text }) => /['`](ERR|SOJOURN)_[A-Z_]*\$\{/.test(text)).map(({ name }) => name);
  expect(made).toEqual([]);
});

/** What these throw never leaves them: a record that can't be decoded is an event, and what a client says isn't passed on. */
const CAUGHT = ['codec.ts', 'express-session/codec.ts', 'express-session/take-over.ts'];

test('no error without a code leaves the package', () => {
  const bare = sources.filter(({ text }) => /(throw|return|reject\(|next\(|callback\() ?new (Type|Range)?Error\(/.test(text));
  expect(bare.map(({ name }) => name).sort()).toEqual(CAUGHT);
});
