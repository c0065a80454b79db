/**
 * What sessions are, in the simplest words: records by key, browsers that hold a key, requests that work on a copy.
 * The model says what the answer to a request must be and what must be stored after it.
 */
export type Data = Map<string, number | number[]>;

interface Record {
  data: Data;
  state: 'live' | 'retired' | 'gone';
  /** Milliseconds. */
  deadline: number;
}

/** What a request does to its copy, to be laid over what is stored when it ends. */
interface Changes {
  cleared: boolean;
  keys: Map<string, number | number[] | undefined>;
}

export interface ModelRequest {
  readonly browser: number;
  /** The browser sent a cookie. */
  readonly cameIn: boolean;
  /** The key whose record was live when the request began. */
  key: string | null;
  /** The key that came in had been cycled by another request. */
  retired: boolean;
  view: Data;
  changes: Changes;
  cycled: boolean;
  /** The key of the record this request flushed, if it flushed. */
  flushed: { key: string | null } | null;
}

export interface Expectation {
  status: 200 | 400;
  /** What becomes of the browser's cookie. */
  cookie: 'none' | 'same' | 'new' | 'erased';
}

export const MAX_AGE = 100;

export class Model {
  readonly records = new Map<string, Record>();
  /** The key each browser holds. */
  readonly held = new Map<number, string>();

  constructor(readonly now: () => number) {}

  open(browser: number): ModelRequest {
    const held = this.held.get(browser) ?? null;
    const record = held === null ? undefined : this.find(held);
    const live = record?.state === 'live';
    return {
      browser,
      cameIn: held !== null,
      key: live ? held : null,
      retired: record?.state === 'retired',
      view: live ? copy(record.data) : new Map(),
      changes: { cleared: false, keys: new Map() },
      cycled: false,
      flushed: null,
    };
  }

  set(request: ModelRequest, key: string, value: number | number[]): void {
    request.view.set(key, value);
    request.changes.keys.set(key, value);
  }

  delete(request: ModelRequest, key: string): void {
    if (request.view.delete(key)) request.changes.keys.set(key, undefined);
  }

  clear(request: ModelRequest): void {
    request.view.clear();
    request.changes = { cleared: true, keys: new Map() };
  }

  cycle(request: ModelRequest): void {
    request.cycled = true;
    request.retired = false;
  }

  flush(request: ModelRequest): void {
    request.flushed ??= { key: request.key };
    Object.assign(request, { key: null, view: new Map(), cycled: false, retired: false });
    request.changes = { cleared: false, keys: new Map() };
  }

  /** What the answer must be if the request ends now. */
  expect(request: ModelRequest): Expectation {
    const changed = request.changes.cleared || request.changes.keys.size > 0;
    if (request.flushed && request.view.size === 0 && !request.cycled) return { status: 200, cookie: request.cameIn ? 'erased' : 'none' };
    if (!changed && !request.cycled) return { status: 200, cookie: 'none' };
    if (request.retired) return { status: 400, cookie: 'none' };
    if (request.key === null) return { status: 200, cookie: request.view.size === 0 && !request.cycled ? 'none' : 'new' };
    const state = this.find(request.key)?.state ?? 'gone';
    if (!request.cycled) return state === 'live' ? { status: 200, cookie: 'same' } : { status: 400, cookie: 'none' };
    return state === 'gone' ? { status: 400, cookie: 'none' } : { status: 200, cookie: 'new' };
  }

  /** `newKey` is the key that the answer's cookie brought, if any. */
  commit(request: ModelRequest, { status, cookie }: Expectation, newKey: string | null): void {
    if (request.flushed?.key) this.records.delete(request.flushed.key);
    if (cookie === 'erased') this.held.delete(request.browser);
    if (status !== 200 || (cookie !== 'same' && cookie !== 'new')) return;
    const old = request.key === null ? undefined : this.find(request.key);
    // A second cycle of one key goes on from what it had loaded.
    const base = old?.state === 'live' ? old.data : request.key === null ? new Map() : null;
    const data = base === null ? copy(request.view) : layOver(base, request.changes);
    const key = cookie === 'new' ? (newKey as string) : (request.key as string);
    this.records.set(key, { data, state: 'live', deadline: this.now() + MAX_AGE * 1000 });
    if (cookie === 'new' && old?.state === 'live') Object.assign(old, { state: 'retired', deadline: this.now() + 60_000 });
    this.held.set(request.browser, key);
  }

  find(key: string): Record | undefined {
    const record = this.records.get(key);
    return record && record.deadline > this.now() ? record : undefined;
  }
}

function layOver(stored: Data, changes: Changes): Data {
  const merged: Data = changes.cleared ? new Map() : copy(stored);
  for (const [key, value] of changes.keys) {
    if (value === undefined) merged.delete(key);
    else merged.set(key, structuredClone(value));
  }
  return merged;
}

function copy(data: Data): Data {
  return structuredClone(data);
}
