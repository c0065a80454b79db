import type { RedisStore } from '../stores/redis.js';
import type { RecordState } from '../stores/redis-survey.js';
import type { Arguments } from './arguments.js';
import { bytes, relative, summaryOf } from './describe.js';
import { find } from './find.js';
import { type Io, say } from './io.js';
import { type Form, readPayload } from './payload.js';
import { jsonText, printable } from './printable.js';

/** Prints one session. */
export async function show(store: RedisStore, args: Arguments, io: Io): Promise<void> {
  const record = await find(store, args);
  const payload = readPayload(record.payload);
  const { ref, ...summary } = summaryOf(record, args, payload);
  // The marker of a cycled session has no data, which is no secret either.
  const storedAs = record.payload === '' ? [] : payload.forms;
  const data = payload.data && [...payload.data].map(([name, value]) => ({ name, size: Buffer.byteLength(JSON.stringify(value)), value }));
  if (args.json) {
    const shown = args.data ? data : (data?.map(({ name, size }) => ({ name, size })) ?? null);
    await say(io, jsonText({ ref, state: record.state, ...summary, storedAs, data: shown }));
    return;
  }

  const now = io.clock();
  const date = (value: Date | null) => (value === null ? '-' : `${value.toISOString()}  ${relative(value, now)}`);
  const line = (name: string, text: string) => say(io, `${name.padEnd(10)} ${text}`.trimEnd());
  await line('ref', ref);
  await line('state', `${record.state}${MEANING[record.state]}`);
  await line('user', summary.user === null ? '-' : printable(String(summary.user)));
  await line('created', date(summary.createdAt));
  await line('last seen', date(summary.lastSeenAt));
  await line('expires', date(summary.expiresAt));
  await line('device', summary.device === null ? '-' : printable(summary.device));
  await line('size', bytes(summary.size));
  if (storedAs.length === 0) return;
  await line('stored as', storedAs.map((form) => FORM[form]).join(', '));
  if (data === null) return;
  await line('data', data.length === 0 ? 'none' : '');
  for (const { name, size, value } of data) {
    const text = `  ${printable(name).padEnd(20)} ${bytes(size).padStart(6)}`;
    await say(io, args.data ? `${text}  ${jsonText(value)}` : text);
  }
}

const MEANING: Readonly<Record<RecordState, string>> = {
  alive: '',
  revoked: ': ended with all others of its user',
  cycled: ': goes on under another key',
  expired: ': its time is over',
};

const FORM: Readonly<Record<Form, string>> = {
  JSON: 'JSON',
  signed: 'signed (not checked: that takes the key)',
  compressed: 'compressed',
  encrypted: "encrypted (can't be read without the key)",
  unknown: "unknown (another codec's, or damaged)",
};
