import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A page of the site that is made of Markdown. */
export interface Page {
  /** The Markdown's place, from the project's top; of the API reference, where it would be. Links in it start there. */
  readonly source: string;
  readonly markdown: string;
  readonly section: Section;
}

export const SECTIONS = ['Start', 'Guides', 'In production', 'Reference', 'The project'] as const;
export type Section = (typeof SECTIONS)[number];

/** In this order in the navigation. A document that isn't listed comes at the end of a section: it can't be forgotten. */
const LISTED: Readonly<Record<Section, readonly string[]>> = {
  Start: ['README.md', 'docs/tutorial.md', 'docs/troubleshooting.md'],
  Guides: ['docs/recipes.md', 'docs/testing.md', 'docs/express-session.md', 'docs/django.md', 'docs/stores.md'],
  'In production': [
    'docs/redis.md',
    'docs/security.md',
    'docs/users.md',
    'docs/keys.md',
    'docs/cli.md',
    'docs/events.md',
    'docs/errors.md',
    'docs/scale.md',
  ],
  Reference: [],
  'The project': ['docs/architecture.md', 'CHANGELOG.md', 'CONTRIBUTING.md'],
};

const UNLISTED_FROM: Readonly<Partial<Record<Section, string>>> = { Guides: 'docs', 'The project': '.' };

/** Documents that pages lead to, and that have no place in the navigation. */
const FOLDERS_BESIDE = ['bench', 'examples', 'test'];

/** The documents of the project, in the order of the navigation. To be called at its top. */
export function documentsOfProject(): Page[] {
  const present = [...markdownIn('.'), ...markdownIn('docs')];
  const listed = Object.values(LISTED).flat();
  return SECTIONS.flatMap((section) => {
    const folder = UNLISTED_FROM[section];
    const unlisted = present.filter((source) => dirname(source) === folder && !listed.includes(source));
    return [...LISTED[section].filter((source) => present.includes(source)), ...unlisted].map((source) => pageOf(source, section));
  });
}

/** The READMEs of the examples and of the folders of the project. */
export function documentsBeside(): Page[] {
  return FOLDERS_BESIDE.flatMap((folder) => markdownBelow(folder)).map((source) => pageOf(source, 'The project'));
}

function pageOf(source: string, section: Section): Page {
  return { source, markdown: readFileSync(source, 'utf8'), section };
}

function markdownIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules') return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? markdownBelow(path) : entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Where a page of this source is on the site: beside its links, so that they hold. */
export function addressOf(source: string): string {
  return source === 'README.md' ? 'index.html' : source.replace(/\.md$/, '.html');
}
