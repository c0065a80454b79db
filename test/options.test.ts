import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { encrypted, json, MemoryStore, OptionError, type Session, Session as SessionClass, type SessionOptions, session } from 'sojourn';
import { resolveOptions, resolveStandaloneOptions } from '../src/options.js';
import { SECRET } from './helpers/app.js';

const refused = (option: string) => expect.objectContaining({ name: 'OptionError', code: 'ERR_SESSION_OPTION', status: 500, option });

describe('a bad option is an error at start that names it', () => {
  test.each<[string, unknown, string]>([
    ['no object', 'x', 'options'],
    ['null', null, 'options'],
    ['an unknown name', { secrets: SECRET }, 'secrets'],
    ["express-session's resave", { resave: false }, 'resave'],
    ["an object's own names", { constructor: 1 }, 'constructor'],
    ['an unknown cookie option', { cookie: { maxAge: 5 } }, 'cookie.maxAge'],
    ['cookie: null', { cookie: null }, 'cookie'],
    ['cookie: true', { cookie: true }, 'cookie'],
    ['a short secret', { secret: 'x'.repeat(31) }, 'secret'],
    ['an empty secret', { secret: '' }, 'secret'],
    ['no secret in the list', { secret: [] }, 'secret'],
    ['a short secret in the list', { secret: [SECRET, 'short'] }, 'secret'],
    ['a number in the list', { secret: [SECRET, 5] }, 'secret'],
    ['a number as the secret', { secret: 5 }, 'secret'],
    ['secret: null', { secret: null }, 'secret'],
    ['maxAge as a text', { maxAge: '14d' }, 'maxAge'],
    ['maxAge in milliseconds', { maxAge: 1_209_600_000 }, 'maxAge'],
    ['maxAge of more than 400 days', { maxAge: { days: 401 } }, 'maxAge'],
    ['maxAge: 0', { maxAge: 0 }, 'maxAge'],
    ['maxAge below 0', { maxAge: -1 }, 'maxAge'],
    ['maxAge: NaN', { maxAge: Number.NaN }, 'maxAge'],
    ['maxAge: null', { maxAge: null }, 'maxAge'],
    ['maxAge of unknown parts', { maxAge: { weeks: 2 } }, 'maxAge'],
    ['absoluteTimeout as a text', { absoluteTimeout: '12h' }, 'absoluteTimeout'],
    ['absoluteTimeout: 0', { absoluteTimeout: 0 }, 'absoluteTimeout'],
    ['absoluteTimeout: false', { absoluteTimeout: false }, 'absoluteTimeout'],
    ['expireAtBrowserClose as a number', { expireAtBrowserClose: 1 }, 'expireAtBrowserClose'],
    ['saveEveryRequest as a text', { saveEveryRequest: 'yes' }, 'saveEveryRequest'],
    ['lazy as a text', { lazy: 'false' }, 'lazy'],
    ['codec by name', { codec: 'json' }, 'codec'],
    ['codec not called', { codec: json }, 'codec'],
    ['codec: null', { codec: null }, 'codec'],
    ['codec that only encodes', { codec: { encode: () => '' } }, 'codec'],
    ['maxBytes: 0', { maxBytes: 0 }, 'maxBytes'],
    ['maxBytes as a text', { maxBytes: '64kb' }, 'maxBytes'],
    ['maxBytes of a fraction', { maxBytes: 0.5 }, 'maxBytes'],
    ['maxBytes: Infinity', { maxBytes: Number.POSITIVE_INFINITY }, 'maxBytes'],
    ['property: empty', { property: '' }, 'property'],
    ['property as a symbol', { property: Symbol('s') }, 'property'],
    ['onInterrupted: ignore', { onInterrupted: 'ignore' }, 'onInterrupted'],
    ['clock as a number', { clock: 5 }, 'clock'],
    ['clock as a Date', { clock: new Date() }, 'clock'],
    ['store: null', { store: null }, 'store'],
    ['store by name', { store: 'redis' }, 'store'],
    ["express-session's store", { store: { get() {}, set() {}, destroy() {} } }, 'store'],
  ])('%s', (_, options, option) => {
    const start = () => session({ secret: SECRET, ...(options as SessionOptions) });
    const direct = () => session(options as SessionOptions);
    expect(typeof options === 'object' && options !== null ? start : direct).toThrow(refused(option));
    expect(typeof options === 'object' && options !== null ? start : direct).toThrow(OptionError);
  });

  test.each<[string, unknown, string]>([
    ['no store', {}, 'store'],
    ['a cookie', { store: new MemoryStore(), cookie: {} }, 'cookie'],
    ['a secret', { store: new MemoryStore(), secret: SECRET }, 'secret'],
    ['maxAge: 0', { store: new MemoryStore(), maxAge: 0 }, 'maxAge'],
    ['no options', undefined, 'options'],
  ])('of a session without Express, too: %s', (_, options, option) => {
    expect(() => new SessionClass(options as { store: MemoryStore })).toThrow(refused(option));
  });

  test('and its message says what there is, and never the secret', () => {
    expect(() => session({ secret: SECRET, resave: false } as SessionOptions)).toThrow(/^resave: is no option\. There are: .*secret.*lazy/);
    expect(() => session({ secret: 'canary' })).toThrow(/openssl rand -base64 32/);
    expect(() => session({ secret: 'canary' })).not.toThrow('canary');
    expect(() => session({ secret: SECRET, maxAge: 1_209_600_000 })).toThrow(/did you mean 1209600\?/);
    expect(() => session({ secret: SECRET, store: {} as MemoryStore })).toThrow(
      /has no read, create, update, touch, retire, delete, exists/,
    );
  });
});

