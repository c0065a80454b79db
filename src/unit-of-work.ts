import { type Blocked, PROBLEM_OF } from './blocked.js';
import { CreateError, SessionNotLoadedError } from './errors.js';
import { publish } from './events.js';
import { wholeSeconds } from './expiry.js';
import { type Found, lookUp } from './lookup.js';
import { noteSeen, Ownership, sessionOf } from './ownership.js';
import {
  ask,
  createRecord,
  decodeRecord,
  deleteRecord,
  destroyRecord,
  endRecord,
  hasRecord,
  newSlot,
  type RecordSettings,
  retireRecord,
  type Slot,
  slotFor,
  updateRecord,
} from './record.js';
import { ownerIn } from './session-key.js';
import { TrackedMap } from './tracked-map.js';
import { Write } from './write.js';

export interface WorkSettings extends RecordSettings {
  /** How long a session with these values lives from `now` (milliseconds) on, in seconds; 0 or less: it is over. */
  readonly ageOf: (values: ReadonlyMap<string, unknown>, now: number) => number;
  /** Whose session it is with these values; null: nobody's. */
  readonly userOf?: ((values: ReadonlyMap<string, unknown>) => string | null) | undefined;
}

const NO_SLOTS: readonly Slot[] = [];
const DONE = Promise.resolve();

/** The context of a text that is decoded on the spot. */
const NOWHERE = { binding: '' };

/**
 * One session between the application and the store: what was loaded, what is to be done (a key to cycle, records to
 * delete, changes to write), and how that is done without losing anybody's write or bringing back a deleted record.
 *
 * The methods without a promise only note things down. The others talk to the store, one after another, and what one
 * of them could not do is still to be done afterwards.
 */
export class UnitOfWork {
  readonly settings: WorkSettings;
  /** The client came with the cookie of another library's session, which this one takes over. */
  readonly takesOver: boolean;
  /** Why no new key can reach the client, if so: nothing new is stored then. */
  blocked: Blocked | null = null;
  /** The key that came in led to the marker of a cycled session. */
  retired = false;
  /** The application stored something itself during this request: its cookie goes out whatever the status. */
  savedByHand = false;
  /** The application changed something at some time during this request. Django: `modified`. */
  modified = false;
  /** `modified = true` by hand: write even if no key of the data changed. */
  forced = false;
  /** The application flushed during this request. */
  flushed = false;

  #state: 'unloaded' | 'loaded' | 'failed';
  #failure: unknown;
  /** Keys that were presented and not yet looked up. */
  #candidates: readonly string[];
  /** Until it has been done. */
  #prepare: (() => Promise<void>) | undefined;
  #slot: Slot | null = null;
  #payload: string | null = null;
  #data: TrackedMap | undefined;
  #owning: Ownership | undefined;
  /** Whose session was found under a key that names nobody: one from before the option `user`. */
  #foundUser: string | null = null;
  /** Records that were presented but read as no session: not to be told apart, or corrupt. A logout ends them, too. */
  #unread = NO_SLOTS;
  /** Slots that a cycle left, until their records are retired. */
  #left = NO_SLOTS;
  /** Slots that were flushed, until their records are deleted. */
  #flushed = NO_SLOTS;
  #flushes = 0;
  #loading: Promise<void> | undefined;
  #running: Promise<unknown> | undefined;

  /**
   * `candidates`: keys of the right shape; the session is the one that is alive, if there is exactly one. `prepare` has
   * its turn before they are looked up.
   */
  constructor(settings: WorkSettings, candidates: readonly string[] = [], prepare?: () => Promise<void>) {
    this.settings = settings;
    this.#candidates = candidates;
    this.#prepare = prepare;
    this.takesOver = prepare !== undefined;
    // It notes when the client came, for who may sign in.
    if (settings.userOf !== undefined) this.#owning = new Ownership(settings);
    this.#state = candidates.length === 0 ? 'loaded' : 'unloaded';
  }

