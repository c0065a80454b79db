import { types } from 'node:util';
import { OptionError } from './errors.js';
import { publish, warnOnce } from './events.js';
import { type Duration, toSeconds } from './expiry.js';
import { assertKnown } from './known-options.js';
import { listOf, problemWithSecrets, type SecretSource, type Secrets } from './secrets.js';

/**
 * Gives the secrets there are now, at once or later. `signal` is aborted when it has taken too long, or the keyring was
 * closed: what comes after that is not used.
 */
export type LoadSecrets = (signal: AbortSignal) => Secrets | PromiseLike<Secrets>;

export interface KeyringOptions {
  /** How often secrets are loaded again: a duration, or seconds; between a second and 24 days. `{ minutes: 5 }` unless told. */
  refreshEvery?: Duration;
  /** How long loading may take, in milliseconds. 10 000 unless told. */
  timeout?: number;
}

/**
 * What became of a refresh. `changed`: from now on the new secrets hold. `unchanged`: they are the same as before.
 * `failed`: those before stay in use, and the event `sojourn:keyring` says why. `closed`: the keyring was closed.
 */
export type RefreshOutcome = 'changed' | 'unchanged' | 'failed' | 'closed';

/** Secrets that may change while they are in use: for `session({ secret })`, `signed()` and `encrypted()`. */
export interface Keyring {
  /** Loads the secrets now. Never rejects. Calls while one is under way share another one after it, as it may have asked too early. */
  refresh(): Promise<RefreshOutcome>;
  /** Loads nothing any more. What was loaded stays in use. */
  close(): void;
}

const OPTIONS: Record<keyof KeyringOptions, true> = { refreshEvery: true, timeout: true };
const DEFAULT_TIMEOUT = 10_000;
/** What a timer of Node takes, in milliseconds; above that it fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
const LONGEST_PERIOD = 24 * 86_400;

/**
 * Secrets that `load` gives, now and again every `refreshEvery`. Resolves once there are some; rejects with what `load`
 * throws, or with an `OptionError` if it takes too long or gives what can't be secrets.
 *
 * Later on nothing is raised: if they can't be loaded again, those before stay in use, and an event and a warning say so.
 */
export async function keyring(load: LoadSecrets, options: KeyringOptions = {}): Promise<Keyring> {
  if (typeof load !== 'function') throw new OptionError('keyring(load)', 'must be a function that gives a secret, or a list of them');
  assertKnown(options, OPTIONS, '');
  const { refreshEvery = { minutes: 5 }, timeout = DEFAULT_TIMEOUT } = options;
  const period = periodOf(refreshEvery);
  if (!Number.isSafeInteger(timeout) || timeout < 1 || timeout > LONGEST_TIMER) {
    throw new OptionError('timeout', 'must be a whole number of milliseconds above 0');
  }
  const result = await attempt(load, timeout);
  if ('error' in result) throw result.error;
  if ('problem' in result) throw new OptionError('keyring(load)', `what it gives ${result.problem}`);
  return new LoadedKeyring(load, result.secrets, period, timeout);
}

/** Where the secrets of an option come from: fixed ones, or those of a keyring. Throws an `OptionError`. */
export function sourceOf(given: unknown, option: string): SecretSource {
  if (given instanceof LoadedKeyring) return given;
  const problem = problemWithSecrets(given);
  if (problem !== undefined) throw new OptionError(option, problem);
  return { secrets: listOf(given as Secrets) };
}

class LoadedKeyring implements Keyring, SecretSource {
  readonly #load: LoadSecrets;
  /** Milliseconds. */
  readonly #timeout: number;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #secrets: readonly string[];
  #running: Promise<RefreshOutcome> | undefined;
  /** For those who called while one was running. */
  #next: Promise<RefreshOutcome> | undefined;

  constructor(load: LoadSecrets, secrets: readonly string[], period: number, timeout: number) {
    this.#load = load;
    this.#secrets = secrets;
    this.#timeout = timeout;
    this.#timer = setInterval(() => this.#running ?? this.refresh(), period).unref();
  }

