import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A scenario: what one or several clients do with one app, request by request. The format is language-neutral. */
export interface Scenario {
  name: string;
  note: string;
  settings: Settings;
  requests: Step[];
}

/** Django's settings; null leaves an attribute out of the cookie. */
export interface Settings {
  cookie_age: number;
  expire_at_browser_close: boolean;
  save_every_request: boolean;
  cookie_name: string;
  cookie_path: string;
  cookie_domain: string | null;
  cookie_secure: boolean;
  cookie_httponly: boolean;
  cookie_samesite: string | null;
}

export interface Step {
  ops: Op[];
  status: number;
  cookie: string | { raw: string };
  advance_seconds: number;
  jar?: string;
  response_vary?: string;
}

/** A name and its arguments. */
export type Op = [name: string, ...args: unknown[]];

/** What a scenario's requests were answered with, as far as it is compared. */
export interface Answers {
  /** The setting that was refused at start, or null. */
  refused: string | null;
  requests: Answer[];
}

export interface Flags {
  accessed: boolean;
  modified: boolean;
  empty: boolean;
  key: string | null;
}

export type OpAnswer = Flags & ({ result: unknown } | { error: string });

export interface SetCookie {
  kind: 'set' | 'deleted';
  name: string;
  value: string;
  max_age: number | null;
  /** Seconds from now, null for a cookie that ends with the browser, `epoch` for a deletion. */
  expires_in: number | 'epoch' | null;
  path: string | null;
  domain: string | null;
  secure: boolean;
  httponly: boolean;
  samesite: string | null;
}

export interface StoredEntry {
  data: unknown;
  ttl: number;
}

export interface Answer {
  cookie_sent: string | null;
  start: Flags;
  ops: OpAnswer[];
  before_response: Flags;
  after_response: Flags;
  key_at_start: string | null;
  key_at_end: string | null;
  key_changed: boolean;
  status: number;
  vary: string | null;
  set_cookie: SetCookie | null;
  jar: string | null;
  jar_session: StoredEntry | null;
  store: Record<string, StoredEntry>;
  store_count: number;
  /** Whether the request asked the store to read, to write, to delete anything at all. */
  traffic: Traffic;
}

export interface Traffic {
  reads: boolean;
  writes: boolean;
  deletes: boolean;
}

/** A key that has the right shape (and, where keys are signed, the right signature) and that nobody ever stored. */
export const UNKNOWN_KEY = 'unknownunknownunknownunknown0000';
export const GARBAGE = '..//garbage!!<>|{}[]~^';

interface Counts {
  reads: number;
  writes: number;
  deletes: number;
}
type RecordedAnswer = Omit<Answer, 'traffic'> & { traffic_ops: Counts; traffic_response: Counts };

/** A folder's scenarios, and what Django answered to each. */
export function readFolder(folder: string): { scenario: Scenario; django: Answers }[] {
  const scenarios = readJson<Scenario[]>(folder, 'scenarios.json');
  const expected = readJson<Record<string, { requests: RecordedAnswer[] }>>(folder, 'expected.json');
  return scenarios.map((scenario) => {
    const recorded = expected[scenario.name];
    if (recorded === undefined) throw new Error(`${folder} doesn't say what Django answered to ${scenario.name}`);
    return { scenario, django: { refused: null, requests: recorded.requests.map(comparable) } };
  });
}

function readJson<Content>(folder: string, file: string): Content {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Content;
}

/** Errors a session or a store raises by name; for all others it is compared that there was one. */
const NAMED_ERRORS = ['KeyError', 'UpdateError', 'CreateError', 'StoreDown', 'RuntimeError', 'Abort'];

export function errorName(name: string): string {
  return NAMED_ERRORS.includes(name) ? name : 'Error';
}

/** How many store calls there were is a matter of the store's protocol; whether there were any is not. */
function comparable({ traffic_ops, traffic_response, ...answer }: RecordedAnswer): Answer {
  const any = (kind: keyof Counts) => traffic_ops[kind] + traffic_response[kind] > 0;
  const ops = answer.ops.map((op) => ('error' in op ? { ...op, error: errorName(op.error) } : op));
  return { ...answer, ops, traffic: { reads: any('reads'), writes: any('writes'), deletes: any('deletes') } };
}

/**
 * The store faults a view begins with. Django reads the session when the view first touches it, Sojourn before the view:
 * so that both meet them there, they are in force when the request comes in.
 */
export function firstFaults(ops: readonly Op[]): string[] {
  const other = ops.findIndex(([name]) => name !== 'fault');
  return ops.slice(0, other === -1 ? ops.length : other).flatMap(([, ...kinds]) => kinds as string[]);
}
