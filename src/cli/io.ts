import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** What the command line has of the world around it. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & Screen;
  readonly stderr: Writable & Screen;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds, like `Date.now`. */
  readonly clock: () => number;
  /** A package, as `import()` gives it. */
  readonly load: (name: string) => Promise<unknown>;
}

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The width of the terminal that the output goes to; null: a pipe or a file. */
export function widthOf({ stdout }: Io): number | null {
  return stdout.isTTY ? (stdout.columns ?? 80) : null;
}

/** Writes a line, and waits if whoever reads is slower. */
export async function say({ stdout }: Io, line: string): Promise<void> {
  if (!stdout.write(`${line}\n`)) await once(stdout, 'drain');
}
