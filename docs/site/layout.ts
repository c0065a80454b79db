import { dirname, relative } from 'node:path';
import { escapeHtml } from './html.ts';
import type { Heading } from './markdown.ts';
import { SECTIONS, type Section } from './pages.ts';

export interface Entry {
  readonly title: string;
  /** From the site's top. */
  readonly address: string;
  readonly section: Section;
}

export interface Content {
  readonly title: string;
  readonly address: string;
  readonly html: string;
  readonly headings: readonly Heading[];
}

/** A whole page. There is no script in it: the menu of a narrow screen is a `details` element. */
export function layout({ title, address, html, headings }: Content, entries: readonly Entry[], style: string): string {
  const to = (target: string) => relative(dirname(address), target) || target;
  const name = title === 'Sojourn' ? title : `${title} · Sojourn`;
  const menu = navigation(entries, address, to);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(name)}</title>
<link rel="stylesheet" href="${to(style)}">
<link rel="icon" href="${to('icon.svg')}" type="image/svg+xml">
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header><a class="home" href="${to('index.html')}">Sojourn</a><details class="menu"><summary>Menu</summary><nav aria-label="All pages">${menu}</nav></details></header>
<div class="columns">
<nav class="sidebar" aria-label="Pages">${menu}</nav>
<main id="content">
${html}
</main>
${contents(headings)}
</div>
</body>
</html>
`;
}

function navigation(entries: readonly Entry[], address: string, to: (target: string) => string): string {
  const link = (entry: Entry) => {
    const current = entry.address === address ? ' aria-current="page"' : '';
    return `<li><a href="${to(entry.address)}"${current}>${escapeHtml(shortTitle(entry))}</a></li>`;
  };
  return SECTIONS.map((section) => {
    const own = entries.filter((entry) => entry.section === section);
    return own.length === 0 ? '' : `<p>${section}</p><ul>${own.map(link).join('')}</ul>`;
  }).join('');
}

/** Titles say it in full, the navigation up to the colon. */
function shortTitle({ title, address }: Entry): string {
  return address === 'index.html' ? 'Sojourn in short' : title.replace(/:.*/, '');
}

function contents(headings: readonly Heading[]): string {
  const shown = headings.filter(({ level }) => level <= 3);
  if (shown.length < 2) return '';
  const item = ({ level, title, anchor }: Heading) => `<li class="level-${level}"><a href="#${anchor}">${escapeHtml(title)}</a></li>`;
  return `<nav class="contents" aria-label="On this page"><p>On this page</p><ul>${shown.map(item).join('')}</ul></nav>`;
}
