import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { linksOf, problemWith } from '../docs/site/links.js';

// What the documents point to is there: a link that leads nowhere is worse than none.

const folders = ['.', 'docs', 'bench', 'test/conformance', 'examples', ...readdirSync('examples').map((name) => join('examples', name))];
const documents = folders.flatMap((folder) =>
  statSync(folder).isDirectory()
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name))
    : [],
);

test('the documents are found', () => {
  expect(documents).toEqual(
    expect.arrayContaining([
      'README.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
      'docs/security.md',
      'bench/README.md',
      'examples/login/README.md',
      'examples/cart-api/README.md',
    ]),
  );
});

test.each(documents)('every link of %s leads somewhere', (document) => {
  const targets = linksOf(readFileSync(document, 'utf8')).map(({ target }) => target);
  const problems = targets.map((target) => problemWith(document, target)).filter((problem) => problem !== undefined);
  expect(problems).toEqual([]);
});

/** The names of tests that a document quotes behind a link to their file. */
function quotedTests(document: string): { file: string; name: string }[] {
  return linksOf(readFileSync(document, 'utf8')).flatMap(({ target, after }) =>
    [...after.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file: join(dirname(document), target), name })),
  );
}

test('each promise of the README quotes tests that are in the file it links to', () => {
  const quoted = quotedTests('README.md');
  expect(quoted.length).toBeGreaterThanOrEqual(10);
  expect(quoted.filter(({ file, name }) => !sourceOf(file).includes(name))).toEqual([]);
});

describe('docs/security.md', () => {
  const text = readFileSync('docs/security.md', 'utf8');
  const rows = [...text.matchAll(/^\| ([A-Z]{2})-(\d+) +\|(.*)\|$/gm)].map(([, section = '', number = '', rest = '']) => ({
    id: `${section}-${number}`,
    cells: rest.split(/ \| /).map((cell) => cell.trim()),
  }));

  test('has a row for every requirement', () => {
    const counts = { ID: 5, CK: 11, FX: 6, TO: 6, RV: 7, ST: 9, IN: 7, CC: 8, HC: 3, FM: 11, RL: 5, LG: 3, SC: 4 };
    const all = Object.entries(counts).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, index) => `${section}-${index + 1}`),
    );
    expect(rows.map(({ id }) => id)).toEqual(all);
  });

  test('says of each whether it is met, and shows a test wherever it is', () => {
    for (const { id, cells } of rows) {
      const [, how = '', proof = ''] = cells;
      expect([id, cells.length]).toEqual([id, 3]);
      if (!how.startsWith('**Not met.**')) expect([id, proof]).toEqual([id, expect.stringMatching(/\]\(\.\.\//)]);
    }
  });

  test('counts them right', () => {
    const differently = rows.filter(({ cells }) => cells[1]?.startsWith('**Differently.**')).length;
    const not = rows.filter(({ cells }) => cells[1]?.startsWith('**Not met.**')).length;
    expect(text).toContain(
      `Of ${rows.length} requirements ${rows.length - differently - not} are met, ${differently} are met differently, and ${not} are not met.`,
    );
  });

  test('quotes names of tests that are in the file it links to', () => {
    const quoted = quotedTests('docs/security.md');
    expect(quoted.length).toBeGreaterThan(60);
    const missing = quoted.filter(({ file, name }) => !sourceOf(file).includes(name));
    expect(missing).toEqual([]);
  });
});

/** The text of a file as its strings are meant: `'it\'s'` is a name of `it's`. */
function sourceOf(file: string): string {
  return statSync(file).isDirectory() ? '' : readFileSync(file, 'utf8').replaceAll("\\'", "'");
}
