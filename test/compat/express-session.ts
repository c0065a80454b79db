import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { runSuite } from './suite.ts';
import { verdictOn } from './verdict.ts';

/**
 * Runs express-session's own tests, unchanged, against the drop-in. Ends with 1 if one fails that is not a known
 * difference, or if a known difference is none any more; with 2 if the tests can't be run.
 *
 *     git clone https://github.com/expressjs/session <folder>
 *     npm run compat:express-session -- <folder>
 *     npm run compat:express-session -- <folder> --subject express-session   the real one: it must pass all
 */
const DROP_IN = 'src/express-session/index.ts';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { subject: { type: 'string', default: DROP_IN } } });
  const [repository] = positionals;
  if (repository === undefined || !existsSync(join(repository, 'test'))) {
    process.stderr.write('Usage: npm run compat:express-session -- <folder of the repository expressjs/session> [--subject module]\n');
    return 2;
  }
  const run = await runSuite(repository, values.subject);
  const { ok, text } = verdictOn(run, values.subject === DROP_IN ? KNOWN_DIFFERENCES : {});
  process.stdout.write(`${text}\n`);
  return ok ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  },
);
