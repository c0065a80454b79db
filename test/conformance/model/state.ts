import type { RuleName } from '../rules.js';
import type { Settings } from '../scenario.js';
import { Changes } from './changes.js';
import { type ModelStore, StoreDown } from './store.js';

/** An error under the name that Django gives it. */
export class NamedError extends Error {
  constructor(name: string) {
    super(name);
    this.name = name;
  }
}

/** Whether the model leaves Django here. */
export type Differs = (rule: RuleName) => boolean;

export interface Setting {
  readonly settings: Settings;
  readonly store: ModelStore;
  readonly differs: Differs;
  readonly newKey: () => string;
  /** Whether a text is a session key, known or not. */
  readonly isKey: (text: string) => boolean;
  /** Keys that a scenario makes the generator return first. */
  readonly forced: string[];
}

/** A key, and the version of its entry: null as long as there is none, undefined as long as nobody has looked. */
export interface Slot {
  key: string;
  version: number | null | undefined;
}

/** What a session knows between the view and the store, and how it is read: Django's `_get_session` and `load`. */
export abstract class State {
  accessed = false;
  /** What the methods set; `modified` may know more. */
  flag = false;
  slot: Slot | null = null;
  cache: Map<unknown, unknown> | undefined;
  readonly changes = new Changes();
  flushedHere = false;
  savedByHand = false;
  /** The key that came in leads to the marker of a cycled session. */
  retired = false;
  /** Why the session could not be read. */
  failure: StoreDown | undefined;
  /** The same, for the first who must talk to the store after it. */
  protected failedRead: StoreDown | undefined;
  /** Keys that a cycle or a flush left, as long as that isn't carried out. */
  protected left: Slot[] = [];
  protected flushed: Slot[] = [];

  constructor(
    readonly on: Setting,
    readonly candidates: readonly string[],
  ) {
    const [key] = candidates;
    if (candidates.length === 1 && key !== undefined) this.slot = { key, version: undefined };
  }

  /** Seconds. */
  abstract age(): number;

  get key(): string | null {
    return this.slot?.key ?? null;
  }

  get empty(): boolean {
    return this.slot === null && !this.cache?.size && this.failure === undefined;
  }

  get stored(): boolean {
    return typeof this.slot?.version === 'number';
  }

  get keyPending(): boolean {
    return this.slot?.version === null;
  }

  get cycled(): boolean {
    return this.left.some(({ version }) => version !== null);
  }

  /** There is something that Sojourn would write. */
  get unsaved(): boolean {
    return this.changes.any(this.cache) || this.cycled || this.keyPending;
  }

  /** The data, read at the first touch. */
  get data(): Map<unknown, unknown> {
    this.accessed = true;
    if (this.failure) throw this.failure;
    this.cache ??= this.slot ? this.load() : new Map();
    return this.cache;
  }

  /** Reads the session before the view. */
  loadFirst(): void {
    if (this.candidates.length === 0) return;
    this.failure = undefined;
    try {
      const [only, second] = this.candidates.filter((key) => this.#leadsToData(key));
      this.slot = only === undefined || second !== undefined ? null : { key: only, version: undefined };
      this.cache = this.slot ? this.load() : new Map();
    } catch (error) {
      if (!(error instanceof StoreDown)) throw error;
      if (!this.on.differs('read error')) {
        this.slot = null;
        return;
      }
      this.failure = error;
      this.failedRead = error;
    }
  }

  #leadsToData(key: string): boolean {
    const entry = this.on.store.get(key);
    if (entry?.marker) this.retired = true;
    return entry?.marker === false;
  }

  load(): Map<unknown, unknown> {
    const { store, differs } = this.on;
    const slot = this.slot as Slot;
    let entry: ReturnType<ModelStore['get']>;
    try {
      entry = store.get(slot.key);
    } catch (error) {
      if (differs('read error')) throw error;
      entry = undefined;
    }
    if (entry === undefined || entry.marker) {
      this.slot = null;
      return new Map();
    }
    slot.version = entry.version;
    const data = structuredClone(entry.data);
    this.changes.remember(data);
    return data;
  }
}
