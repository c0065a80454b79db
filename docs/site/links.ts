import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

// What links in Markdown mean, as GitHub sees it. The tests use this without the site's packages, the site with them.

export interface Link {
  readonly target: string;
  /** What stands between this link and the next, or the end of the line. */
  readonly after: string;
}

/** Where a link of a document leads to, within the project: a path from its top, and the anchor there. */
export interface Destination {
  readonly path: string;
  readonly anchor: string | undefined;
}

/** The name GitHub gives a heading, so that `#name` leads to it. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The relative links and pictures of a Markdown text, those in HTML included. Code is no link. */
export function linksOf(markdown: string): Link[] {
  const text = markdown.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/`[^`\n]+`/g, (code) => code.replaceAll(/[[\]()<>]/g, ' '));
  const inline = [...text.matchAll(/\]\(([^)\s]+)\)((?:(?!\]\()[^\n])*)/g)].map(([, target = '', after = '']) => ({ target, after }));
  const html = [...text.matchAll(/<[a-z]+ [^>]*?(?:href|src|srcset)="([^"]+)"/g)].map(([, target = '']) => ({ target, after: '' }));
  return [...inline, ...html].filter(({ target }) => isRelative(target));
}

export function isRelative(target: string): boolean {
  return !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target);
}

/** The anchors of a Markdown text. A heading that comes again gets a number. */
export function anchorsOf(markdown: string): string[] {
  const text = markdown.replace(/^ *```[\s\S]*?^ *```$/gm, '');
  const seen = new Map<string, number>();
  return [...text.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading = '']) => {
    const anchor = anchorOf(textOf(heading));
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** A heading without its markup: links are their texts. */
function textOf(heading: string): string {
  return heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/(?<![\w\\])[*_]+|[*_]+(?!\w)/g, '');
}

/** Where a relative link in a document leads to; `document` is a path from the project's top. */
export function destinationOf(document: string, target: string): Destination {
  const [path = '', anchor] = target.split('#') as [string, string?];
  return { path: path === '' ? document : normalize(join(dirname(document), decodeURI(path))).replace(/\/$/, ''), anchor };
}

/** Why a relative link in a document leads nowhere, or undefined. To be called at the project's top. */
export function problemWith(document: string, target: string): string | undefined {
  const { path, anchor } = destinationOf(document, target);
  if (path.startsWith('..')) return `${target} leads out of the project`;
  if (!existsSync(path)) return `${target}: there is no ${path}`;
  if (anchor === undefined || statSync(path).isDirectory() || !path.endsWith('.md')) return undefined;
  return anchorsOf(readFileSync(path, 'utf8')).includes(anchor) ? undefined : `${target}: ${path} has no heading #${anchor}`;
}
