import { createInterface } from 'node:readline';
import { ownedName, ownerOf } from '../session-key.js';
import type { RedisStore } from '../stores/redis.js';
import type { Arguments } from './arguments.js';
import { Failure, usage } from './failure.js';
import { find, notFound } from './find.js';
import { type Io, say } from './io.js';
import { jsonText } from './printable.js';

/** Asks before all sessions end. Throws a `Failure` if that isn't wanted, or nobody is there to say so. */
export async function assertMeant({ everything, yes }: Arguments, { stdin, stderr }: Io): Promise<void> {
  if (!everything || yes) return;
  if (!stdin.isTTY || !stderr.isTTY) throw usage('--everything signs everybody out: add --yes if that is meant');
  const terminal = createInterface({ input: stdin, output: stderr });
  const answer = await new Promise<string>((resolve) => {
    terminal.question('This signs everybody out. Type yes to go on: ', resolve);
    // Whoever closes the terminal hasn't said yes.
    terminal.once('close', () => resolve(''));
  });
  terminal.close();
  if (answer.trim() !== 'yes') throw new Failure('nothing was done, as that was no yes');
}

/** Ends sessions and says how many. With durability it rejects with a `NotDurableError` if replicas don't confirm that. */
export async function revoke(store: RedisStore, args: Arguments, io: Io): Promise<void> {
  const { ref, user, everything, durability, json } = args;
  const ended = await (everything ? store.owned.endEverything() : ref === undefined ? endUser(store, user as string) : endOne(store, args));
  if (json) return say(io, jsonText({ ended }));
  const confirmed = durability === undefined ? '' : ` Confirmed by ${durability} ${durability === 1 ? 'replica' : 'replicas'}.`;
  const what = ref !== undefined ? 'Ended the session.' : `Ended all sessions${everything ? '' : ' of the user'}: ${ended} known.`;
  await say(io, what + confirmed);
}

async function endOne(store: RedisStore, args: Arguments): Promise<number> {
  const { key, state } = await find(store, args);
  if (state !== 'alive' || !(await store.delete(key))) throw notFound(args.user);
  await store.confirm(key);
  return 1;
}

async function endUser(store: RedisStore, user: string): Promise<number> {
  const owner = ownerOf(user);
  const { ended } = await store.owned.endAll(owner);
  await store.confirm(ownedName(owner, 'user'));
  return ended;
}
