import { codeBlocksOf, runBlock } from '../helpers/code-blocks.js';
import { HARDENED, HARDENED_CLUSTER, HARDENED_NODE_REDIS, HARDENED_SENTINEL } from './clients.js';

/** Takes what a block gives to its client, and connects to nothing. */
class Recorder {
  readonly given: unknown[];
  constructor(...given: unknown[]) {
    this.given = given;
  }
  on(): void {}
  async connect(): Promise<void> {}
}

/** Settings as data: of a function, what it is. */
function plain(settings: unknown): unknown {
  return JSON.parse(
    JSON.stringify(settings, (_key, value: unknown) => (typeof value === 'function' ? value.toString().replace(/\s+/g, ' ') : value)),
  );
}

it.each([
  ['One Redis', HARDENED],
  ['Sentinel', HARDENED_SENTINEL],
  ['Cluster', HARDENED_CLUSTER],
  ['node-redis', HARDENED_NODE_REDIS],
])('docs/redis.md recommends for "%s" what the experiments use', (heading, settings) => {
  const block = codeBlocksOf('docs/redis.md').find(({ name }) => name === heading);
  if (block === undefined) throw new Error(`no code under ${heading}`);
  const declared = runBlock(block, () => ({ Redis: Recorder, Cluster: Recorder, createClient: () => new Recorder() }));
  expect(plain(declared.settings)).toEqual(plain(settings));
});
