import { OptionError } from './errors.js';

/** Throws an `OptionError` for an option that there isn't, so that a slip of the pen doesn't pass for a default. */
export function assertKnown(options: unknown, known: Record<string, true>, prefix: string): void {
  if (typeof options !== 'object' || options === null) throw new OptionError(prefix.slice(0, -1) || 'options', 'must be an object');
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new OptionError(prefix + name, `is no option. There are: ${Object.keys(known).join(', ')}`);
  }
}
