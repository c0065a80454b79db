import { main } from '../../src/cli/main.js';

// The command line where only node-redis is installed.

const load = (name: string) =>
  name === 'ioredis' ? Promise.reject(Object.assign(new Error("no 'ioredis'"), { code: 'ERR_MODULE_NOT_FOUND' })) : import(name);
const { stdin, stdout, stderr, env } = process;
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, env, clock: Date.now, load });
