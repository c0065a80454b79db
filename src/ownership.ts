import { ask, giveTo, hasRecord, type Slot } from './record.js';
import { ownerIn, ownerOf } from './session-key.js';
import type { OwnedSessions, Store } from './stores/store.js';
import type { TrackedMap } from './tracked-map.js';
import type { WorkSettings } from './unit-of-work.js';

/** How long a user's session goes without a note that it was seen, in milliseconds. */
const SEEN_EVERY = 300_000;

type UserOf = (values: ReadonlyMap<string, unknown>) => string | null;

/**
 * Whose session it is. The application says so in the data (`session({ user })`), and the session's key says it to the store: a
 * change of the one is a change of the other.
 */
export class Ownership {
  /** Whose session it is by these values; null: nobody's. */
  readonly userIn: UserOf;
  readonly #settings: WorkSettings;
  /** Whose session the stored one is. */
  #stored: string | null = null;
  /** When the client came, in milliseconds: who signs in from here on has signed in since then. */
  #cameAt: number;

  constructor(settings: WorkSettings, userOf: UserOf) {
    this.#settings = settings;
    this.userIn = userOf;
    this.#cameAt = (settings.store.owned as OwnedSessions).signIn();
  }

  /** Takes note of what is stored. */
  settle(values: ReadonlyMap<string, unknown>): void {
    this.#stored = this.userIn(values);
  }

  /** The user in the data is another one than that of the stored session. */
  isOver(data: TrackedMap): boolean {
    return this.userIn(data.values) !== this.#stored;
  }

  /** Gives a slot without a record to whom the data say. `left`: the slots that it is to replace. */
  claim(slot: Slot, data: TrackedMap, left: readonly Slot[]): void {
    const user = this.userIn(data.values);
    giveTo(user === null ? null : ownerOf(user), slot, this.#settings);
    const signedIn = { signedInAt: this.#cameAt, createdAt: this.#cameAt, seenAt: this.#cameAt };
    slot.times = user === null ? undefined : (replacedBy(slot, left)?.times ?? signedIn);
  }

  /** All sessions of the user have ended but this one, with these slots: it counts as signed in at that time, in milliseconds. */
  signInAt(time: number, slots: readonly Slot[]): void {
    this.#cameAt = time;
    for (const slot of slots) if (slot.times) slot.times = { ...slot.times, signedInAt: time };
  }
}

/** The session of the same user that a new key is to replace. */
export function replacedBy({ storeKey }: Slot, left: readonly Slot[]): Slot | undefined {
  const owner = ownerIn(storeKey);
  return owner === null ? undefined : left.find((slot) => hasRecord(slot) && ownerIn(slot.storeKey) === owner);
}

/** Notes that a user's session was seen, if that is long ago. Nobody waits for it: it is for lists, and a failure is published. */
export function noteSeen(slot: Slot, { store, clock }: { readonly store: Store; readonly clock: () => number }): void {
  const { owned } = store;
  if (slot.times === undefined || owned === undefined || clock() - slot.times.seenAt < SEEN_EVERY) return;
  ask(slot, () => owned.see(slot.storeKey)).then(nothing, nothing);
}

function nothing(): void {}
