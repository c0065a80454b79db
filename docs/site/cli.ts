import type { AddressInfo } from 'node:net';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build, OUTPUT } from './build.ts';
import { installPackages, ROOT } from './packages.ts';
import { serve } from './serve.ts';

// `npm run docs`: builds the site of the documents. `npm run docs -- --serve` shows it, at `--port` if that is told.

const { values } = parseArgs({ options: { serve: { type: 'boolean', default: false }, port: { type: 'string', default: '4000' } } });

process.chdir(ROOT);
installPackages();
const { pages, dead } = await build();
console.log(`${pages} pages in ${relative('', OUTPUT)}`);
if (dead.length > 0) {
  console.error(`Links that lead nowhere:\n${dead.map((line) => `  ${line}`).join('\n')}`);
  process.exitCode = 1;
}
if (values.serve) {
  const server = await serve(OUTPUT, Number(values.port));
  console.log(`Open http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
