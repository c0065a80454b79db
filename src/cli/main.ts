import type { RedisStore } from '../stores/redis.js';
import { type Arguments, readArguments } from './arguments.js';
import { clearExpired } from './clear-expired.js';
import { connect } from './connect.js';
import { explain, Failure } from './failure.js';
import type { Command } from './help.js';
import { type Io, say } from './io.js';
import { list } from './list.js';
import { assertMeant, revoke } from './revoke.js';
import { show } from './show.js';

const ACTS: Readonly<Record<Command, (store: RedisStore, args: Arguments, io: Io) => Promise<void>>> = {
  list,
  show,
  revoke,
  'clear-expired': clearExpired,
};

/** The command line: what was typed after its name. Resolves to the exit code, with all connections closed. */
export async function main(words: readonly string[], io: Io): Promise<number> {
  try {
    const args = readArguments(words, io.env);
    if ('help' in args) {
      await say(io, args.help);
      return 0;
    }
    await assertMeant(args, io);
    const { store, close } = await connect(args, io);
    try {
      await ACTS[args.command](store, args, io);
    } finally {
      await close();
    }
    return 0;
  } catch (error) {
    io.stderr.write(`sojourn: ${explain(error)}\n`);
    return error instanceof Failure ? error.exitCode : 1;
  }
}
