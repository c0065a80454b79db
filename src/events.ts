import { type Channel, type ChannelListener, channel } from 'node:diagnostics_channel';
import { types } from 'node:util';
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
  /** Sessions of users were ended from elsewhere: one by its `ref`, those of a user, all, or by the limit `maxPerUser`. How many, as far as known. */
  revoked: { reason: 'session' | 'user' | 'everything' | 'limit'; sessions: number };
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
  /** The near cache of a `RedisStore` hears of changes from now on, or doesn't any more and is empty: why. */
  nearCache: { up: boolean; reason?: string };
  /** A keyring has other secrets from now on, so many; or it could not load them and keeps those it has: why. */
  keyring: { outcome: 'changed' | 'failed'; secrets: number; reason?: string };
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

/** The guarded listeners of a channel. On the channel, so that several copies of Sojourn in a process share them. */
const GUARDS = Symbol.for('sojourn.listeners');
type Guarded = Channel & { [GUARDS]?: WeakMap<ChannelListener, ChannelListener> };

const channels = {
  created: safeChannel('sojourn:created'),
  loaded: safeChannel('sojourn:loaded'),
  saved: safeChannel('sojourn:saved'),
  cycled: safeChannel('sojourn:cycled'),
  flushed: safeChannel('sojourn:flushed'),
  revoked: safeChannel('sojourn:revoked'),
  expired: safeChannel('sojourn:expired'),
  interrupted: safeChannel('sojourn:interrupted'),
  conflict: safeChannel('sojourn:conflict'),
  corrupt: safeChannel('sojourn:corrupt'),
  refused: safeChannel('sojourn:refused'),
  storeError: safeChannel('sojourn:storeError'),
  nearCache: safeChannel('sojourn:nearCache'),
  keyring: safeChannel('sojourn:keyring'),
} satisfies Record<keyof SessionEvents, unknown>;

/** Publishes an event, turning store keys into fingerprints only if somebody listens. */
export function publish<Name extends keyof SessionEvents>(name: Name, event: Message<Name>): void {
  const target = channels[name];
  if (!target.hasSubscribers) return;
  const { storeKey, fromStoreKey, ...message } = event;
  target.publish({
    ...message,
    ...(storeKey === undefined ? undefined : { session: fingerprintOf(storeKey) }),
    ...(fromStoreKey === undefined ? undefined : { from: fingerprintOf(fromStoreKey) }),
  });
}

/**
 * A channel whose listeners can throw without harm. Node turns what a listener throws into an uncaught exception of the
 * next tick, which ends the process: a slip in somebody's logging would log everybody out. So these channels, which are
 * Sojourn's own, guard each listener as it subscribes. Who subscribed before Sojourn was loaded is left to Node.
 */
function safeChannel(name: string): Channel {
  const target: Guarded = channel(name);
  target[GUARDS] ??= new WeakMap();
  const guards = target[GUARDS];
  // Looked up for each call: Node gives a channel another prototype as it gets its first listener or loses its last.
  const methods = (): Channel => Object.getPrototypeOf(target);
  return Object.assign(target, {
    subscribe(listener: ChannelListener) {
      let guard = guards.get(listener);
      if (guard === undefined && typeof listener === 'function') {
        guard = guarded(listener);
        // A guard stands for itself as well: Node's first subscribe() calls itself again.
        guards.set(listener, guard).set(guard, guard);
      }
      methods().subscribe.call(target, guard ?? listener);
    },
    unsubscribe: (listener: ChannelListener) => methods().unsubscribe.call(target, guards.get(listener) ?? listener),
  });
}

function guarded(listener: ChannelListener): ChannelListener {
  return (message, name) => {
    const report = (error: unknown) =>
      warnOnce('SOJOURN_LISTENER', `A listener of ${String(name)} failed, and the session went on without it: ${describeError(error)}`);
    try {
      const result: unknown = listener(message, name);
      if (types.isPromise(result)) result.catch(report);
    } catch (error) {
      report(error);
    }
  };
}

function describeError(error: unknown): string {
  return types.isNativeError(error) ? (error.stack ?? error.message) : 'it threw what is no error';
}

const warned = new Set<string>();

/** Says a thing once per process, as a Node warning with a code (`process.on('warning')`, `--disable-warning`). */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: 'SojournWarning', code });
}