describe('options', () => {
  test('have these defaults', () => {
    const settings = resolveOptions({ secret: SECRET });
    expect(settings).toMatchObject({
      maxAge: 1_209_600,
      absoluteTimeout: undefined,
      expireAtBrowserClose: false,
      saveEveryRequest: false,
      lazy: false,
      maxBytes: 65_536,
      property: 'session',
      onInterrupted: 'error',
      clock: Date.now,
      keySalt: 'sojourn.session',
      cookie: { name: 'sessionid', path: '/', secure: 'auto' },
    });
    expect(settings.store).toBeInstanceOf(MemoryStore);
  });

  test('are taken as they are given, and the object is not changed', () => {
    const store = new MemoryStore();
    const codec = encrypted(SECRET);
    const clock = () => 5;
    const options = Object.freeze({
      secret: Object.freeze([SECRET, `${SECRET} old`]),
      store,
      codec,
      clock,
      cookie: Object.freeze({ name: 'sid', path: '/admin', secure: true }),
      maxAge: { hours: 1 },
      absoluteTimeout: { days: 1 },
      expireAtBrowserClose: true,
      saveEveryRequest: true,
      lazy: true,
      maxBytes: 1000,
      property: 'admin',
      onInterrupted: 'discard' as const,
    });
    expect(resolveOptions(options)).toMatchObject({
      store,
      codec,
      clock,
      cookie: { name: 'sid', path: '/admin', secure: true },
      maxAge: 3600,
      absoluteTimeout: 86_400,
      expireAtBrowserClose: true,
      saveEveryRequest: true,
      lazy: true,
      maxBytes: 1000,
      property: 'admin',
      onInterrupted: 'discard',
    });
  });

  test('may be undefined, which means: as if they were not there', () => {
    const options = { maxAge: undefined, store: undefined, lazy: undefined, cookie: undefined, codec: undefined };
    expect(resolveOptions({ secret: SECRET, ...(options as unknown as SessionOptions) })).toMatchObject({ maxAge: 1_209_600, lazy: false });
  });

  test.each([1, { seconds: 1 }, 400 * 86_400, { days: 400 }])('maxAge may be %j', (maxAge) => {
    expect(() => session({ secret: SECRET, maxAge })).not.toThrow();
  });

  test('of a session without Express are the common ones', () => {
    const store = new MemoryStore();
    expect(resolveStandaloneOptions({ store, maxAge: 60, expireAtBrowserClose: true })).toMatchObject({
      store,
      maxAge: 60,
      expireAtBrowserClose: true,
    });
    const lone: Session = new SessionClass({ store, maxAge: 60 });
    expect(lone.getSessionCookieAge()).toBe(60);
  });

  test('clock goes to the memory store that is made for it', async () => {
    let now = 1_700_000_000_000;
    const { store } = session({ secret: SECRET, clock: () => now, maxAge: 10 });
    await store.create('key', 'payload', 10);
    now += 10_000;
    expect(await store.read('key')).toBeNull();
    await store.close();
  });
});

