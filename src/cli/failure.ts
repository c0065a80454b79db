import { SessionError } from '../errors.js';
import { tellOf } from '../stores/redis-client.js';

/** What the command line says in one line, and ends with. Holds nothing that was typed, unless that can't be a secret. */
export class Failure extends Error {
  /** 1: not found, or it went wrong. 2: wrong usage. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function usage(message: string): Failure {
  return new Failure(message, 2);
}

/** What the reader can do about what Redis or its client has said. */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [/\bMOVED\b/, 'This is a node of a Cluster: add --cluster'],
  [/cluster support disabled/, 'This is no Cluster: leave out --cluster'],
  [/\b(WRONGPASS|NOAUTH)\b/, 'Check user and password in the URL'],
  [/\bNOPERM\b/, 'The user may not do that: docs/cli.md lists the rights it takes'],
  [/\bREADONLY\b/, 'This is a replica: take the URL of the primary'],
  [
    /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ETIMEDOUT|ConnectionTimeoutError)\b/,
    'Check that Redis runs, and host and port in the URL',
  ],
  [/CERT|SSL|TLS/, 'Check the certificate; NODE_EXTRA_CA_CERTS names a file with an authority of your own'],
];

/** An error in one line that names the fix. It never holds what an error of a client may hold: commands, keys, the URL. */
export function explain(error: unknown): string {
  if (error instanceof Failure) return error.message;
  // What a NotDurableError and the like say is meant for the reader as it is.
  if (error instanceof SessionError) return [error.message, ...fixFor(error.message)].join(' ');
  const told = tellOf(error);
  const [fix = 'Check that Redis runs and can be reached.'] = fixFor(told);
  return `${told}. ${fix}`;
}

/** The same of what came up while the client connected, which may be named in words only. */
export function explainConnection(where: string, error: unknown): string {
  const { message = '' } = Object(error) as Partial<Error>;
  const told = tellOf(error);
  const [fix = 'Check that Redis runs, and the URL: rediss:// for TLS, redis:// without.'] = fixFor(`${told} ${message}`);
  return `Redis at ${where} can't be used: ${told}. ${fix}`;
}

function fixFor(text: string): string[] {
  const [, fix] = FIXES.find(([pattern]) => pattern.test(text)) ?? [];
  return fix === undefined ? [] : [`${fix}.`];
}
