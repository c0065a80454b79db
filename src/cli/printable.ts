/**
 * Texts of sessions on a terminal: whoever signs in has chosen them (a device is called what its User-Agent says). What a terminal
 * might obey is encoded as in JSON: control characters, which begin escape sequences, what turns the direction of writing, and
 * what can't be seen.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text in one line. A backslash is doubled, so that an encoded character can be told from one that was written so. */
export function printable(text: string): string {
  return encode(text.replaceAll('\\', '\\\\'));
}

/** JSON in one line, which parses to the same value. */
export function jsonText(value: unknown): string {
  return encode(JSON.stringify(value));
}

function encode(text: string): string {
  return text.replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}

const graphemes = new Intl.Segmenter();
/** Takes two columns on a terminal. */
const WIDE = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

/** The text in exactly so many columns: filled with blanks, or cut off with an ellipsis. */
export function fitted(text: string, columns: number): string {
  let cut = '';
  let used = 0;
  let whole = '';
  for (const { segment } of graphemes.segment(text)) {
    const width = WIDE.test(segment) ? 2 : 1;
    used += width;
    if (used > columns) return `${cut}…${' '.repeat(Math.max(0, columns - 1 - columnsOf(cut)))}`;
    whole += segment;
    if (used < columns) cut = whole;
  }
  return whole + ' '.repeat(columns - used);
}

function columnsOf(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += WIDE.test(segment) ? 2 : 1;
  return columns;
}
