import { inflateRawSync } from 'node:zlib';
import { json } from '../codec.js';

/** What can be told of a payload without the application's keys and codec. */
export interface Payload {
  /** How it is stored, from the outside in: `['signed', 'JSON']`. */
  readonly forms: readonly Form[];
  /** Null if it can't be read here. A signature was not checked. */
  readonly data: ReadonlyMap<string, unknown> | null;
}

export type Form = 'JSON' | 'signed' | 'compressed' | 'encrypted' | 'unknown';

/** `codec.ts` puts them into each other in any order; nobody has reason for more. */
const MAX_LAYERS = 4;
/** The most bytes to unfold: what `compressed()` itself would read unless told. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Looks into what the codecs of `codec.ts` write. The session may come from anybody: nothing here trusts it. */
export function readPayload(payload: string): Payload {
  const forms: Form[] = [];
  let text = payload;
  for (let layer = 0; layer < MAX_LAYERS; layer += 1) {
    if (/^e1\.[\w-]{6}\./.test(text)) return { forms: [...forms, 'encrypted'], data: null };
    const unwrapped = unwrap(text);
    if (unwrapped === null) break;
    if (unwrapped.form !== undefined) forms.push(unwrapped.form);
    text = unwrapped.text;
  }
  const data = parse(text);
  return { forms: [...forms, data === null ? 'unknown' : 'JSON'], data };
}

function unwrap(text: string): { form?: Form; text: string } | null {
  const signature = /^s1\.[\w-]{43}\./.exec(text)?.[0];
  if (signature !== undefined) return { form: 'signed', text: text.slice(signature.length) };
  // Below the threshold of compressed().
  if (text.startsWith('-')) return { text: text.slice(1) };
  if (!text.startsWith('z')) return null;
  try {
    const inflated = inflateRawSync(Buffer.from(text.slice(1), 'base64url'), { maxOutputLength: MAX_BYTES });
    return { form: 'compressed', text: inflated.toString('utf8') };
  } catch {
    // Damaged, too large, or of another codec that begins with a z: it stays unknown.
    return null;
  }
}

function parse(text: string): ReadonlyMap<string, unknown> | null {
  try {
    return json().decode(text, { binding: '' });
  } catch {
    // Another codec's. What the error says may quote the session.
    return null;
  }
}
