import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { apiPages } from './api/pages.ts';
import { deadLinks } from './check.ts';
import { type Highlight, highlighter } from './highlight.ts';
import { type Content, type Entry, layout } from './layout.ts';
import { destinationOf } from './links.ts';
import { markdownRenderer, type Render } from './markdown.ts';
import { ROOT, SITE } from './packages.ts';
import { addressOf, documentsBeside, documentsOfProject, type Page } from './pages.ts';
import { fileHtml, folderHtml, kindOf, siteAddressOf } from './sources.ts';

/** Git-ignored, and beside what else is made. */
export const OUTPUT = join(ROOT, 'artifacts', 'site');
const STYLE = 'style.css';
const ICON = 'icon.svg';

export interface Built {
  readonly pages: number;
  /** Links that lead nowhere, each with its page. */
  readonly dead: readonly string[];
}

/** Builds the site into `artifacts/site`. To be called at the project's top, once the packages are installed. */
export async function build(): Promise<Built> {
  const [render, highlight] = await Promise.all([markdownRenderer(), highlighter()]);
  const listed = [...documentsOfProject(), ...apiPages()];
  const site = new Site(render, highlight);
  const contents = listed.map((page) => site.contentOf(page));
  const entries = listed.map(({ section }, index): Entry => {
    const { title, address } = contents[index] as Content;
    return { title, address, section };
  });
  contents.push(...documentsBeside().map((page) => site.contentOf(page)), ...site.filesLinkedTo());

  rmSync(OUTPUT, { recursive: true, force: true });
  const files = new Map<string, string | undefined>([STYLE, ICON, ...site.assets].map((address) => [address, undefined]));
  for (const content of contents) files.set(content.address, layout(content, entries, STYLE));
  for (const [address, html] of files) {
    const path = join(OUTPUT, address);
    mkdirSync(dirname(path), { recursive: true });
    if (html !== undefined) writeFileSync(path, html);
    else cpSync(join(site.assets.has(address) ? ROOT : SITE, address), path);
  }
  return { pages: contents.length, dead: deadLinks(files) };
}

/** Renders pages and remembers what else they lead to. */
class Site {
  readonly assets = new Set<string>();
  readonly #linked = new Set<string>();

  constructor(
    readonly render: Render,
    readonly highlight: Highlight,
  ) {}

  contentOf({ source, markdown }: Page): Content {
    const address = addressOf(source);
    const rendered = this.render(markdown, (target) => this.#rewrite(source, address, target));
    return { ...rendered, title: rendered.title || source, address };
  }

  /** The files and folders that pages link to, and those that the folders have in them. */
  filesLinkedTo(): Content[] {
    const contents: Content[] = [];
    // Grows as folders are shown.
    for (const path of this.#linked) contents.push(this.#contentOfFile(path));
    return contents;
  }

  #contentOfFile(path: string): Content {
    const kind = kindOf(path);
    const address = siteAddressOf(path, kind);
    if (kind === 'file') return { title: path, address, html: fileHtml(path, this.highlight), headings: [] };
    const { html } = folderHtml(path);
    const rewritten = html.replace(/(?<=href=")[^"]+/g, (name) => this.#rewrite(`${path}/README.md`, address, name));
    return { title: `${path}/`, address, html: rewritten, headings: [] };
  }

  /** A link of a document as one of the site; what it leads to will be there. */
  #rewrite(source: string, address: string, target: string): string {
    const { path, anchor } = destinationOf(source, target);
    const kind = kindOf(path);
    const destination = siteAddressOf(path, kind);
    if (kind === 'asset') this.assets.add(path);
    else if (kind === 'file' || (kind === 'folder' && destination.endsWith('/index.html'))) this.#linked.add(path);
    const link = relative(dirname(address), destination);
    const place = anchor === undefined ? '' : `#${anchor}`;
    return destination === address ? place || link : link + place;
  }
}