  /** Not a field, so that nothing that prints a keyring shows them. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  refresh(): Promise<RefreshOutcome> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    this.#next = this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closing.abort();
  }

  #start(): Promise<RefreshOutcome> {
    const run = this.#reload().finally(() => {
      this.#running = undefined;
    });
    this.#running = run;
    return run;
  }

  async #reload(): Promise<RefreshOutcome> {
    const { signal } = this.#closing;
    if (signal.aborted) return 'closed';
    const result = await attempt(this.#load, this.#timeout, signal);
    if (signal.aborted) return 'closed';
    if ('secrets' in result) return this.#take(result.secrets);
    const reason = 'error' in result ? `load() failed with ${tellOf(result.error)}` : `what load() gives ${result.problem}`;
    publish('keyring', { outcome: 'failed', secrets: this.#secrets.length, reason });
    warnOnce(
      'SOJOURN_KEYRING',
      `Secrets could not be loaded again, so those from before stay in use: ${reason}. Until it works, no exchange of secrets ` +
        'reaches this process. The event sojourn:keyring tells of every attempt that fails.',
    );
    return 'failed';
  }

  #take(secrets: readonly string[]): RefreshOutcome {
    const before = this.#secrets;
    if (secrets.length === before.length && secrets.every((secret, index) => secret === before[index])) return 'unchanged';
    this.#secrets = secrets;
    publish('keyring', { outcome: 'changed', secrets: secrets.length });
    if (!before.includes(secrets[0] as string)) {
      warnOnce(
        'SOJOURN_KEY_IN_FRONT',
        'A secret came to the front of its list that this process did not know before. Other processes may not know it yet, and ' +
          'take who comes with it for a stranger: put a new secret behind the old one first, and in front when every process has it.',
      );
    }
    return 'changed';
  }
}

type Attempt = { readonly secrets: readonly string[] } | { readonly problem: string } | { readonly error: unknown };

/** Asks for secrets once, and waits no longer than `timeout` milliseconds, or until `closing` is aborted. Never rejects. */
async function attempt(load: LoadSecrets, timeout: number, closing?: AbortSignal): Promise<Attempt> {
  const stop = new AbortController();
  let giveUp!: () => void;
  const late = new Promise<Attempt>((resolve) => {
    giveUp = () => {
      resolve({ problem: `did not come within ${timeout} ms` });
      stop.abort();
    };
  });
  const timer = setTimeout(giveUp, timeout);
  closing?.addEventListener('abort', giveUp);
  try {
    return await Promise.race([late, asked(load, stop.signal)]);
  } finally {
    clearTimeout(timer);
    closing?.removeEventListener('abort', giveUp);
  }
}

async function asked(load: LoadSecrets, signal: AbortSignal): Promise<Attempt> {
  try {
    const given = await load(signal);
    const problem = problemWithSecrets(given);
    return problem === undefined ? { secrets: listOf(given) } : { problem };
  } catch (error) {
    return { error };
  }
}

/**
 * What may be told of an error of somebody else's: its code or its name. Messages quote (JSON.parse's shows the text it
 * was given, and that is the secrets); a word shorter than any secret can't hold one.
 */
function tellOf(error: unknown): string {
  if (!types.isNativeError(error) && !(error instanceof DOMException)) return 'what is no error';
  const { code, cause, name } = error as { code?: unknown; cause?: { code?: unknown }; name: unknown };
  const word = [code, cause?.code, name].find((each) => typeof each === 'string' && /^\w{1,31}$/.test(each));
  return word === undefined ? 'an error' : String(word);
}

/** Milliseconds. */
function periodOf(refreshEvery: Duration): number {
  let seconds: number;
  try {
    seconds = toSeconds(refreshEvery);
  } catch (error) {
    throw new OptionError('refreshEvery', (error as TypeError).message);
  }
  if (seconds < 1 || seconds > LONGEST_PERIOD) throw new OptionError('refreshEvery', 'must be between a second and 24 days');
  return seconds * 1000;
}
