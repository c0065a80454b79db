import type { Codec } from './codec.js';
import {
  CreateError,
  SessionError,
  SessionLimitError,
  SessionTooLargeError,
  StoreUnavailableError,
  UpdateError,
  usageError,
} from './errors.js';
import { publish } from './events.js';
import { type KeyScheme, keyOwnedBy, ownerIn } from './session-key.js';
import { isMarker, type OwnedSessions, type SessionLimit, type Store, type StoredSession, type Times } from './stores/store.js';
import type { Write } from './write.js';

/** How long the marker of a cycled key lives, in seconds: longer than any request that still holds the old key. */
const MARKER_TTL = 60;
/** Where the start of a session is kept under an absolute timeout. Not part of the data the application sees. */
export const STARTED_KEY = '_session_started';
const KEY_ATTEMPTS = 3;
const DEFAULT_STORE_TIMEOUT = 1000;

export interface RecordSettings {
  readonly store: Store;
  readonly keys: KeyScheme;
  readonly codec: Codec;
  readonly keySalt: string;
  /** Seconds since the session began or was cycled, or undefined. */
  readonly absoluteTimeout: number | undefined;
  /** Bytes of one encoded session. */
  readonly maxBytes: number;
  /** Milliseconds, like Date.now. */
  readonly clock: () => number;
  /** Every flushed record leaves a marker: a request in flight might create it again otherwise (`take-over.ts`). */
  readonly flushLeavesMarker?: boolean;
  /** How many sessions a user may have. */
  readonly maxPerUser?: SessionLimit | undefined;
}

/** Where a session is kept: one per session key. */
export interface Slot {
  sessionKey: string;
  storeKey: string;
  /** The version of the record as this process last saw it; null if there is none yet. */
  version: string | null;
  /** When the session began or was cycled, in seconds; kept only under an absolute timeout. */
  startedAt: number | undefined;
  /** Of a user's session. */
  times: Times | undefined;
  /** It begins with a login, and doesn't take the place of another. */
  begins: boolean;
  /** Whether the record, once it was flushed, is to leave a marker: late requests with the old key are told apart by it. */
  leavesMarker: boolean;
}

export function slotFor({ keys }: RecordSettings, sessionKey: string): Slot {
  return {
    sessionKey,
    storeKey: keys.storeKeyOf(sessionKey),
    version: null,
    startedAt: undefined,
    times: undefined,
    begins: true,
    leavesMarker: false,
  };
}

export function newSlot(settings: RecordSettings): Slot {
  return slotFor(settings, settings.keys.createKey());
}

export function hasRecord(slot: Slot): boolean {
  return slot.version !== null;
}

/** Gives a slot without a record the key of an owner, or of nobody. */
export function giveTo(owner: string | null, slot: Slot, { keys }: RecordSettings): void {
  if (ownerIn(slot.storeKey) === owner) return;
  slot.sessionKey = keyOwnedBy(slot.sessionKey, owner);
  slot.storeKey = keys.storeKeyOf(slot.sessionKey);
}

/** The text a store keeps. Throws for values the codec refuses and for too large a session, before any store call. */
export function encodeRecord(
  settings: RecordSettings,
  slot: Pick<Slot, 'storeKey' | 'startedAt'>,
  data: ReadonlyMap<string, unknown>,
  suspects?: Iterable<string>,
): string {
  const { codec, maxBytes, absoluteTimeout } = settings;
  const { startedAt } = slot;
  const record = absoluteTimeout === undefined || startedAt === undefined ? data : new Map(data).set(STARTED_KEY, startedAt);
  const payload = codec.encode(record, { binding: bindingOf(settings, slot), suspects });
  if (payload === '')
    throw usageError('The codec wrote an empty text, which is the mark of a retired session: let it write at least one character');
  // A UTF-16 unit is at most 3 bytes of UTF-8: small payloads need no counting.
  if (payload.length * 3 > maxBytes && Buffer.byteLength(payload) > maxBytes) {
    throw new SessionTooLargeError(Buffer.byteLength(payload), maxBytes);
  }
  return payload;
}

/** The data in a payload and when the session began, or null for a record that is corrupt. */
export function decodeRecord(
  settings: RecordSettings,
  slot: Pick<Slot, 'storeKey'>,
  payload: string,
): { data: Map<string, unknown>; startedAt: number | undefined } | null {
  try {
    if (payload.length > settings.maxBytes) throw new SessionTooLargeError(payload.length, settings.maxBytes);
    const data = settings.codec.decode(payload, { binding: bindingOf(settings, slot) });
    const startedAt = data.get(STARTED_KEY);
    if (startedAt === undefined) return { data, startedAt };
    data.delete(STARTED_KEY);
    return { data, startedAt: typeof startedAt === 'number' ? startedAt : undefined };
  } catch {
    // What a codec says of a bad record may quote it, so the reason stays here.
    publish('corrupt', { storeKey: slot.storeKey });
    return null;
  }
}

