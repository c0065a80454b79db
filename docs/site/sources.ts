import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import type { Highlight } from './highlight.ts';
import { escapeHtml } from './html.ts';
import { addressOf } from './pages.ts';

// The documents link to tests and sources as their proofs. The site shows those files as they are.

const ASSETS = ['.svg', '.png', '.jpg', '.webp', '.gif'];
const LANGUAGE_OF: Readonly<Record<string, string>> = {
  '.cjs': 'javascript',
  '.css': 'css',
  '.js': 'javascript',
  '.json': 'json',
  '.mjs': 'javascript',
  '.py': 'python',
  '.sh': 'bash',
  '.ts': 'typescript',
  '.yml': 'yaml',
};

/** How a destination in the project is shown on the site. */
export type Kind = 'page' | 'asset' | 'folder' | 'file' | 'missing';

export function kindOf(path: string): Kind {
  if (path.endsWith('.md')) return 'page';
  if (!existsSync(path)) return 'missing';
  if (statSync(path).isDirectory()) return 'folder';
  return ASSETS.includes(extname(path)) ? 'asset' : 'file';
}

/** Where it is on the site. */
export function siteAddressOf(path: string, kind: Kind): string {
  if (kind === 'page') return addressOf(path);
  if (kind === 'folder') return existsSync(`${path}/README.md`) ? addressOf(`${path}/README.md`) : `${path}/index.html`;
  return kind === 'file' ? `${path}.html` : path;
}

/** What a folder has, and the files in it, as a page. */
export function folderHtml(path: string): { html: string; entries: string[] } {
  const names = readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'))
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
    .sort((one, other) => Number(other.isFolder) - Number(one.isFolder) || one.name.localeCompare(other.name));
  const item = ({ name, isFolder }: { name: string; isFolder: boolean }) =>
    `<li><a href="${escapeHtml(name)}"><code>${escapeHtml(name)}${isFolder ? '/' : ''}</code></a></li>`;
  return {
    html: `<h1><code>${escapeHtml(path)}/</code></h1>\n<ul class="files">\n${names.map(item).join('\n')}\n</ul>`,
    entries: names.map(({ name }) => `${path}/${name}`),
  };
}

export function fileHtml(path: string, highlight: Highlight): string {
  const code = highlight(readFileSync(path, 'utf8'), LANGUAGE_OF[extname(path)] ?? '');
  return `<h1><code>${escapeHtml(path)}</code></h1>\n<pre tabindex="0" class="source"><code>${code}</code></pre>`;
}
