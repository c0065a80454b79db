import { publish } from './events.js';
import { ask, type RecordSettings, type Slot, slotFor } from './record.js';
import { isMarker, type StoredSession } from './stores/store.js';

/** What the presented keys lead to. */
export interface Found {
  /** The session, if exactly one key leads to one, and its payload. */
  readonly slot: Slot | null;
  readonly payload: string | null;
  /** Live sessions that can't be told apart: none of them is the visitor's. */
  readonly ambiguous: readonly Slot[];
  /** A key was cycled by another request, and nothing else was presented. */
  readonly retired: boolean;
}

/** Reads what is stored under the presented keys. Never adopts a key that leads nowhere. Rejects if the store fails. */
export async function lookUp(settings: RecordSettings, keys: readonly string[]): Promise<Found> {
  const { store, clock } = settings;
  const [only] = keys as [string, ...string[]];
  if (keys.length === 1) return lookUpOne(settings, slotFor(settings, only));
  const slots = keys.map((key) => slotFor(settings, key));
  const began = clock();
  // Two are a known attack and a known accident.
  const records = await Promise.all(slots.map((slot) => ask(slot, () => store.read(slot.storeKey))));
  const live: { slot: Slot; record: StoredSession }[] = [];
  for (const [index, slot] of slots.entries()) {
    const record = records[index] ?? null;
    const found = record !== null && !isMarker(record);
    if (found) live.push({ slot: { ...slot, version: record.version, times: record.times }, record });
    publish('loaded', { storeKey: slot.storeKey, found, duration: clock() - began });
  }
  const [first, ...others] = live;
  if (others.length > 0) {
    publish('refused', { reason: 'ambiguous', cookies: live.length });
    return { slot: null, payload: null, ambiguous: live.map(({ slot }) => slot), retired: false };
  }
  const retired = first === undefined && records.some((record) => record !== null);
  return { slot: first?.slot ?? null, payload: first?.record.payload ?? null, ambiguous: [], retired };
}

/** The usual case, for which nothing is made that is thrown away. */
async function lookUpOne({ store, clock }: RecordSettings, slot: Slot): Promise<Found> {
  const began = clock();
  const record = await ask(slot, () => store.read(slot.storeKey));
  const found = record !== null && !isMarker(record);
  publish('loaded', { storeKey: slot.storeKey, found, duration: clock() - began });
  if (!found) return { slot: null, payload: null, ambiguous: NONE, retired: record !== null };
  slot.version = record.version;
  slot.times = record.times;
  return { slot, payload: record.payload, ambiguous: NONE, retired: false };
}

const NONE: readonly Slot[] = [];
