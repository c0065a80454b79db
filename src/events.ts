import { channel } from 'node:diagnostics_channel';
import { fingerprintOf } from './session-key.js';

/**
 * What happens to sessions, published on `node:diagnostics_channel` under `sojourn:<name>`. With no subscriber an
 * event costs one comparison. Messages hold a fingerprint of the session, never a key, a cookie, a payload or a secret.
 */
export interface SessionEvents {
  /** A record was stored under a new key. */
  created: Timed;
  /** A record was read; `found` is false for an unknown, expired or retired key. */
  loaded: Timed & { found: boolean };
  /** Changes of an existing session were stored. */
  saved: Timed;
  /** The session goes on under a new key; `session` is the new one, `from` the old. */
  cycled: Timed & { from: string };
  /** A flushed record was deleted. */
  flushed: Timed;
  /** A session was found to be over: its fixed time has passed, or its absolute timeout. */
  expired: Subject & { reason: 'expiry' | 'absolute' };
  /** A write met a session that another request had deleted or cycled. */
  interrupted: Subject;
  /** A write met another write of the same session; it is merged and tried again. */
  conflict: Subject;
  /** A record could not be decoded: damaged, forged, or written with other keys. It reads as no session. */
  corrupt: Subject;
  /** A session cookie was not accepted: a bad signature, or several that can't be told apart. */
  refused: { reason: 'signature' | 'ambiguous'; cookies: number };
  /** A store call failed or took too long. */
  storeError: Partial<Subject> & { error: unknown };
}

interface Subject {
  /** A fingerprint: the same for the same session, and of no use to anybody else. */
  session: string;
}
interface Timed extends Subject {
  /** Milliseconds the store took. */
  duration: number;
}

type Message<Name extends keyof SessionEvents> = Omit<SessionEvents[Name], 'session' | 'from'> & {
  storeKey?: string;
  fromStoreKey?: string;
};

const channels = {
  created: channel('sojourn:created'),
  loaded: channel('sojourn:loaded'),
  saved: channel('sojourn:saved'),
  cycled: channel('sojourn:cycled'),
  flushed: channel('sojourn:flushed'),
  expired: channel('sojourn:expired'),
  interrupted: channel('sojourn:interrupted'),
  conflict: channel('sojourn:conflict'),
  corrupt: channel('sojourn:corrupt'),
  refused: channel('sojourn:refused'),
  storeError: channel('sojourn:storeError'),
} satisfies Record<keyof SessionEvents, unknown>;

/** Publishes an event, turning store keys into fingerprints only if somebody listens. */
export function publish<Name extends keyof SessionEvents>(name: Name, { storeKey, fromStoreKey, ...message }: Message<Name>): void {
  const target = channels[name];
  if (!target.hasSubscribers) return;
  target.publish({
    ...message,
    ...(storeKey === undefined ? undefined : { session: fingerprintOf(storeKey) }),
    ...(fromStoreKey === undefined ? undefined : { from: fingerprintOf(fromStoreKey) }),
  });
}

const warned = new Set<string>();

/** Says a thing once per process, as a Node warning with a code (`process.on('warning')`, `--disable-warning`). */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: 'SojournWarning', code });
}
