import { readFileSync } from 'node:fs';

/** The commands that docs/redis.md tells the reader to allow. */
export function allowedCommands(): string[] {
  const line = /^user sessions .*$/m.exec(readFileSync('docs/redis.md', 'utf8'))?.[0] ?? '';
  return [...line.matchAll(/ \+(\S+)/g)].map(([, name]) => name as string);
}
