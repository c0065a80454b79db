import { ask, giveTo, hasRecord, type Slot } from './record.js';
import { ownerIn, ownerOf } from './session-key.js';
import type { OwnedSessions, Store } from './stores/store.js';
import type { WorkSettings } from './unit-of-work.js';

/** How long a user's session goes without a note that it was seen, in milliseconds. */
const SEEN_EVERY = 300_000;

type Values = ReadonlyMap<string, unknown>;

/**
 * Whose session it is. The application says so in the data (`session({ user })`), and the session's key says it to the store: a
 * change of the one is a change of the other.
 */
export class Ownership {
  readonly #settings: WorkSettings;
  /** When the client came, in milliseconds: who signs in from here on has signed in since then. */
  #cameAt = 0;

  constructor(settings: WorkSettings) {
    this.#settings = settings;
    if (settings.userOf !== undefined) this.#cameAt = (settings.store.owned as OwnedSessions).signIn();
  }

  /** Whose session it is by these values; null: nobody's. */
  userIn(values: Values): string | null {
    return this.#settings.userOf?.(values) ?? null;
  }

  /** The owner that the key of a session with these values names. Without the option `user` that is left as it is. */
  ownerFor(values: Values, present: Slot): string | null {
    if (this.#settings.userOf === undefined) return ownerIn(present.storeKey);
    const user = this.userIn(values);
    return user === null ? null : ownerOf(user);
  }

  /** Gives a slot without a record to an owner. `before`: the slots that it takes the place of. */
  claim(slot: Slot, owner: string | null, before: readonly Slot[]): void {
    const times = sessionOf(owner, before)?.times ?? (ownerIn(slot.storeKey) === owner ? slot.times : undefined);
    const signedIn = { signedInAt: this.#cameAt, createdAt: this.#cameAt, seenAt: this.#cameAt };
    giveTo(owner, slot, this.#settings);
    slot.begins = times === undefined || (slot.begins && times === slot.times);
    slot.times = owner === null ? undefined : (times ?? signedIn);
  }

  /** All sessions of an owner have ended but this one, with these slots: it counts as signed in at that time, in milliseconds. */
  signInAt(time: number, owner: string, slots: readonly Slot[]): void {
    this.#cameAt = time;
    for (const slot of slots) {
      if (slot.times && ownerIn(slot.storeKey) === owner) slot.times = { ...slot.times, signedInAt: time };
    }
  }
}

/** The one of these slots that has a session of this owner. */
export function sessionOf(owner: string | null, slots: readonly Slot[]): Slot | undefined {
  return owner === null ? undefined : slots.find((slot) => hasRecord(slot) && ownerIn(slot.storeKey) === owner);
}

/** Notes that a user's session was seen, if that is long ago. Nobody waits for it: it is for lists, and a failure is published. */
export function noteSeen(slot: Slot, { store, clock }: { readonly store: Store; readonly clock: () => number }): void {
  const { owned } = store;
  if (slot.times === undefined || owned === undefined || clock() - slot.times.seenAt < SEEN_EVERY) return;
  ask(slot, () => owned.see(slot.storeKey)).then(nothing, nothing);
}

function nothing(): void {}
