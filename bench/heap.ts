import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BENCH } from './prepare.ts';
import type { Figure } from './results.ts';

/** Bytes of heap that 10 000 sessions of 300 bytes take in the memory stores of Sojourn and express-session. */
export function measureHeap(): Figure[] {
  return ['sojourn', 'express-session'].map((peer) => {
    const output = execFileSync(process.execPath, ['--expose-gc', join(BENCH, 'heap.mjs'), peer], { encoding: 'utf8' });
    return { peer, value: Number(output) };
  });
}
