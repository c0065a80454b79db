import { publish } from './events.js';
import { ask, type RecordSettings, type Slot, slotFor } from './record.js';
import { isMarker, type StoredSession } from './stores/store.js';

/** What the presented keys lead to. */
export interface Found {
  /** The session, if exactly one key leads to one, and its payload. */
  readonly slot: Slot | null;
  readonly payload: string | null;
  /** Live sessions that can't be told apart: none of them is the visitor's. */
  readonly ambiguous: Slot[];
  /** A key was cycled by another request, and nothing else was presented. */
  readonly retired: boolean;
}

/** Reads what is stored under the presented keys. Never adopts a key that leads nowhere. Rejects if the store fails. */
export async function lookUp(settings: RecordSettings, keys: readonly string[]): Promise<Found> {
  const { store, clock } = settings;
  const slots = keys.map((key) => slotFor(settings, key));
  const began = clock();
  // The usual case has one key; two are a known attack and a known accident.
  const records = await Promise.all(slots.map((slot) => ask(slot, () => store.read(slot.storeKey))));
  const live: { slot: Slot; record: StoredSession }[] = [];
  for (const [index, slot] of slots.entries()) {
    const record = records[index] ?? null;
    const found = record !== null && !isMarker(record);
    if (found) live.push({ slot: { ...slot, version: record.version }, record });
    publish('loaded', { storeKey: slot.storeKey, found, duration: clock() - began });
  }
  const [only, ...others] = live;
  if (others.length > 0) {
    publish('refused', { reason: 'ambiguous', cookies: live.length });
    return { slot: null, payload: null, ambiguous: live.map(({ slot }) => slot), retired: false };
  }
  const retired = only === undefined && records.some((record) => record !== null);
  return { slot: only?.slot ?? null, payload: only?.record.payload ?? null, ambiguous: [], retired };
}
