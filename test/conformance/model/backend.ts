import { NamedError } from './state.js';
import { GENERATOR_ATTEMPTS, Writing } from './writing.js';

/** Django's cache backend, and the parts of `SessionBase` that talk to it. */
export abstract class Backend extends Writing {
  clear(): void {
    this.accessed = true;
    if (this.failure) throw this.failure;
    this.cache = new Map();
    this.changes.clear();
    this.flag = true;
  }

  flush(): void {
    const { differs, store } = this.on;
    // What could not be read may be there.
    const unread = this.failure ? this.candidates.map((key) => ({ key, version: undefined })) : [];
    this.failure = undefined;
    this.clear();
    this.flushedHere = true;
    const keys = [...(this.slot && unread.length === 0 ? [this.slot] : unread), ...this.left];
    if (differs('at commit')) this.flushed.push(...keys);
    else for (const { key } of keys) store.delete(key);
    this.left = [];
    this.slot = null;
    this.retired = false;
    this.changes.remember(new Map());
  }

  cycleKey(): void {
    const { data } = this;
    const old = this.slot;
    if (this.on.differs('at commit')) {
      if (old) this.left.push(old);
      this.slot = this.newSlot();
      this.retired = false;
      this.flag = true;
      return;
    }
    this.create();
    this.cache = data;
    if (old) this.on.store.delete(old.key);
  }

  create(): void {
    this.carryOutFlush();
    this.accessed = true;
    if (this.failure) throw this.failure;
    const before = this.slot;
    try {
      this.#createUnderNewKey();
    } catch (error) {
      if (this.on.differs('failed creation')) this.slot = before;
      throw error;
    }
    this.retired = false;
  }

  /** By hand, or by the middleware. */
  save(mustCreate = false): void {
    const { differs } = this.on;
    if (this.retired && differs('retired key')) throw new NamedError('UpdateError');
    this.accessed ||= this.failure !== undefined;
    this.carryOutFlush();
    if (this.failure) throw this.failure;
    if (this.slot === null) {
      this.#createUnderNewKey();
      return;
    }
    if (mustCreate && this.stored && differs('created once') && !this.isOver()) {
      this.accessed = true;
      throw new NamedError('CreateError');
    }
    const creating = mustCreate || (this.keyPending && differs('at commit'));
    this.write(creating, differs('three attempts') ? GENERATOR_ATTEMPTS : 1);
    this.savedByHand = true;
  }

  deleteRecord(key: string | null): void {
    const target = key ?? this.key;
    if (target !== null && this.#reachesStore(target)) this.on.store.delete(target);
    // What was stored by hand needs no cookie then.
    if (key === null) this.savedByHand = false;
  }

  exists(key: string | null): boolean {
    return key !== null && key !== '' && this.#reachesStore(key) && this.on.store.hasKey(key);
  }

  #reachesStore(key: string): boolean {
    return this.on.isKey(key) || !this.on.differs('well-formed keys');
  }

  #createUnderNewKey(): void {
    this.slot = this.newSlot();
    this.write(true, GENERATOR_ATTEMPTS);
    this.flag = true;
    this.savedByHand = true;
  }
}