function bindingOf({ keySalt }: RecordSettings, { storeKey }: Pick<Slot, 'storeKey'>): string {
  return `${keySalt}:${storeKey}`;
}

/** One store call. Whatever a store throws becomes an error with a status, and is published. */
export function ask<Reply>({ storeKey }: Pick<Slot, 'storeKey'>, call: () => Promise<Reply>): Promise<Reply> {
  const fail = (cause: unknown): Promise<never> => {
    const error = cause instanceof SessionError ? cause : new StoreUnavailableError('a call failed, see cause', { cause });
    publish('storeError', { storeKey, error });
    return Promise.reject(error);
  };
  try {
    // A store without need of promises may give none. This makes no other of one that is.
    return Promise.resolve(call()).catch(fail);
  } catch (cause) {
    return fail(cause);
  }
}

/** Deletes the record of a slot. Whether there was one. */
export function deleteRecord({ store }: RecordSettings, slot: Slot): Promise<boolean> {
  return ask(slot, () => store.delete(slot.storeKey));
}

/** Deletes the record of a slot for good: also after a failover, if the store was told to wait for that. Whether there was one. */
export async function destroyRecord(settings: RecordSettings, slot: Slot): Promise<boolean> {
  const deleted = await deleteRecord(settings, slot);
  await confirm(settings, slot);
  return deleted;
}

/** Ends the record of a slot for good, as its flush wants it. Whether there was one. */
export async function endRecord(settings: RecordSettings, slot: Slot): Promise<boolean> {
  if (!slot.leavesMarker && !settings.flushLeavesMarker) return destroyRecord(settings, slot);
  const ended = await markRecord(settings, slot);
  await confirm(settings, slot);
  return ended;
}

/** Waits until what was ended under a key stays so after a failover. */
export async function confirm({ store }: RecordSettings, place: Pick<Slot, 'storeKey'>): Promise<void> {
  if (store.confirm !== undefined) await ask(place, () => (store as Required<Store>).confirm(place.storeKey));
}

async function markRecord(settings: RecordSettings, slot: Slot): Promise<boolean> {
  const conflict = conflictCounter(settings);
  let version = slot.version as string;
  for (;;) {
    const result = await ask(slot, () => settings.store.retire(slot.storeKey, version, MARKER_TTL));
    if (result.status !== 'conflict') return result.status === 'retired';
    if (isMarker(result.current)) return false;
    conflict(slot);
    version = result.current.version;
  }
}

/** Stores the data where there is no record yet. If the key is taken, the slot gets another. `replaced`: the slot that is left for this one. */
export async function createRecord(
  settings: RecordSettings,
  slot: Slot,
  { data, changes, ttlOf }: Write,
  replaced: Slot | undefined,
): Promise<void> {
  const { clock } = settings;
  // Must-create on a slot that has its record: there can be no second one.
  if (slot.version !== null) throw new CreateError('There is a record under this session key already.');
  for (let attempt = 1; attempt <= KEY_ATTEMPTS; attempt += 1) {
    const began = clock();
    const payload = encodeRecord(settings, slot, data.values, data.suspects(changes));
    const version = await create(settings, slot, payload, ttlOf(data.values), replaced);
    if (version !== null) {
      slot.version = version;
      publish('created', { storeKey: slot.storeKey, duration: clock() - began });
      return;
    }
    // A key of 256 random bits that is taken is no chance: somebody has prepared the slot.
    const owner = ownerIn(slot.storeKey);
    slot.sessionKey = keyOwnedBy(settings.keys.createKey(), owner);
    slot.storeKey = settings.keys.storeKeyOf(slot.sessionKey);
  }
  throw new CreateError(`No free session key was found in ${KEY_ATTEMPTS} attempts. Check the source of randomness.`);
}

/** The new version, or null if the key is taken. Throws for a user's session that is revoked already, or one too many. */
async function create(
  { store, maxPerUser }: RecordSettings,
  slot: Slot,
  payload: string,
  ttl: number,
  replaced: Slot | undefined,
): Promise<string | null> {
  if (slot.times === undefined) return ask(slot, () => store.create(slot.storeKey, payload, ttl));
  const entry = { ...slot.times, begins: slot.begins, limit: maxPerUser, replaces: replaced?.storeKey };
  const { storeKey } = slot;
  const entering = ask(slot, () => (store.owned as OwnedSessions).enter(storeKey, payload, ttl, entry));
  // Nobody gets this key. What is stored of it in the end would count against the limit.
  entering.catch(() => ask({ storeKey }, () => store.delete(storeKey)).then(nothing, nothing));
  const result = await entering;
  switch (result.status) {
    case 'created':
      if (result.evicted > 0) publish('revoked', { reason: 'limit', sessions: result.evicted });
      return result.version;
    case 'taken':
      return null;
    case 'revoked':
      throw interrupted(slot);
    case 'full':
      throw new SessionLimitError((maxPerUser as SessionLimit).sessions);
  }
}

