import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
}

const manifest = (path: string): Manifest => JSON.parse(readFileSync(`${path}package.json`, 'utf8'));

/** All that `npm install sojourn` brings along. */
function installed({ dependencies, optionalDependencies }: Manifest): string[] {
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  return [...new Set(names.flatMap((name) => [name, ...installed(manifest(`node_modules/${name}/`))]))];
}

test('three packages come along with this one, and they bring no other', () => {
  expect(installed(manifest('')).sort()).toEqual(['cookie', 'cookie-signature', 'lru-cache']);
});

test('nothing runs when they are installed', () => {
  for (const path of ['', ...installed(manifest('')).map((name) => `node_modules/${name}/`)]) {
    const scripts = Object.keys(manifest(path).scripts ?? {});
    expect(scripts.filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
  }
  expect(manifest('').scripts).not.toHaveProperty('prepare');
});

test('loading and using it changes nothing that others have: no prototype, no module of Node, no global', async () => {
  const shared = {
    Object: Object.prototype,
    Array: Array.prototype,
    Map: Map.prototype,
    Promise: Promise.prototype,
    OutgoingMessage: http.OutgoingMessage.prototype,
    ServerResponse: http.ServerResponse.prototype,
    IncomingMessage: http.IncomingMessage.prototype,
    Http2ServerResponse: http2.Http2ServerResponse.prototype,
    http,
    process,
  };
  // Names only: Node puts a value in the place of a getter when somebody uses it.
  const globals = () => Object.getOwnPropertyNames(globalThis).sort();
  const picture = () =>
    Object.entries(shared).map(([name, object]) => [name, Object.entries(Object.getOwnPropertyDescriptors(object)).map(describe)]);
  const describe = ([key, { value, get, set }]: [string, PropertyDescriptor]) => [
    key,
    typeof value === 'function' ? value : undefined,
    get,
    set,
  ];
  // What the tools of this test bring along is there before.
  const { Client, listen } = await import('../helpers/app.js');
  const before = picture();
  const globalsBefore = globals();
  const { session } = await import('sojourn');
  const sessions = session({ secret: 'a secret of thirty-two characters, or more' });
  const running = await listen(
    http.createServer((req, res) => {
      sessions(req, res, () => {
        (req as typeof req & { session: { set(key: string, value: unknown): object } }).session.set('a', 1);
        res.end('done');
      });
    }),
  );
  expect((await new Client(running.origin).get('/')).status).toBe(200);
  await running.close();
  const after = picture();
  expect(globals()).toEqual(globalsBefore);
  for (const [index, [name, descriptors]] of before.entries()) expect([name, after[index]?.[1]]).toEqual([name, descriptors]);
});
