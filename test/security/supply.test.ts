import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';

interface Locked {
  dev?: boolean;
  devOptional?: boolean;
  hasInstallScript?: boolean;
  resolved?: string;
  integrity?: string;
}

const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const installed = Object.entries(lock.packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional);

test('three packages come along with this one, and they bring no other', () => {
  expect(installed.map(([path]) => path).sort()).toEqual([
    'node_modules/cookie',
    'node_modules/cookie-signature',
    'node_modules/lru-cache',
  ]);
});

test('nothing runs when they are installed, and each is known by its hash', () => {
  for (const [, { hasInstallScript, integrity }] of installed) {
    expect(hasInstallScript).toBeFalsy();
    expect(integrity).toMatch(/^sha512-/);
  }
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
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
