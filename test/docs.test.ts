import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

// What the documents point to is there: a link that leads nowhere is worse than none.

const examples = readdirSync('examples', { withFileTypes: true }).filter((entry) => entry.isDirectory());
const folders = ['.', 'docs', 'examples', ...examples.map(({ name }) => join('examples', name))];
const documents = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

interface Link {
  readonly target: string;
  /** What stands between this link and the next, or the end of the line. */
  readonly after: string;
}

/** The links of a document that lead to files of the project. */
function linksOf(document: string): Link[] {
  const text = readFileSync(document, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)((?:(?!\]\()[^\n])*)/g)]
    .map(([, target = '', after = '']) => ({ target, after }))
    .filter(({ target }) => !/^(https?|mailto):/.test(target));
}

/** The headings of a document as GitHub makes anchors of them. */
function anchorsOf(document: string): string[] {
  const headings = readFileSync(document, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('the documents are found', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/security.md', 'examples/cart-api/README.md']));
});

test.each(documents)('every link of %s leads somewhere', (document) => {
  const broken = linksOf(document).filter(({ target }) => {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : join(dirname(document), path);
    if (!existsSync(file)) return true;
    return anchor !== undefined && !statSync(file).isDirectory() && !anchorsOf(file).includes(anchor);
  });
  expect(broken.map(({ target }) => target)).toEqual([]);
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
    const quoted = linksOf('docs/security.md').flatMap(({ target, after }) =>
      [...after.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file: join('docs', target), name })),
    );
    expect(quoted.length).toBeGreaterThan(60);
    const missing = quoted.filter(({ file, name }) => !sourceOf(file).includes(name));
    expect(missing).toEqual([]);
  });
});

/** The text of a file as its strings are meant: `'it\'s'` is a name of `it's`. */
function sourceOf(file: string): string {
  return statSync(file).isDirectory() ? '' : readFileSync(file, 'utf8').replaceAll("\\'", "'");
}
