import { type Highlight, highlighter } from './highlight.ts';
import { escapeHtml } from './html.ts';
import { anchorOf, isRelative } from './links.ts';
import { load } from './packages.ts';

export interface Heading {
  readonly level: number;
  readonly title: string;
  readonly anchor: string;
}

export interface Rendered {
  readonly html: string;
  /** The first heading. */
  readonly title: string;
  /** The headings below it that a table of contents shows. */
  readonly headings: readonly Heading[];
}

/** `target` is what stands in the Markdown; the result goes into the page. */
export type RewriteLink = (target: string) => string;
export type Render = (markdown: string, rewrite: RewriteLink) => Rendered;

/** As much of markdown-it's types as is used here. */
interface Token {
  tag: string;
  info: string;
  content: string;
  children: Token[] | null;
  type: string;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}
type Rule = (tokens: Token[], index: number, options: unknown, env: Env, self: { renderToken: Rule }) => string;
interface MarkdownIt {
  use(plugin: unknown, options: unknown): MarkdownIt;
  parse(markdown: string, env: Env): Token[];
  renderer: { rules: Record<string, Rule>; render(tokens: Token[], options: unknown, env: Env): string };
  options: unknown;
}
interface Env {
  rewrite: RewriteLink;
}
type MarkdownModule = { default: new (options: object) => MarkdownIt };
type AnchorModule = { default: { permalink: { headerLink(options: object): unknown } } };

/** Makes HTML of Markdown. Loads the site's packages. */
export async function markdownRenderer(): Promise<Render> {
  const [{ default: Markdown }, { default: anchor }, highlight] = await Promise.all([
    load<MarkdownModule>('markdown-it'),
    load<AnchorModule>('markdown-it-anchor'),
    highlighter(),
  ]);
  const markdown = new Markdown({ html: true });
  markdown.use(anchor, { slugify: anchorOf, permalink: anchor.permalink.headerLink({ safariReaderFix: true }), tabIndex: false });
  Object.assign(markdown.renderer.rules, rulesWith(highlight));
  return (text, rewrite) => {
    const env = { rewrite };
    const tokens = markdown.parse(text, env);
    const headings = headingsIn(tokens);
    const title = headings.find(({ level }) => level === 1)?.title ?? '';
    return { html: markdown.renderer.render(tokens, markdown.options, env), title, headings: headings.filter(({ level }) => level > 1) };
  };
}

function rulesWith(highlight: Highlight): Record<string, Rule> {
  const rewritten =
    (attribute: string): Rule =>
    (tokens, index, options, env, self) => {
      const token = tokens[index] as Token;
      const target = token.attrGet(attribute) as string;
      if (isRelative(target)) token.attrSet(attribute, env.rewrite(target));
      return self.renderToken(tokens, index, options, env, self);
    };
  const raw: Rule = (tokens, index, _options, env) =>
    (tokens[index] as Token).content.replace(/(?<=\s(?:href|src|srcset)=")[^"]+/g, (target) =>
      isRelative(target) ? env.rewrite(target) : target,
    );
  return {
    link_open: rewritten('href'),
    image: (tokens, index, options, env, self) => {
      const token = tokens[index] as Token;
      token.attrSet('alt', (token.children ?? []).map(({ content }) => content).join(''));
      return rewritten('src')(tokens, index, options, env, self);
    },
    html_block: raw,
    html_inline: raw,
    // Wide tables scroll by themselves, by the keyboard as well, instead of widening the page.
    table_open: () => '<div class="table" tabindex="0" role="region" aria-label="Table"><table>',
    table_close: () => '</table></div>',
    fence: (tokens, index) => {
      const { info, content } = tokens[index] as Token;
      const language = info.trim().split(/\s/)[0] ?? '';
      return `<pre tabindex="0"><code class="language-${escapeHtml(language || 'text')}">${highlight(content, language)}</code></pre>\n`;
    },
  };
}

function headingsIn(tokens: readonly Token[]): Heading[] {
  return tokens.flatMap((token, index) => {
    if (token.type !== 'heading_open') return [];
    const title = (tokens[index + 1]?.children ?? []).map(({ content }) => content).join('');
    return [{ level: Number(token.tag.slice(1)), title, anchor: token.attrGet('id') ?? '' }];
  });
}
