/**
 * Prints how many bytes of heap 10 000 sessions of 300 bytes take in a memory store.
 *
 *     node --expose-gc bench/heap.mjs sojourn | express-session
 */
import { sessionData } from './servers/data.mjs';

const SESSIONS = 10_000;

const STORES = {
  async sojourn() {
    const { MemoryStore, session } = await import('../dist/index.js');
    const store = new MemoryStore({ max: SESSIONS });
    const sessions = session({ secret: 'a secret of the benchmarks, and of nothing else', store });
    return { store, add: () => sessions.issue(sessionData(300)) };
  },
  async 'express-session'() {
    const { default: session } = await import('express-session');
    const store = new session.MemoryStore();
    const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' };
    let id = 0;
    const add = () => {
      id += 1;
      return new Promise((resolve) => store.set(String(id).padStart(32, '0'), { cookie, ...sessionData(300) }, resolve));
    };
    return { store, add };
  },
};

const open = STORES[process.argv[2]];
// What is made once, at the first session, must not count.
await (await open()).add();
const heap = () => {
  for (let pass = 0; pass < 4; pass += 1) global.gc();
  return process.memoryUsage().heapUsed;
};
const before = heap();
const { store, add } = await open();
for (let count = 0; count < SESSIONS; count += 1) await add();
console.log(heap() - before);
// Held until here.
if (store === undefined) throw new Error('no store');
