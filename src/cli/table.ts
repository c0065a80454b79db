import { bytes, relative, type Summary } from './describe.js';
import { fitted, printable } from './printable.js';

/** Columns of a terminal; the device has the rest. Fixed, since the rows come one by one, and the widest isn't known before the last. */
const MIN_WIDTH = 80;
const COLUMNS = { ref: 12, user: 12, created: 9, seen: 9, expires: 8, size: 6 };
const GAP = '  ';
const NONE = '-';

/** How rows of sessions are laid out. `width`: that of a terminal; null: tabs and full values, for other programs. */
export function tableOf(width: number | null, now: number): { header: string | null; row(summary: Summary): string } {
  if (width === null) return { header: null, row: tabbed };
  const extra = Math.max(width - MIN_WIDTH, 0);
  const columns = Object.values({ ...COLUMNS, user: COLUMNS.user + Math.min(Math.floor(extra / 2), 28) });
  const device = MIN_WIDTH + extra - columns.reduce((sum, column) => sum + column + GAP.length, 0);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => fitted(cell, columns[at] ?? device))
      .join(GAP)
      .trimEnd();
  const date = (value: Date | null) => (value === null ? NONE : relative(value, now));
  return {
    header: line(['REF', 'USER', 'CREATED', 'LAST SEEN', 'EXPIRES', 'SIZE', 'DEVICE']),
    row: (summary) =>
      line([
        summary.ref,
        text(summary.user),
        date(summary.createdAt),
        date(summary.lastSeenAt),
        date(summary.expiresAt),
        bytes(summary.size),
        text(summary.device),
      ]),
  };
}

function tabbed({ ref, user, createdAt, lastSeenAt, expiresAt, size, device }: Summary): string {
  const date = (value: Date | null) => value?.toISOString() ?? NONE;
  return [ref, text(user), date(createdAt), date(lastSeenAt), date(expiresAt), size, text(device)].join('\t');
}

function text(value: string | number | null): string {
  return value === null ? NONE : printable(String(value));
}
