import { report } from './report.js';
import { runFolder } from './run.js';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('usage: npm run conformance -- <folder with scenarios.json and expected.json>\n');
  process.exitCode = 2;
} else {
  const results = await runFolder(folder);
  process.stdout.write(`${report(results)}\n`);
  process.exitCode = results.length > 0 && results.every(({ differences }) => differences.length === 0) ? 0 : 1;
}
