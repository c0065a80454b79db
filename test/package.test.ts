import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

// The package as npm would publish it, built from a copy of the sources and unpacked as npm would install it.
let folder: string;
let app: string;
let installed: string;

const modules = resolve('node_modules');
const link = (name: string, as = name, into = app) => {
  mkdirSync(join(into, 'node_modules', as, '..'), { recursive: true });
  symlinkSync(join(modules, name), join(into, 'node_modules', as));
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-package-'));
  const source = join(folder, 'source');
  for (const name of ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    if (existsSync(name)) cpSync(name, join(source, name), { recursive: true });
  }
  symlinkSync(modules, join(source, 'node_modules'));
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: source, stdio: ['ignore', 'pipe', 'pipe'] });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string;

  app = join(folder, 'app');
  installed = join(app, 'node_modules', 'sojourn');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true }');
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', installed, '--strip-components=1']);
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  for (const name of Object.keys(dependencies)) link(name);
  for (const name of ['express', '@types/node', '@types/express']) link(name);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IMPORT_OF_A_CLIENT = /(from|import\(|require\() ?['"](ioredis|redis|@redis\/[\w-]+)['"]/;

const files = (path: string): string[] => readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name));

describe('the package', () => {
  test('holds the compiled sources with their types, and no source, test or map', () => {
    const names = files(installed);
    expect(names.filter((name) => !name.startsWith('dist/')).sort()).toEqual(
      expect.arrayContaining(['README.md', 'package.json'].filter((name) => existsSync(name))),
    );
    expect(names).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'dist/stores/redis.js']));
    expect(names.filter((name) => /test(?!ing\.(js|d\.ts)$)|bench|example|(?<!\.d)\.ts$/.test(name))).toEqual([]);
    const sources = files('src').filter((name) => name.endsWith('.ts'));
    expect(names.filter((name) => name.endsWith('.js')).sort()).toEqual(sources.map((name) => `dist/${name.replace('.ts', '.js')}`).sort());
  });

  test('has few dependencies, and no script that runs when it is installed', () => {
    const { dependencies, scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(Object.keys(dependencies).sort()).toEqual(['cookie', 'cookie-signature', 'lru-cache']);
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });

  test('declares what is public, and nothing internal', () => {
    const session = readFileSync(join(installed, 'dist', 'session.d.ts'), 'utf8');
    expect(session.match(/constructor\(/g)).toEqual(['constructor(']);
    expect(session).not.toMatch(/UnitOfWork|workOf|@internal/);
    for (const name of files(join(installed, 'dist')).filter((name) => name.endsWith('.d.ts'))) {
      expect([name, readFileSync(join(installed, 'dist', name), 'utf8')]).toEqual([name, expect.not.stringContaining('@internal')]);
    }
  });

  test('imports no Redis client and no type of one: it runs and compiles with whichever is there', () => {
    for (const name of files(join(installed, 'dist'))) {
      expect([name, readFileSync(join(installed, 'dist', name), 'utf8')]).toEqual([name, expect.not.stringMatching(IMPORT_OF_A_CLIENT)]);
    }
    const { peerDependenciesMeta } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(peerDependenciesMeta).toEqual({ ioredis: { optional: true }, redis: { optional: true } });
  });
});

