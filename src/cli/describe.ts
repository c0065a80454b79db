import { fingerprintOf } from '../session-key.js';
import type { FoundRecord } from '../stores/redis-survey.js';
import { type Payload, readPayload } from './payload.js';

/** Where a session keeps what the lists show of it. */
export interface Names {
  /** Whose sessions were asked for, if so: theirs they are, whatever can be read of them. */
  readonly user: string | undefined;
  readonly userKey: string;
  readonly deviceKey: string;
}

/** What is shown of a session in every list, in this order in JSON. Null: not known. */
export interface Summary {
  readonly ref: string;
  readonly user: string | number | null;
  readonly createdAt: Date | null;
  readonly lastSeenAt: Date | null;
  readonly expiresAt: Date;
  readonly device: string | null;
  /** Bytes of the payload. */
  readonly size: number;
}

export type Describable = Pick<FoundRecord, 'key' | 'payload' | 'expiresAt'> & { readonly times?: FoundRecord['times'] };

export function summaryOf(record: Describable, names: Names, { data }: Payload = readPayload(record.payload)): Summary {
  const { key, times, expiresAt, payload } = record;
  const user = data?.get(names.userKey);
  const device = data?.get(names.deviceKey);
  return {
    ref: fingerprintOf(key),
    user: typeof user === 'string' || typeof user === 'number' ? user : (names.user ?? null),
    createdAt: times === undefined ? null : new Date(times.createdAt),
    lastSeenAt: times === undefined ? null : new Date(times.seenAt),
    expiresAt: new Date(expiresAt),
    device: typeof device === 'string' ? device : null,
    size: Buffer.byteLength(payload),
  };
}

/** `3 h ago`, `in 13 d`: at most 9 characters within some decades. */
export function relative(date: Date, now: number): string {
  const seconds = Math.round((date.getTime() - now) / 1000);
  const amount = amountOf(Math.abs(seconds));
  return seconds > 0 ? `in ${amount}` : `${amount} ago`;
}

function amountOf(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function bytes(size: number): string {
  return size < 1000 ? `${size} B` : size < 1_000_000 ? `${Math.round(size / 1000)} KB` : `${Math.round(size / 1_000_000)} MB`;
}
