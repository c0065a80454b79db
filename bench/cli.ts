import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needProgram } from '../test/helpers/programs.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { compare, FULL, QUICK } from './compare.ts';
import { SESSIONS } from './contestant.ts';
import { moveToCore } from './cores.ts';
import { grow } from './growth/grow.ts';
import { measureHeap } from './heap.ts';
import { autocannonLoad } from './load/autocannon.ts';
import type { Load } from './load/load.ts';
import { wrkLoad } from './load/wrk.ts';
import { describeMachine } from './machine.ts';
import { runMicro } from './micro/run.ts';
import { BENCH, buildSojourn, installPeers } from './prepare.ts';
import { profile } from './profile.ts';
import { BenchRedis } from './redis.ts';
import { microTable, report } from './report.ts';
import { type Results, replaced } from './results.ts';

const RESULTS = join(BENCH, 'results');
const COMPARISON = join(RESULTS, 'comparison.json');
const MICRO_ROUNDS = 9;

/** `npm run bench`: `bench/README.md` says what it measures and how to read it. */
async function main(args: Arguments): Promise<void> {
  moveToCore('load', process.pid);
  buildSojourn();
  mkdirSync(RESULTS, { recursive: true });
  if (args.mode === 'micro') return print(microTable({ micro: await runMicro('hot path', MICRO_ROUNDS) }));
  if (args.mode === 'slow-paths') return slowPaths(args);
  installPeers();
  const [loadName, load] = chooseLoad();
  await withRedis(async (redis) => {
    if (args.mode === 'profile') return print(await profile(args, load, redis));
    const machine = describeMachine(await redis.version(), loadName);
    if (args.mode === 'growth') return print(await grow(args, machine, load, redis));
    const settings = args.quick ? QUICK : FULL;
    const comparison = await compare(args, settings, load, redis);
    const heap = args.complete ? measureHeap() : [];
    const micro = args.complete || args.again ? await runMicro('hot path', MICRO_ROUNDS) : [];
    const measured: Results = { machine, settings: { ...settings, sessions: SESSIONS }, ...comparison, heap, micro };
    const results = args.again ? replaced(JSON.parse(readFileSync(COMPARISON, 'utf8')), measured, args.workloads) : measured;
    const text = report(results, args.complete || args.again);
    if (args.complete || args.again) {
      writeFileSync(join(BENCH, 'RESULTS.md'), text);
      writeFileSync(COMPARISON, `${JSON.stringify(results)}\n`);
    }
    print(text);
  });
}

async function slowPaths({ quick }: Arguments): Promise<void> {
  const micro = await runMicro('slow paths', quick ? 3 : MICRO_ROUNDS);
  if (!quick) writeFileSync(join(RESULTS, 'slow-paths.json'), `${JSON.stringify(micro, null, 2)}\n`);
  print(microTable({ micro }));
}

async function withRedis(task: (redis: BenchRedis) => Promise<void>): Promise<void> {
  const redis = await BenchRedis.start();
  try {
    await task(redis);
  } finally {
    await redis.stop();
  }
}

/** wrk, which takes the least of its core; where it can't be had, autocannon. */
function chooseLoad(): [string, Load] {
  try {
    return ['wrk', wrkLoad(needProgram(['wrk'], 'wrk'))];
  } catch {
    process.stderr.write('No wrk: the load comes from autocannon.\n');
    return ['autocannon', autocannonLoad()];
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main(parseArguments(process.argv.slice(2)));
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error && error.message.includes('Usage:') ? error.message : error);
  process.exit(1);
}