describe('a program in JavaScript', () => {
  const use = `
    const store = new MemoryStore();
    const one = new Session({ store });
    one.set('name', 'Ada').save().then(async () => {
      const same = await new Session({ store, sessionKey: one.sessionKey }).load();
      console.log(typeof session, same.get('name'), [MemoryStore, RedisStore, Session, UpdateError].every((f) => typeof f === 'function'));
    });`;
  const names = '{ MemoryStore, RedisStore, Session, session, UpdateError }';
  const run = (file: string, text: string) => {
    writeFileSync(join(app, file), text + use);
    return execFileSync(process.execPath, [file], { cwd: app, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  };

  test('imports it', () => {
    expect(run('program.mjs', `import ${names} from 'sojourn';`)).toBe('function Ada true');
  });

  test('requires it', () => {
    expect(run('program.cjs', `const ${names} = require('sojourn');`)).toBe('function Ada true');
  });

  test('gets the same thing by both', () => {
    const text =
      "const required = require('sojourn'); import('sojourn').then((imported) => console.log(required.Session === imported.Session));";
    writeFileSync(join(app, 'both.cjs'), text);
    expect(execFileSync(process.execPath, ['both.cjs'], { cwd: app, encoding: 'utf8' }).trim()).toBe('true');
  });

  const useTesting = `
    signedIn(session({ secret: 'a secret of the tests, long enough for all', clock }), { name: 'Ada' }).then(async ({ cookie }) => {
      clock.advance({ hours: 1 });
      console.log(cookie.slice(0, 10), typeof sessionOf);
    });`;

  test.each([
    ['imports', 'testing.mjs', "import { session } from 'sojourn'; import { sessionOf, signedIn, testClock } from 'sojourn/testing';"],
    [
      'requires',
      'testing.cjs',
      "const { session } = require('sojourn'); const { sessionOf, signedIn, testClock } = require('sojourn/testing');",
    ],
  ])('%s what its tests need', (_, file, imports) => {
    writeFileSync(join(app, file), `${imports} const clock = testClock();${useTesting}`);
    const run = () => execFileSync(process.execPath, [file], { cwd: app, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
    expect(run()).toBe('sessionid= function');
  });

  const useDropIn = `
    const app = session({ secret: 'x', resave: false, saveUninitialized: false });
    class Mine extends session.Store {}
    const names = ['Cookie', 'MemoryStore', 'Session', 'Store'].filter((name) => typeof session[name] === 'function');
    console.log(typeof session, app.length, new Mine() instanceof session.Store, names.join());`;

  test.each([
    ['imports', 'drop-in.mjs', "import session from 'sojourn/express-session';"],
    [
      'imports the names of',
      'named.mjs',
      "import session, { Store } from 'sojourn/express-session'; if (Store !== session.Store) throw 1;",
    ],
    ['requires', 'drop-in.cjs', "const session = require('sojourn/express-session');"],
  ])('%s the drop-in, as it did with express-session', (_, file, imports) => {
    writeFileSync(join(app, file), imports + useDropIn);
    const run = () => execFileSync(process.execPath, [file], { cwd: app, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
    expect(run()).toBe('function 3 true Cookie,MemoryStore,Session,Store');
  });

  test("can't import what is inside", () => {
    expect(() => run('inside.mjs', `import 'sojourn/dist/unit-of-work.js'; import ${names} from 'sojourn';`)).toThrow(
      /ERR_PACKAGE_PATH_NOT_EXPORTED/,
    );
  });
});

describe('the command line', () => {
  const sojourn = (...args: string[]) =>
    spawnSync(process.execPath, [join(installed, bin), ...args, '--prefix', 'sojourn:package-test:'], {
      cwd: app,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
  let bin: string;
  beforeAll(() => {
    bin = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')).bin.sojourn;
  });

  test('is a program that npm can start', () => {
    expect(readFileSync(join(installed, bin), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(sojourn('--help')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('sojourn list') });
  });

  test('says what to install where there is no client', () => {
    const stderr = 'sojourn: a Redis client is missing: npm install ioredis, or npm install redis\n';
    expect(sojourn('list')).toMatchObject({ status: 1, stdout: '', stderr });
  });

  test.each([
    ['ioredis 6', 'ioredis', 'ioredis'],
    ['ioredis 5', 'ioredis5', 'ioredis'],
    ['node-redis 6', 'redis', 'redis'],
    ['node-redis 5', 'redis5', 'redis'],
  ])('works with %s alone', (_, alias, as) => {
    link(alias, as);
    try {
      expect(sojourn('list')).toMatchObject({ status: 0, stdout: '', stderr: '' });
      expect(sojourn('clear-expired', '--json')).toMatchObject({ status: 0, stdout: '{"records":0,"names":0}\n', stderr: '' });
    } finally {
      rmSync(join(app, 'node_modules', as));
    }
  });
});

describe('a program in TypeScript', () => {
  const IOREDIS = "import { Redis } from 'ioredis'; const client = new Redis();";
  const NODE_REDIS = "import { createClient } from 'redis'; const client = createClient();";
  const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' };
  beforeAll(() => link('ioredis'));

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

  /** What tsc has to say about a program; the library's own types are checked as well. */
  function compile(name: string, file: string, compilerOptions: object, text = program(IOREDIS)): string {
    const project = join(app, name);
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, file), text);
    const common = { strict: true, noEmit: true, target: 'es2022', lib: ['es2023'], types: ['node'], esModuleInterop: true };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...common, ...compilerOptions }, include: ['.'] }));
    try {
      return execFileSync(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', project], { encoding: 'utf8' });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  }

  test.each([
    ['node16, as a module', 'program.mts', { module: 'node16', moduleResolution: 'node16' }],
    ['nodenext, as a module', 'program.mts', NODENEXT],
    ['nodenext, as CommonJS', 'program.cts', NODENEXT],
    ['bundler', 'program.ts', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('compiles with %s', (name, file, compilerOptions) => {
    expect(compile(name.replace(/\W/g, '-'), file, compilerOptions)).toBe('');
  });

  test.each([
    ['nodenext, as a module', 'program.mts', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['nodenext, as CommonJS', 'program.cts', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['bundler', 'program.ts', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('on the drop-in compiles with %s', (name, file, compilerOptions) => {
    expect(compile(`drop-in-${name.replace(/\W/g, '-')}`, file, compilerOptions, onDropIn)).toBe('');
  });

  // The application has one client and nothing of the other.
  test.each([
    ['ioredis 5', 'ioredis5', 'ioredis', IOREDIS],
    ['node-redis 6', 'redis', 'redis', NODE_REDIS],
    ['node-redis 5', 'redis5', 'redis', NODE_REDIS],
  ])('compiles with %s alone', (name, alias, as, client) => {
    rmSync(join(app, 'node_modules', 'ioredis'), { force: true });
    rmSync(join(app, 'node_modules', 'redis'), { force: true });
    link(alias, as);
    expect(compile(name.replace(/\W/g, '-'), 'program.mts', NODENEXT, program(client))).toBe('');
  });

  test('compiles with none installed', () => {
    rmSync(join(app, 'node_modules', 'redis'), { force: true });
    expect(
      compile('no-client', 'program.mts', NODENEXT, program('declare const client: ConstructorParameters<typeof RedisStore>[0];')),
    ).toBe('');
  });
});
