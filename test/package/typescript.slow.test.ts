import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { codeBlocksOf } from '../helpers/code-blocks.js';
import { LinkedApp, pack } from './packed.js';

// Programs in TypeScript, or in JavaScript that TypeScript checks, that have the package installed.

const app = new LinkedApp(pack());
for (const name of ['express', 'ioredis', '@types/node', '@types/express']) app.link(name);

const IOREDIS = "import { Redis } from 'ioredis'; const client = new Redis();";
const NODE_REDIS = "import { createClient } from 'redis'; const client = createClient();";

const program = (client: string) => `
  import express from 'express';
  ${client}
  import { RedisStore, Session, session, type SessionOptions } from 'sojourn';
  import { type CookieSource, sessionOf, signedIn, type TestClock, testClock } from 'sojourn/testing';
  declare module 'sojourn' { interface SessionData { userId: string } }
  const options: SessionOptions = { store: new RedisStore(client), maxAge: { days: 1 } };
  const app = express();
  app.use(session(options));
  app.get('/', (req, res) => {
    const id: string | undefined = req.session.get('userId');
    // @ts-expect-error the value has another type
    req.session.set('userId', 42);
    res.send(id);
  });
  const clock: TestClock = testClock();
  const sessions = session({ clock });
  export async function visit(): Promise<string | undefined> {
    const ada = await signedIn(sessions, { userId: 'ada' });
    const cookies: CookieSource = [ada.browserCookie('http://127.0.0.1:3000')];
    return (await sessionOf(sessions, cookies))?.userId ?? (await sessionOf(sessions, await fetch('http://127.0.0.1:3000')))?.userId;
  }
  // @ts-expect-error internal
  void sessions.cookie;
  // @ts-expect-error internal
  new Session(new Session(options as never), true);
`;

/** As one on express-session looks, but for the import; it is a program of its own, as `req.session` has another type. */
const onDropIn = `
  import express from 'express';
  import { Redis } from 'ioredis';
  import { expressSessions, RedisStore } from 'sojourn';
  import session, { type SessionData, type SessionOptions, Store } from 'sojourn/express-session';
  declare module 'sojourn/express-session' { interface SessionData { user: string } }
  const client = new Redis();
  const options: SessionOptions = { secret: ['a', 'b'], store: new RedisStore(client), cookie: { maxAge: 60_000, secure: 'auto' } };
  const app = express();
  app.use(session({ ...options, takeOver: expressSessions({ client }), resave: false, saveUninitialized: false }));
  app.get('/', (req, res, next) => {
    const user: string | undefined = req.session.user;
    req.session.user = 'ada';
    // @ts-expect-error the value has another type
    req.session.user = 42;
    // @ts-expect-error nobody declared it
    req.session.none = 1;
    const id: string = req.sessionID + req.session.id;
    req.session.cookie.maxAge = 60_000;
    req.session.regenerate((error) => (error ? next(error) : req.session.save(next)));
    void req.session.save().then(() => req.session.cycleKey());
    req.sessionStore.get(id, (_error, data) => res.json([user, data?.cookie.expires]));
    // @ts-expect-error no session
    req.session = { user: 'ada' };
    req.session = null;
  });
  class Mine extends session.Store {
    get(_id: string, done: (error?: unknown, data?: { cookie: object } | null) => void): void { done(null, null); }
    set(_id: string, _data: object, done: (error?: unknown) => void): void { done(); }
    destroy(_id: string, done: (error?: unknown) => void): void { done(); }
  }
  session({ store: new Mine() });
  const data: Partial<SessionData> = { user: 'ada' };
  export const isStore = new session.MemoryStore() instanceof Store && data;
`;

const [readme] = codeBlocksOf('README.md').filter(({ language }) => language === 'ts');

/** As an editor checks JavaScript, and knows what it may complete. */
const javascript = (imports: string, exports: string) => `// @ts-check
  ${imports}
  const sessions = session({ maxAge: { days: 1 }, store: new MemoryStore() });
  /** @type {import('express').Handler} */
  const handler = (req, res) => void res.send(req.session.get('views', 0).toFixed());
  // @ts-expect-error there is no such option
  session({ resave: true });
  // @ts-expect-error there is no such method
  void sessions.issue({}).then(({ regenerate }) => regenerate);
  ${exports}
`;

const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' };
/** Checks the package's own declarations, too: those of the modules and those of the CommonJS build, under the strictest rules. */
const THOROUGH = { ...NODENEXT, skipLibCheck: false };
const NODE16 = { module: 'node16', moduleResolution: 'node16' };
const WAYS: [name: string, extension: string, compilerOptions: object][] = [
  ['node16, as a module', 'mts', NODE16],
  ['node16, as CommonJS', 'cts', NODE16],
  ['nodenext, as a module', 'mts', THOROUGH],
  ['nodenext, as CommonJS', 'cts', THOROUGH],
  ['bundler', 'ts', { module: 'esnext', moduleResolution: 'bundler' }],
  ['bundler, to CommonJS', 'ts', { module: 'commonjs', moduleResolution: 'bundler' }],
];

let projects = 0;

/** What tsc has to say about a program of one file, in the application's folder. */
function compile(file: string, text: string, compilerOptions: object): string {
  projects += 1;
  const project = `project-${projects}`;
  const common = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    esModuleInterop: true,
  };
  app.write({
    [`${project}/${file}`]: text,
    [`${project}/tsconfig.json`]: JSON.stringify({ compilerOptions: { ...common, ...compilerOptions }, include: ['.'] }),
  });
  try {
    const tsc = resolve('node_modules/typescript/bin/tsc');
    return execFileSync(process.execPath, [tsc, '-p', join(app.folder, project)], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe.each(WAYS)('with %s', (_, extension, compilerOptions) => {
  test("the README's first block compiles as it stands", () => {
    expect(compile(`readme.${extension}`, `${readme?.code}`, { ...compilerOptions, skipLibCheck: true })).toBe('');
  });

  test('a program with typed data and with tests compiles, and what is wrong in it does not', () => {
    expect(compile(`program.${extension}`, program(IOREDIS), compilerOptions)).toBe('');
  });

  test('a program on the drop-in compiles, and what is wrong in it does not', () => {
    expect(compile(`drop-in.${extension}`, onDropIn, compilerOptions)).toBe('');
  });
});

describe('JavaScript gets the types', () => {
  test.each([
    ['by import', 'program.mjs', "import { MemoryStore, session } from 'sojourn';", 'export { handler };'],
    ['by require', 'program.cjs', "const { MemoryStore, session } = require('sojourn');", 'module.exports = { handler };'],
  ])('%s', (_, file, imports, exports) => {
    expect(compile(file, javascript(imports, exports), { ...NODENEXT, allowJs: true })).toBe('');
  });
});

// The application has one client and nothing of the other.
test.each([
  ['ioredis 5', 'ioredis5', 'ioredis', IOREDIS],
  ['node-redis 6', 'redis', 'redis', NODE_REDIS],
  ['node-redis 5', 'redis5', 'redis', NODE_REDIS],
])('a program compiles with %s alone', (_, alias, as, client) => {
  for (const name of ['ioredis', 'redis']) app.unlink(name);
  app.link(alias, as);
  expect(compile('program.mts', program(client), NODENEXT)).toBe('');
});

test('a program compiles with no client installed', () => {
  for (const name of ['ioredis', 'redis']) app.unlink(name);
  const client = 'declare const client: ConstructorParameters<typeof RedisStore>[0];';
  expect(compile('program.mts', program(client), NODENEXT)).toBe('');
});
