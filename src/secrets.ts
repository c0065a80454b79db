/** What signs cookies, or signs or encrypts records: at least 32 characters each; the first is used, all are accepted. */
export type Secrets = string | readonly string[];

/** Where secrets come from: the same list for as long as nothing changes, and another one as soon as something does. */
export interface SecretSource {
  readonly secrets: readonly string[];
}

const MIN_LENGTH = 32;

/** Why something can't be secrets, without a word of it; undefined if it can. */
export function problemWithSecrets(given: unknown): string | undefined {
  const list: unknown = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(list) || list.length === 0) {
    const promised = typeof (given as PromiseLike<unknown> | null | undefined)?.then === 'function';
    return promised ? 'is a promise: await it first' : 'must be a text, or a list with at least one';
  }
  // Not some(): it passes over the holes of a list.
  for (const secret of list) {
    if (typeof secret === 'string' && secret.length >= MIN_LENGTH) continue;
    return `each needs at least ${MIN_LENGTH} characters; "openssl rand -base64 32" prints a good one`;
  }
  return undefined;
}

/** A list of what was given, once it is known to have no problem. A copy: what happens to the other afterwards changes nothing. */
export function listOf(given: Secrets): readonly string[] {
  return typeof given === 'string' ? [given] : [...given];
}

/** What is made of secrets: at once, and anew when they have changed. Asking for it costs a comparison. */
export function madeOf<Made>(source: SecretSource, make: (secrets: readonly string[]) => Made): () => Made {
  let { secrets } = source;
  let made = make(secrets);
  return () => {
    if (source.secrets !== secrets) {
      secrets = source.secrets;
      made = make(secrets);
    }
    return made;
  };
}
