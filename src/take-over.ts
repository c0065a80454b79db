import type { SessionCookie } from './cookie.js';
import { publish } from './events.js';
import { wholeSeconds } from './expiry.js';
import { ask, encodeRecord, slotFor } from './record.js';
import type { WorkSettings } from './unit-of-work.js';

/** The sessions that another library has left in its store. */
export interface OldSessions {
  /** The data of a session as the other library has stored them; null if there is none. */
  read(id: string): Promise<Record<string, unknown> | null>;
  /** What of these data Sojourn is to keep. Null: nothing, and the visitor is anonymous. */
  convert(data: Record<string, unknown>): Record<string, unknown> | null;
  delete(id: string): Promise<unknown>;
}

/**
 * The sessions of the library that an application used before, and its cookies:
 * `session({ takeOver: expressSessions({ secret, client }) })`. Each is turned into one of Sojourn's when its cookie comes
 * in for the first time, so that nobody is logged out by the change.
 */
export interface Predecessor extends OldSessions {
  /** The IDs with a good signature in a Cookie header. */
  idsIn(header: string): string[];
  /** A `Set-Cookie` value that deletes the other library's cookie. */
  eraseCookie(secure: boolean): string;
}

/** The session of another library that a request asks for. */
export interface Claim {
  /** What it is called here: the same for all requests with that cookie. */
  readonly sessionKey: string;
  /** Takes it over, unless another request has. Rejects if one of the stores fails. */
  settle(): Promise<void>;
}

/** What a Cookie header claims, if there is exactly one old session in it. */
export function claimIn(header: string | undefined, settings: WorkSettings & Claimable): Claim | undefined {
  const { takeOver: predecessor, cookie } = settings;
  if (predecessor === undefined || header === undefined) return undefined;
  const [id, ...others] = predecessor.idsIn(header);
  if (id === undefined || others.length > 0) return undefined;
  const sessionKey = cookie.keyFor(id);
  return { sessionKey, settle: () => takeOver(settings, predecessor, id, sessionKey) };
}

interface Claimable {
  readonly takeOver: Predecessor | undefined;
  readonly cookie: SessionCookie;
}

/**
 * Puts an old session under a session key and ends it where it was. Does nothing if it is gone: taken over by another
 * request with the same cookie, or logged out.
 *
 * Of several requests at once the first creates the record, and the others find it there, because they derive the same
 * key. In this order, since a process that dies in between is not to lose the session; the next request goes on. Who has
 * read the old session when the new one is logged out already meets the marker of it (`flushLeavesMarker`).
 */
export async function takeOver(settings: WorkSettings, predecessor: OldSessions, id: string, sessionKey: string): Promise<void> {
  const { store, clock, absoluteTimeout } = settings;
  const slot = slotFor(settings, sessionKey);
  const old = await ask(slot, () => predecessor.read(id));
  if (old === null) return;
  const data = predecessor.convert(old);
  if (data !== null) {
    const began = clock();
    if (absoluteTimeout !== undefined) slot.startedAt = Math.floor(began / 1000);
    const values = new Map(Object.entries(data));
    const payload = encodeRecord(settings, slot, values);
    const version = await ask(slot, () => store.create(slot.storeKey, payload, wholeSeconds(settings.ageOf(values, began))));
    if (version !== null) publish('created', { storeKey: slot.storeKey, duration: clock() - began });
  }
  await ask(slot, () => predecessor.delete(id));
}