  /** The session's key; before loading, the one that was presented, if there was only one. */
  get key(): string | null {
    if (this.#slot) return this.#slot.sessionKey;
    return this.#candidates.length === 1 ? (this.#candidates[0] as string) : null;
  }

  get loaded(): boolean {
    return this.#state === 'loaded';
  }

  /** What the store was asked and could not say; undefined if all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  /** There is a record under the session's key. */
  get stored(): boolean {
    return this.#slot !== null && this.#slot.version !== null;
  }

  /** There is a key without a record: a cycle, or a creation that failed. */
  get keyPending(): boolean {
    return this.#slot !== null && this.#slot.version === null;
  }

  /** The key was changed, and the record under the old one is still to be retired. */
  get cycled(): boolean {
    return this.#left.some(hasRecord);
  }

  /** No key and no data. */
  get empty(): boolean {
    return this.key === null && this.#candidates.length === 0 && (this.#data === undefined || this.#data.values.size === 0);
  }

  /** What a record of this session is bound to; nothing as long as there is no key. */
  get place(): Pick<Slot, 'storeKey' | 'startedAt'> {
    return this.#slot ?? (this.key === null ? { storeKey: '', startedAt: undefined } : slotFor(this.settings, this.key));
  }

  /** There is something to save in the data. */
  get changed(): boolean {
    return this.forced || (this.#data?.changed ?? false);
  }

  /** The data, decoded at the first touch. Throws if they are not there to be touched. */
  get data(): TrackedMap {
    if (this.#data) return this.#data;
    if (this.#state === 'unloaded') throw new SessionNotLoadedError();
    if (this.#state === 'failed') throw this.#failure;
    this.#data = new TrackedMap(this.#decodeLoaded());
    // After the data are there: it asks the application, which may throw.
    if (this.#owning && this.#slot && ownerIn(this.#slot.storeKey) === null) this.#foundUser = this.#owning.userIn(this.#data.values);
    return this.#data;
  }

  /** What the store knows this session by: one key, or several while it is being cycled. */
  get storedKeys(): string[] {
    return this.#slots.filter(hasRecord).map(({ storeKey }) => storeKey);
  }

  /** All sessions of an owner have ended but this one, which counts as signed in at that time (milliseconds). */
  signInAt(time: number, owner: string): void {
    this.#ownership.signInAt(time, owner, this.#slots);
  }

  /** The key says whose session it is, so a change of user is a change of key. */
  settleUser(): void {
    const slot = this.#slot;
    if (slot === null || this.#data === undefined) return;
    // Nobody says whose sessions are: only one that has an owner hands it on to its next key.
    if (this.settings.userOf === undefined && !this.#left.some(({ storeKey }) => ownerIn(storeKey) !== null)) return;
    const { values } = this.#data;
    const owner = this.#ownership.ownerFor(values, this.#left.find(hasRecord) ?? slot);
    if (hasRecord(slot) && owner !== ownerIn(slot.storeKey)) {
      // Where no new key can go out: what takes rights away is stored under the old one, and so is what changes nothing about them.
      if (this.blocked && (owner === null || this.#ownership.userIn(values) === this.#foundUser)) return;
      this.cycleKey();
    }
    if (this.keyPending) this.#ownership.claim(this.#slot as Slot, owner, this.#left);
  }

  /** Looks up the presented keys. Never adopts one that leads nowhere. Rejects if the store fails. */
  load(): Promise<void> {
    if (this.loaded) return DONE;
    this.#loading ??= this.#read();
    return this.#loading;
  }

  /** A key before there is a record, for who shows it to the application from the start. */
  assignKey(): void {
    this.#slot ??= newSlot(this.settings);
  }

  /** A new key for the same data; the old record is retired when this is saved. */
  cycleKey(): void {
    void this.data;
    if (this.#slot) this.#left = [...this.#left, this.#slot];
    this.#slot = newSlot(this.settings);
    this.retired = false;
  }

  /** Forgets the changes made so far; the data stay as they are here. */
  forget(): void {
    this.#data?.forget();
    this.forced = false;
  }

  /** Puts a session back under its old key, its changes forgotten: the new key can't reach the client. */
  cancelCycle(): void {
    this.#slot = this.#left.find(hasRecord) ?? null;
    this.#left = NO_SLOTS;
    this.forget();
  }

  /**
   * No data, no key; the records behind it are deleted when this is carried out. `leavesMarker`: the session's own is
   * replaced by a marker, because the client goes on with another key.
   */
  flush(leavesMarker = false): void {
    // Presented but never looked up: there may be records.
    const presented = this.#candidates.map((key) => ({ ...slotFor(this.settings, key), version: '' }));
    const own = this.#slot ? [this.#slot] : NO_SLOTS;
    if (this.#slot) this.#slot.leavesMarker = leavesMarker;
    this.#flushed = [...this.#flushed, ...own, ...presented, ...this.#left, ...this.#unread];
    this.#flushes += 1;
    this.#slot = null;
    this.#left = NO_SLOTS;
    this.#unread = NO_SLOTS;
    this.#candidates = [];
    this.#data = new TrackedMap();
    this.#foundUser = null;
    this.#state = 'loaded';
    this.retired = false;
    this.forced = false;
    this.flushed = true;
  }

  /** Seconds the session has left, by its own expiry or the policy, capped by the absolute timeout. */
  get age(): number {
    return this.#ageOf(this.data.values);
  }

  /** Carries out all that is noted down: deletes what was flushed, writes the data, retires cycled keys. */
  save(mustCreate = false): Promise<void> {
    return this.#inTurnUnlessFlushed(() => this.#write(mustCreate));
  }

  /** Makes a change that depends on what is stored, and saves it; again and again, until no other write comes between. */
  update(change: () => void): Promise<void> {
    return this.#inTurnUnlessFlushed(() => this.#write(false, change));
  }

  /** A new record under a new key, with the data there are. The old one stays. */
  create(): Promise<void> {
    return this.#inTurnUnlessFlushed(async () => {
      void this.data;
      const old = this.#slot;
      const created = newSlot(this.settings);
      if (old) this.#ownership.claim(created, this.#ownership.ownerFor(this.data.values, old), [old]);
      this.#slot = created;
      try {
        await this.#write(true);
        this.retired = false;
      } catch (error) {
        if (this.#slot === created) this.#slot = old;
        // A flush or a cycle meanwhile was meant for the session, and that is the old one again.
        const back = (slot: Slot) => (slot === created && old ? old : slot);
        this.#flushed = this.#flushed.map(back);
        this.#left = this.#left.map(back);
        throw error;
      }
    });
  }

  carryOutFlush(): Promise<void> {
    return this.#inTurn(() => this.#deleteFlushed());
  }

  /** Gives the record its full time again, or `age` seconds. False if it is gone, or was written meanwhile: then it has that already. */
  touch(age = this.age): Promise<boolean> {
    return this.#inTurn(async () => {
      const ttl = wholeSeconds(age);
      const slot = this.#slot;
      if (slot === null || slot.version === null) return false;
      const { version } = slot;
      return ask(slot, () => this.settings.store.touch(slot.storeKey, ttl, version));
    });
  }

  /** Deletes the record of this session and leaves the rest as it is. What was stored by hand needs no cookie then. */
  async deleteOwnRecord(): Promise<boolean> {
    if (this.#prepare) await this.#settlePrepared();
    const deleted = this.key !== null && (await this.deleteRecord(this.key));
    this.savedByHand = false;
    return deleted;
  }

  deleteRecord(sessionKey: string): Promise<boolean> {
    return this.#inTurn(() => destroyRecord(this.settings, slotFor(this.settings, sessionKey)));
  }

  async recordExists(sessionKey: string): Promise<boolean> {
    const slot = slotFor(this.settings, sessionKey);
    return ask(slot, () => this.settings.store.exists(slot.storeKey));
  }

  async #read(): Promise<void> {
    let found: Found;
    try {
      if (this.#prepare) await this.#prepared();
      found = await lookUp(this.settings, this.#candidates);
    } catch (error) {
      // A flush meanwhile has settled what this session is: then nobody needs the answer.
      if (this.loaded) return;
      this.#state = 'failed';
      this.#failure = error;
      throw error;
    } finally {
      this.#loading = undefined;
    }
    if (this.loaded) return;
    this.#slot = found.slot;
    this.#payload = found.payload;
    this.#unread = found.ambiguous;
    this.retired = found.retired;
    this.#candidates = [];
    this.#state = 'loaded';
    this.#failure = undefined;
    if (this.settings.absoluteTimeout !== undefined) await this.#endIfTooOld();
    if (this.#slot) noteSeen(this.#slot, this.settings);
  }

  async #prepared(): Promise<void> {
    await this.#prepare?.();
    this.#prepare = undefined;
  }

  /** Before a deletion: what was never looked up would live on where it is, or come here afterwards. */
  async #settlePrepared(): Promise<void> {
    await this.#loading;
    await this.#prepared();
  }

  /** Only a session that has an owner needs it, so it isn't there before. */
  get #ownership(): Ownership {
    this.#owning ??= new Ownership(this.settings);
    return this.#owning;
  }

  /** Where the session is, and where it was before it was cycled. */
  get #slots(): readonly Slot[] {
    return this.#slot === null ? this.#left : [this.#slot, ...this.#left];
  }

  #decodeLoaded(): Map<string, unknown> {
    const payload = this.#payload;
    const slot = this.#slot;
    this.#payload = null;
    if (payload === null || slot === null) return new Map();
    const record = decodeRecord(this.settings, slot, payload);
    if (record === null) {
      this.#unread = [...this.#unread, slot];
      this.#slot = null;
      return new Map();
    }
    slot.startedAt = record.startedAt;
    return record.data;
  }

  async #endIfTooOld(): Promise<void> {
    void this.data;
    const slot = this.#slot;
    if (slot === null || this.#secondsToAbsoluteEnd() > 0) return;
    this.#slot = null;
    this.#data = new TrackedMap();
    await deleteRecord(this.settings, slot);
    publish('expired', { storeKey: slot.storeKey, reason: 'absolute' });
  }

  #secondsToAbsoluteEnd(): number {
    const { absoluteTimeout, clock } = this.settings;
    if (absoluteTimeout === undefined) return Number.POSITIVE_INFINITY;
    const now = clock() / 1000;
    return (this.#slot?.startedAt ?? now) + absoluteTimeout - now;
  }

  /** Runs a task after those before it, whether they went well or not. */
  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const run = this.#running ? this.#running.then(task, task) : task();
    this.#running = run;
    const done = () => {
      if (this.#running === run) this.#running = undefined;
    };
    run.then(done, done);
    return run;
  }

  /** Deletes what was flushed and writes, unless there is nothing left to write: a flush after the call came before its turn. */
  #inTurnUnlessFlushed(write: () => Promise<void>): Promise<void> {
    const flushes = this.#flushes;
    return this.#inTurn(async () => {
      // No await without need: what is written is what there is at the time of the call.
      if (this.#flushed.length > 0) await this.#deleteFlushed();
      if (this.#flushes === flushes) await write();
    });
  }

  async #deleteFlushed(): Promise<void> {
    const { clock } = this.settings;
    const failure = this.#failure;
    if (failure !== undefined && this.#flushed.length > 0) {
      // The read failed a moment ago: nobody is to wait for a second deadline. Another attempt asks the store again.
      this.#failure = undefined;
      throw failure;
    }
    if (this.#prepare && this.#flushed.length > 0) await this.#settlePrepared();
    for (const slot of [...this.#flushed]) {
      const began = clock();
      if (hasRecord(slot) && (await endRecord(this.settings, slot))) {
        publish('flushed', { storeKey: slot.storeKey, duration: clock() - began });
      }
      this.#flushed = without(this.#flushed, slot);
    }
  }

  async #write(mustCreate: boolean, change?: () => void): Promise<void> {
    const { data, forced, settings } = this;
    this.#slot ??= newSlot(this.settings);
    this.forced = false;
    const write = new Write(
      data,
      (values) => wholeSeconds(this.#ageOf(values)),
      (values) => settings.codec.decode(settings.codec.encode(values, NOWHERE), NOWHERE),
    );
    try {
      if (change) write.make(change);
      this.settleUser();
      const slot = this.#slot as Slot;
      const left = [...this.#left];
      const creating = mustCreate || slot.version === null;
      if (settings.userOf !== undefined) {
        const user = this.#ownership.userIn(data.values);
        write.fits = (values) => this.#ownership.userIn(values) === user;
      }
      if (settings.absoluteTimeout !== undefined) slot.startedAt ??= Math.floor(settings.clock() / 1000);
      if (this.age <= 0) return await this.#expire([slot, ...left]);
      if (creating && this.blocked) throw new CreateError(PROBLEM_OF[this.blocked]);
      if (!creating) return await updateRecord(settings, slot, write);
      await createRecord(settings, slot, write, sessionOf(ownerIn(slot.storeKey), left));
      for (const from of left) {
        if (hasRecord(from)) await retireRecord(settings, from, slot, write);
        this.#left = without(this.#left, from);
      }
    } catch (error) {
      write.giveBack();
      // Flushed meanwhile: then there is nothing left to force.
      if (this.#data === data) this.forced ||= forced;
      throw error;
    }
  }

  #ageOf(values: ReadonlyMap<string, unknown>): number {
    const { ageOf, clock } = this.settings;
    return Math.min(ageOf(values, clock()), this.#secondsToAbsoluteEnd());
  }

  async #expire(slots: readonly Slot[]): Promise<void> {
    for (const slot of slots) {
      if (hasRecord(slot)) {
        await deleteRecord(this.settings, slot);
        publish('expired', { storeKey: slot.storeKey, reason: 'expiry' });
      }
      if (this.#slot === slot) this.#slot = null;
      this.#left = without(this.#left, slot);
    }
  }
}

function without(slots: readonly Slot[], slot: Slot): readonly Slot[] {
  return slots.filter((other) => other !== slot);
}