describe('the process around it', () => {
  test('warns in the process it runs in', () => {
    const { SESSION_SECRET, NODE_ENV } = process.env;
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      delete process.env.SESSION_SECRET;
      jest.isolateModules(() => {
        const fresh = require('../src/options.js') as typeof import('../src/options.js');
        fresh.resolveOptions();
        process.env.NODE_ENV = 'production';
        fresh.resolveOptions({ secret: SECRET });
        expect(() => fresh.resolveOptions()).toThrow(refused('secret'));
      });
      const codes = warn.mock.calls.map(([, options]) => options as { type: string; code: string });
      expect(codes.map(({ type, code }) => [type, code])).toEqual([
        ['SojournWarning', 'SOJOURN_RANDOM_SECRET'],
        ['SojournWarning', 'SOJOURN_MEMORY_STORE'],
      ]);
    } finally {
      warn.mockRestore();
      Object.assign(process.env, { NODE_ENV, ...(SESSION_SECRET === undefined ? undefined : { SESSION_SECRET }) });
    }
  });

  // One file, made once: a process that has to transpile the sources itself takes several times as long to start.
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-options-'));
  const built = join(folder, 'sojourn.cjs');
  beforeAll(() => build({ entryPoints: ['src/index.ts'], bundle: true, platform: 'node', format: 'cjs', outfile: built }));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs a script in a process of its own: warnings come once per process. What it prints, and its warnings. */
  function run(script: string, env: Record<string, string> = {}) {
    const { SESSION_SECRET: _secret, NODE_ENV: _env, ...rest } = process.env;
    const code = `
      const warnings = [];
      process.on('warning', ({ name, code, message }) => warnings.push({ name, code, message }));
      import(${JSON.stringify(built)}).then(async ({ session }) => {
        let error;
        try { ${script} } catch (thrown) { error = { code: thrown.code, option: thrown.option, message: thrown.message }; }
        setImmediate(() => console.log(JSON.stringify({ warnings, error })));
      });`;
    const output = execFileSync(process.execPath, ['--no-warnings', '-e', code], {
      env: { ...rest, ...env },
      encoding: 'utf8',
    });
    return JSON.parse(output) as {
      warnings: { name: string; code: string; message: string }[];
      error?: { code: string; option: string; message: string };
    };
  }

  test('outside of production, no secret is a random one, said once', () => {
    const { warnings, error } = run('session(); session(); session({ lazy: true });');
    expect(error).toBeUndefined();
    expect(warnings.map(({ name, code }) => [name, code])).toEqual([['SojournWarning', 'SOJOURN_RANDOM_SECRET']]);
    expect(warnings[0]?.message).toMatch(/SESSION_SECRET/);
  });

  test('SESSION_SECRET is the secret, and the option goes before it', () => {
    const script = `
      const own = await session().issue({});
      const read = async (options) => (await session(options).load({ headers: { cookie: own.cookie } })).sessionKey;
      if ((await read({ secret: process.env.SESSION_SECRET })) !== null) throw new Error('found in another store');`;
    expect(run(script, { SESSION_SECRET: SECRET })).toEqual({ warnings: [] });
    expect(run("session({ secret: 'short' });", { SESSION_SECRET: SECRET }).error?.option).toBe('secret');
    expect(run(`session({ secret: '${SECRET}' });`, { SESSION_SECRET: 'short' }).error).toBeUndefined();
    expect(run('session();', { SESSION_SECRET: 'short' }).error?.option).toBe('secret');
    expect(run('session();', { SESSION_SECRET: '' }).error?.option).toBe('secret');
  });

  test('in production, no secret is an error', () => {
    const { error } = run('session();', { NODE_ENV: 'production' });
    expect(error).toMatchObject({ code: 'ERR_SESSION_OPTION', option: 'secret', message: expect.stringMatching(/SESSION_SECRET/) });
  });

  test('in production, the memory store is a warning, said once, unless it was asked for', () => {
    const env = { NODE_ENV: 'production', SESSION_SECRET: SECRET };
    const { warnings } = run('session(); session();', env);
    expect(warnings.map(({ name, code }) => [name, code])).toEqual([['SojournWarning', 'SOJOURN_MEMORY_STORE']]);
    expect(warnings[0]?.message).toMatch(/RedisStore/);
    expect(run('session({ store: session({ lazy: true }).store });', { SESSION_SECRET: SECRET }).warnings).toEqual([]);
  });
});