/** Compare-and-swap; on a conflict this request's changes are laid over what is there, and tried again. */
export async function updateRecord(settings: RecordSettings, slot: Slot, write: Write): Promise<void> {
  const { clock } = settings;
  const { data } = write;
  const began = clock();
  const conflict = conflictCounter(settings);
  let current = await swap(settings, slot, slot.version as string, data.values, write);
  if (current !== null) {
    // Of many writers in this process one at a time tries on, or they would go on disturbing each other.
    await inLine(slot.storeKey, async () => {
      while (current !== null) {
        conflict(slot);
        const merged = merge(settings, slot, current, write);
        current = await swap(settings, slot, current.version, merged, write);
        if (current === null) data.rebase(merged);
      }
    });
  }
  publish('saved', { storeKey: slot.storeKey, duration: clock() - began });
}

/** Writes over a version of the record. Null if that went well, else what is there instead. */
async function swap(
  settings: RecordSettings,
  slot: Slot,
  version: string,
  values: ReadonlyMap<string, unknown>,
  { data, changes, ttlOf }: Write,
): Promise<StoredSession | null> {
  const payload = encodeRecord(settings, slot, values, data.suspects(changes));
  const result = await ask(slot, () => settings.store.update(slot.storeKey, payload, version, ttlOf(values)));
  if (result.status === 'updated') {
    slot.version = result.version;
    return null;
  }
  if (result.status === 'gone' || isMarker(result.current)) throw interrupted(slot);
  return result.current;
}

const lines = new Map<string, Promise<void>>();

/** Runs a task when those that were put in the same line before it are done. */
async function inLine(line: string, task: () => Promise<void>): Promise<void> {
  const previous = lines.get(line);
  const run = previous === undefined ? task() : previous.then(task, task);
  lines.set(line, run);
  try {
    await run;
  } finally {
    if (lines.get(line) === run) lines.delete(line);
  }
}

/**
 * Ends the old key of a cycled session once the new record is there. What other requests wrote to it meanwhile comes
 * along; if one of them deleted it, the new record goes, too.
 */
export async function retireRecord(settings: RecordSettings, from: Slot, to: Slot, write: Write): Promise<void> {
  const { store, clock } = settings;
  const began = clock();
  const conflict = conflictCounter(settings);
  let version = from.version as string;
  try {
    for (;;) {
      const result = await ask(from, () => store.retire(from.storeKey, version, MARKER_TTL));
      if (result.status === 'gone') throw interrupted(from);
      // A marker: another request cycled this key first, a double-clicked login. Two sessions, neither with the old key.
      if (result.status === 'retired' || isMarker(result.current)) break;
      conflict(from);
      await bringAlong(settings, from, to, result.current, write);
      version = result.current.version;
    }
  } catch (error) {
    await abandon(settings, to, error);
    throw error;
  }
  publish('cycled', { storeKey: to.storeKey, fromStoreKey: from.storeKey, duration: clock() - began });
}

/** Puts what was written to the old key under the new one, with this request's changes on top. */
async function bringAlong(settings: RecordSettings, from: Slot, to: Slot, current: StoredSession, write: Write): Promise<void> {
  const merged = merge(settings, from, current, write);
  // Nobody else knows the new key: whatever is there instead, it isn't ours.
  if ((await swap(settings, to, to.version as string, merged, write)) !== null) throw interrupted(to);
  write.data.rebase(merged);
}

/** Leaves no record behind that no cookie leads to. */
async function abandon(settings: RecordSettings, slot: Slot, reason: unknown): Promise<void> {
  slot.version = null;
  const deletion = deleteRecord(settings, slot);
  if (reason instanceof UpdateError) await deletion;
  // With the store down nobody waits for a second deadline: the failure was published, the record ends by its ttl.
  else deletion.then(nothing, nothing);
}

function merge(settings: RecordSettings, slot: Slot, current: StoredSession, write: Write): ReadonlyMap<string, unknown> {
  const theirs = decodeRecord(settings, slot, current.payload);
  // Somebody else wrote it with a key or a codec this process hasn't: it is not ours to write over.
  if (theirs === null) throw interrupted(slot);
  const merged = write.over(theirs.data);
  // Together they would sign somebody in under a key from before.
  if (!write.fits(merged)) throw interrupted(slot);
  return merged;
}

/** Bounds the time a commit may spend on conflicts: as long as one store call. */
function conflictCounter({ store, clock }: RecordSettings): (slot: Slot) => void {
  const limit = store.timeout ?? DEFAULT_STORE_TIMEOUT;
  const began = clock();
  return ({ storeKey }) => {
    publish('conflict', { storeKey });
    if (clock() - began > limit) throw new StoreUnavailableError(`other requests changed the session for ${limit} ms on end`);
  };
}

function interrupted({ storeKey }: Slot): UpdateError {
  publish('interrupted', { storeKey });
  return new UpdateError();
}

function nothing(): void {}
