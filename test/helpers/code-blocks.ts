import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { transformSync } from '@swc/core';

export interface CodeBlock {
  /** The heading it stands under, and a number if it isn't the first there. */
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

/** The fenced code blocks of a Markdown file. */
export function codeBlocksOf(file: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let heading = '';
  let count = 0;
  const text = readFileSync(file, 'utf8');
  for (const match of text.matchAll(/^#+ (.+)$|^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const [, title, language, code] = match;
    if (title !== undefined) {
      heading = title;
      count = 0;
      continue;
    }
    count += 1;
    blocks.push({ name: count === 1 ? heading : `${heading} (${count})`, language: language ?? '', code: code ?? '' });
  }
  return blocks;
}

/** What blocks may declare and a test wants to see. */
const NAMES = ['app', 'store', 'sessions', 'server'] as const;
export type Declared = { [Name in (typeof NAMES)[number]]?: unknown } & Record<string, unknown>;

/**
 * Runs a TypeScript block as the module it is. `sojourn` and all else come through `load`, so that a block uses the
 * sources. Returns what it exports, and the top-level names above.
 */
export function runBlock({ code }: CodeBlock, load: (id: string) => unknown): Declared {
  const { code: script } = transformSync(code, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  const exported: Declared = {};
  const collect = NAMES.map((name) => `if (typeof ${name} !== 'undefined') collected.${name} = ${name};`).join('\n');
  const collected: Declared = {};
  new Function('exports', 'require', 'collected', `${script}\n${collect}`)(exported, load, collected);
  return Object.assign(collected, exported);
}

/** Stands in for `node:test` in blocks that are tests themselves: keeps them until they are run, one after another. */
export class DeclaredTests {
  readonly #tests: { name: string; run: () => unknown }[] = [];

  readonly test = (name: string, run: () => unknown): void => void this.#tests.push({ name, run });

  /** Runs what was declared since the last time; the names. Rejects with what the first failing test throws. */
  async run(): Promise<string[]> {
    const declared = this.#tests.splice(0);
    for (const { run } of declared) await run();
    return declared.map(({ name }) => name);
  }
}

/** A `require` that starts at the project's root. */
export const requireFromRoot = createRequire(`${process.cwd()}/package.json`);
