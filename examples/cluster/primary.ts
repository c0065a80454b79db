import cluster, { type Address, type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { onEnd, PORT } from '../shared/serve.js';

const { REDIS_URL = '', WORKERS = '3' } = process.env;
// All processes must sign with the same secret, those that start later as well: what one process has signed, another must take. In production
// it comes from outside, and outlives this process, too.
const { SESSION_SECRET = randomBytes(32).toString('base64') } = process.env;

const serving = new Set<Worker>();
let port = PORT;
let ending = false;

/** Keeps WORKERS processes serving, and exchanges them one by one on SIGUSR2. */
export async function runPrimary(): Promise<void> {
  if (REDIS_URL === '') {
    console.error('Several processes need one store: REDIS_URL=redis://127.0.0.1:6379 npx tsx examples/cluster/server.ts');
    process.exitCode = 1;
    return;
  }
  onEnd(() => {
    ending = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
  });
  let exchange = Promise.resolve();
  process.on('SIGUSR2', () => {
    exchange = exchange.then(exchangeAll).catch(goOn);
  });

  for (let count = 0; count < Number(WORKERS); count += 1) await start();
  console.log(`Sessions in Redis, ${WORKERS} processes, exchanged by kill -USR2 ${process.pid}. Open http://127.0.0.1:${port}`);
}

/** Starts a process; resolves when it serves. Rejects if it ends before: one that can't start isn't started again and again. */
async function start(): Promise<void> {
  if (ending) return;
  const worker = cluster.fork({ SESSION_SECRET, PORT: port });
  const exit = once(worker, 'exit').then(() => {
    if (!ending) throw new Error(`Process ${worker.process.pid} ended before it served.`);
  });
  const listening = (once(worker, 'listening') as Promise<[Address]>).then(([address]) => {
    // Where the first has found a free one, the others join it.
    port = address.port;
    serving.add(worker);
    worker.once('exit', () => replace(worker));
  });
  await Promise.race([listening, exit]);
}

/** A process that ended unasked gets a successor. Nobody notices but those whose requests it had. */
function replace(worker: Worker): void {
  if (!serving.delete(worker) || ending) return;
  console.error(`Process ${worker.process.pid} is gone; another takes its place.`);
  start().catch(goOn);
}

/** A new process can't start: a bad release, say. Those that serve go on. */
function goOn({ message }: Error): void {
  console.error(`${message} ${serving.size} others go on.`);
}

/** A rolling restart: a new process first, then an old one ends, so that some always serve. Sessions are in Redis, and notice nothing. */
async function exchangeAll(): Promise<void> {
  for (const worker of [...serving]) {
    await start();
    // It isn't `serving` any more, so its end is no accident.
    if (!serving.delete(worker)) continue;
    const gone = once(worker, 'exit');
    // Not a signal: this first stops handing it connections. One on its way to a process that has just ended would be answered by nobody.
    worker.disconnect();
    await gone;
  }
  console.log('All processes are new.');
}
