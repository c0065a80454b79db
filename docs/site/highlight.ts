import { escapeHtml } from './html.ts';
import { load } from './packages.ts';

/** Code as HTML, with a span around what has a colour. */
export type Highlight = (code: string, language: string) => string;

interface Core {
  registerLanguage(name: string, definition: unknown): void;
  getLanguage(name: string): unknown;
  highlight(code: string, options: { language: string }): { value: string };
}

/** What the documents and the files they link to are written in. Each brings its short names along: ts, js, sh. */
const LANGUAGES = ['bash', 'css', 'dockerfile', 'ini', 'javascript', 'json', 'nginx', 'python', 'typescript', 'yaml'];

/** Colours are given when the site is built: a reader's browser runs no script for them. */
export async function highlighter(): Promise<Highlight> {
  const { default: core } = await load<{ default: Core }>('highlight.js/lib/core');
  for (const name of LANGUAGES) {
    core.registerLanguage(name, (await load<{ default: unknown }>(`highlight.js/lib/languages/${name}`)).default);
  }
  return (code, language) => (core.getLanguage(language) ? core.highlight(code, { language }).value : escapeHtml(code));
}
