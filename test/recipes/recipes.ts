import type { IncomingMessage } from 'node:http';
import * as sojourn from 'sojourn';
import { SECRET } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { type CodeBlock, codeBlocksOf, type Declared, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { WatchedStore } from '../helpers/stores.js';

const BLOCKS = codeBlocksOf('docs/recipes.md').filter(({ language }) => language === 'ts');
/** They want express-session's `req.session`, which makes a program of its own: test/drop-in. */
const ON_THE_DROP_IN = ['drop-in.ts', 'passport', 'is-array.ts', 'With it'];

/** The TypeScript blocks of docs/recipes.md on Sojourn's own `session()`, and those on the drop-in. */
export const RECIPES: readonly CodeBlock[] = BLOCKS.filter(({ name }) => !ON_THE_DROP_IN.includes(name));
export const DROP_IN_RECIPES: readonly CodeBlock[] = BLOCKS.filter(({ name }) => ON_THE_DROP_IN.includes(name));

export function recipeNamed(name: string): CodeBlock {
  const block = BLOCKS.find((each) => each.name === name);
  if (block === undefined) throw new Error(`docs/recipes.md has no code under "${name}"`);
  return block;
}

export interface Kitchen {
  readonly clock: TestClock;
  readonly store: WatchedStore;
  readonly sessions: sojourn.SessionMiddleware;
  /** The session of a Cookie header, as another request sees it. */
  open(cookie: string): Promise<sojourn.Session>;
  /** Runs a recipe: its text, or that under a heading. */
  run(recipe: string | CodeBlock): Declared;
}

/**
 * Runs recipes as they stand, on the real packages. Only `./sessions.js` is the test's: the same middleware on a store
 * that a test can see and suspend. `modules` gives packages other names: an Express of another version.
 */
export function kitchen(modules: Readonly<Record<string, string>> = {}): Kitchen {
  const clock = new TestClock(Date.now());
  const store = new WatchedStore({ clock: clock.read });
  const sessions = sojourn.session({ secret: SECRET, store, clock: clock.read, user: (visit) => visit.get('userId') });
  const run = (recipe: string | CodeBlock) => runBlock(typeof recipe === 'string' ? recipeNamed(recipe) : recipe, load);
  // One app for all who import it, as with any module.
  let app: Declared | undefined;
  const load = (id: string): unknown => {
    if (id === 'sojourn') return sojourn;
    if (id === './sessions.js') return { sessions };
    if (id === './app.js') {
      app ??= run('app.ts');
      return app;
    }
    return requireFromRoot(modules[id] ?? id);
  };
  const open = (cookie: string) => sessions.load({ headers: { cookie } } as IncomingMessage);
  return { clock, store, sessions, open, run };
}

/** What `act` wants to be done again and again: called by the test instead of by the clock. */
export function intervalOf(milliseconds: number, act: () => void): () => void {
  const timer = jest.spyOn(globalThis, 'setInterval');
  act();
  const index = timer.mock.calls.findIndex(([, time]) => time === milliseconds);
  const callback = timer.mock.calls[index]?.[0];
  clearInterval(timer.mock.results[index]?.value);
  timer.mockRestore();
  if (callback === undefined) throw new Error(`nothing is done every ${milliseconds} ms`);
  return callback;
}
