import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { stopProgram } from '../../test/helpers/programs.ts';
import { onCore } from '../cores.ts';
import { median, spread } from '../figures.ts';
import { messageOf } from '../messages.ts';
import { BENCH, ROOT } from '../prepare.ts';
import type { Introduction } from './case.ts';
import type { Suite } from './main.ts';
import type { MicroResult } from './result.ts';

const BUILT = join(ROOT, 'artifacts', 'bench', 'micro.mjs');
/** Rounds for the compiler, before those that count. */
const WARM_UP = 3;

/** Measures the cases of a suite one after another: CPU time of each over its harness, both in turn, medians. */
export async function runMicro(suite: Suite, rounds: number): Promise<MicroResult[]> {
  await buildMicro();
  const results: MicroResult[] = [];
  for (let index = 0, cases = 1; index < cases; index += 1) {
    const own = await startCase(suite, index, 'own');
    const harness = await startCase(suite, index, 'harness');
    try {
      const { name, title, target } = own.introduction;
      cases = own.introduction.cases;
      const times: { own: number[]; harness: number[] } = { own: [], harness: [] };
      for (let round = 0; round < WARM_UP + rounds; round += 1) {
        times.harness.push(await harness.round());
        times.own.push(await own.round());
      }
      const below = median(times.harness.slice(WARM_UP));
      const microseconds = median(times.own.slice(WARM_UP)) - below;
      results.push({
        name,
        title,
        ...(target === undefined ? undefined : { target }),
        microseconds,
        spread: spread(times.own.slice(WARM_UP)),
      });
    } finally {
      await Promise.all([own.stop(), harness.stop()]);
    }
  }
  return results;
}

/** Type-checked against the sources, and run with what is shipped: the build in `dist`. */
async function buildMicro(): Promise<void> {
  await build({
    entryPoints: [join(BENCH, 'micro', 'main.ts')],
    outfile: BUILT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    plugins: [
      {
        name: 'sojourn as built',
        setup({ onResolve }) {
          onResolve({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
            const file = path.replace(/^.*\/src\/(.*)\.ts$/, 'dist/$1.js');
            return { path: pathToFileURL(join(ROOT, file)).href, external: true };
          });
        },
      },
    ],
  });
}

async function startCase(suite: Suite, index: number, side: 'own' | 'harness') {
  const child = spawn(...onCore('server', process.execPath, [BUILT, suite, String(index), side]), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
  });
  return {
    introduction: await messageOf<Introduction>(child),
    round(): Promise<number> {
      const answer = messageOf<number>(child);
      child.send('round');
      return answer;
    },
    stop: () => stopProgram(child),
  };
}
