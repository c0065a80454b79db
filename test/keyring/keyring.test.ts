import { inspect } from 'node:util';
import {
  encrypted,
  type Keyring,
  type KeyringOptions,
  keyring,
  type LoadSecrets,
  OptionError,
  type Secrets,
  session,
  signed,
} from 'sojourn';
import { SECRET } from '../helpers/app.js';
import { eventsDuring } from '../helpers/events.js';
import { type Deferred, deferred } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';

const [OLD, NEW, NEWEST] = [`${SECRET}, the old one`, `${SECRET}, the new one`, `${SECRET}, the newest`];
const MINUTE = 60_000;
const context = { binding: 'a record' };
const data = new Map<string, unknown>([['user', 'ann']]);

const warnings = recordWarnings();
const open: Keyring[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function begin(load: LoadSecrets, options?: KeyringOptions): Promise<Keyring> {
  const secrets = await keyring(load, options);
  open.push(secrets);
  return secrets;
}

/** A provider that a test tells what to give. */
function provider(given: Secrets | (() => ReturnType<LoadSecrets>) = OLD) {
  const signals: AbortSignal[] = [];
  const load = async (signal: AbortSignal): Promise<Secrets> => {
    signals.push(signal);
    return typeof provided.given === 'function' ? provided.given() : provided.given;
  };
  const provided = { given, load, signals };
  return provided;
}

/** Which of the secrets a keyring signs with, and which it accepts. */
function holds(secrets: Keyring): { signs: string | undefined; accepts: string[] } {
  const codec = signed(secrets);
  const readableBy = (text: string, keys: Secrets | Keyring) => {
    try {
      return signed(keys).decode(text, context).size > 0;
    } catch {
      return false;
    }
  };
  const all = [OLD, NEW, NEWEST];
  return {
    signs: all.find((secret) => readableBy(codec.encode(data, context), secret)),
    accepts: all.filter((secret) => readableBy(signed(secret).encode(data, context), secrets)),
  };
}

describe('the first load', () => {
  test.each<[string, LoadSecrets]>([
    ['a text', () => OLD],
    ['a list', () => [OLD]],
    ['a promise of a text', async () => OLD],
    ['a promise of a list', async () => Object.freeze([OLD])],
  ])('may give %s', async (_, load) => {
    expect(holds(await begin(load))).toEqual({ signs: OLD, accepts: [OLD] });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty list', []],
    ['a short secret', 'canary'],
    ['a short one in the list', [OLD, 'canary']],
    ['a list of nothing', new Array(2)],
    ['a number', 5],
    ['a Buffer', Buffer.from(OLD)],
    ['an object', { secret: OLD }],
  ])('that gives %s is an OptionError, which shows nothing of it', async (_, given) => {
    const error = await keyring(() => given as string).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code: 'ERR_SESSION_OPTION', option: 'keyring(load)' });
    expect(inspect(error)).not.toMatch(/canary|the old one/);
  });

  test('that fails rejects with what load() threw', async () => {
    const down = new Error('the vault is sealed');
    await expect(keyring(() => Promise.reject(down))).rejects.toBe(down);
    await expect(
      keyring(() => {
        throw down;
      }),
    ).rejects.toBe(down);
  });

  test('that hangs is an OptionError at its deadline, and its signal is aborted', async () => {
    jest.useFakeTimers();
    try {
      const hanging = provider(() => new Promise<string>(() => {}));
      const outcome = keyring(hanging.load, { timeout: 250 }).catch((reason: unknown) => reason);
      await jest.advanceTimersByTimeAsync(249);
      expect(hanging.signals[0]?.aborted).toBe(false);
      await jest.advanceTimersByTimeAsync(1);
      expect(await outcome).toMatchObject({ code: 'ERR_SESSION_OPTION', message: expect.stringContaining('within 250 ms') });
      expect(hanging.signals[0]?.aborted).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });

  test.each<[string, unknown, string]>([
    ['refreshEvery: 0', { refreshEvery: 0 }, 'refreshEvery'],
    ['refreshEvery of 25 days, which no timer takes', { refreshEvery: { days: 25 } }, 'refreshEvery'],
    ['refreshEvery: NaN', { refreshEvery: Number.NaN }, 'refreshEvery'],
    ['refreshEvery: null', { refreshEvery: null }, 'refreshEvery'],
    ['timeout: 0', { timeout: 0 }, 'timeout'],
    ['timeout: Infinity', { timeout: Number.POSITIVE_INFINITY }, 'timeout'],
    ['a timeout that no timer takes', { timeout: 2 ** 31 }, 'timeout'],
    ['an unknown option', { refreshevery: 60 }, 'refreshevery'],
  ])('is not begun with %s', async (_, options, option) => {
    const load = jest.fn(() => OLD);
    await expect(keyring(load, options as KeyringOptions)).rejects.toMatchObject({ code: 'ERR_SESSION_OPTION', option });
    expect(load).not.toHaveBeenCalled();
  });

  test('needs a function', async () => {
    await expect(keyring(OLD as never)).rejects.toMatchObject({ code: 'ERR_SESSION_OPTION', option: 'keyring(load)' });
  });
});

describe('as an option, a keyring that nobody waited for', () => {
  test.each([
    ['secret', (given: never) => session({ secret: given })],
    ['signed(keys)', (given: never) => signed(given)],
    ['encrypted(keys)', (given: never) => encrypted(given)],
  ])('is an error at start that says so: %s', async (option, use) => {
    const promised = keyring(() => OLD);
    expect(() => use(promised as never)).toThrow(expect.objectContaining({ option, message: expect.stringContaining('await') }));
    open.push(await promised);
  });
});

describe('refresh()', () => {
  test('puts what load() gives now in the place of what it gave before', async () => {
    const vault = provider();
    const secrets = await begin(vault.load);
    vault.given = [OLD, NEW];
    expect(await secrets.refresh()).toBe('changed');
    expect(holds(secrets)).toEqual({ signs: OLD, accepts: [OLD, NEW] });
    vault.given = [NEW, OLD];
    expect(await secrets.refresh()).toBe('changed');
    expect(holds(secrets)).toEqual({ signs: NEW, accepts: [OLD, NEW] });
    vault.given = NEW;
    expect(await secrets.refresh()).toBe('changed');
    expect(holds(secrets)).toEqual({ signs: NEW, accepts: [NEW] });
  });

  test('says when nothing changed, and publishes nothing then', async () => {
    const secrets = await begin(() => [OLD, NEW]);
    expect(await eventsDuring(async () => expect(await secrets.refresh()).toBe('unchanged'))).toEqual([]);
  });

  test('publishes a change with the number of secrets', async () => {
    const vault = provider();
    const secrets = await begin(vault.load);
    vault.given = [OLD, NEW];
    expect(await eventsDuring(() => secrets.refresh())).toEqual([['keyring', { outcome: 'changed', secrets: 2 }]]);
  });

  test('keeps a copy: a list that load() gave and changes later changes nothing', async () => {
    const list = [OLD];
    const secrets = await begin(() => list);
    list.push(NEW);
    expect(holds(secrets).accepts).toEqual([OLD]);
    expect(await secrets.refresh()).toBe('changed');
    expect(holds(secrets).accepts).toEqual([OLD, NEW]);
  });

  test('called while one is under way shares one more after it, which has seen what was there at the call', async () => {
    const loads: Deferred<Secrets>[] = [];
    const secrets = await begin(() => {
      const load = deferred<Secrets>();
      return loads.push(load) === 1 ? OLD : load.promise;
    });
    const [first, second, third] = [secrets.refresh(), secrets.refresh(), secrets.refresh()];
    expect(second).toBe(third);
    expect(loads).toHaveLength(2);
    loads[1]?.resolve(OLD);
    expect(await first).toBe('unchanged');
    expect(loads).toHaveLength(3);
    loads[2]?.resolve([OLD, NEW]);
    expect([await second, await third]).toEqual(['changed', 'changed']);
    expect(loads).toHaveLength(3);
    const fourth = secrets.refresh();
    loads[3]?.resolve([OLD, NEW]);
    expect(await fourth).toBe('unchanged');
  });

  test('warns once if a secret comes to the front that the process did not know: others may not know it', async () => {
    const vault = provider();
    const secrets = await begin(vault.load);
    vault.given = [OLD, NEW];
    await secrets.refresh();
    vault.given = [NEW, OLD];
    await secrets.refresh();
    expect(warnings.filter(({ code }) => code === 'SOJOURN_KEY_IN_FRONT')).toEqual([]);
    vault.given = [NEWEST, NEW];
    await secrets.refresh();
    const told = warnings.filter(({ code }) => code === 'SOJOURN_KEY_IN_FRONT');
    expect(told).toEqual([expect.objectContaining({ message: expect.stringContaining('behind the old one first') })]);
    expect(told[0]?.message).not.toContain(SECRET);
  });
});

describe('a refresh that fails', () => {
  const quoting = (text: string) => JSON.parse(text) as string;
  const failures: [string, () => ReturnType<LoadSecrets>, reason: string][] = [
    ['with an error that quotes the secret', () => quoting(NEW), 'load() failed with SyntaxError'],
    ['with a code', () => Promise.reject(Object.assign(new Error(NEW), { code: 'ENOENT' })), 'load() failed with ENOENT'],
    ['with a code that is the secret', () => Promise.reject(Object.assign(new Error(), { code: NEW })), 'load() failed with Error'],
    [
      'with the code of its cause, as fetch does',
      () => Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(NEW), { code: 'ECONNREFUSED' }) })),
      'load() failed with ECONNREFUSED',
    ],
    ['with a name that is the secret', () => Promise.reject(Object.assign(new Error(), { name: NEW })), 'load() failed with an error'],
    ['with an aborted fetch', () => Promise.reject(new DOMException(NEW, 'AbortError')), 'load() failed with AbortError'],
    ['with a text', () => Promise.reject(NEW), 'load() failed with what is no error'],
    ['with nothing', () => Promise.reject(), 'load() failed with what is no error'],
    ['with an empty list', () => [], 'what load() gives must be a text, or a list with at least one'],
    ['with a short secret', () => [NEW, 'canary'], expect.stringContaining('what load() gives each needs at least 32 characters')],
    ['with an object', () => ({ secret: NEW }) as never, 'what load() gives must be a text, or a list with at least one'],
  ];

  test.each(failures)('%s keeps the secrets, publishes why, and shows none', async (_, fail, reason) => {
    const vault = provider();
    const secrets = await begin(vault.load);
    vault.given = fail;
    const events = await eventsDuring(async () => expect(await secrets.refresh()).toBe('failed'));
    expect(events).toEqual([['keyring', { outcome: 'failed', secrets: 1, reason }]]);
    expect(JSON.stringify(events)).not.toMatch(/the new one|canary/);
    expect(holds(secrets)).toEqual({ signs: OLD, accepts: [OLD] });
    vault.given = [OLD, NEW];
    expect(await secrets.refresh()).toBe('changed');
  });

  test('is one warning for the process, which shows no secret', () => {
    const told = warnings.filter(({ code }) => code === 'SOJOURN_KEYRING');
    expect(told).toEqual([expect.objectContaining({ message: expect.stringContaining('stay in use') })]);
    expect(told[0]?.message).not.toMatch(/the new one|the old one|canary/);
  });
});

describe('with time passing', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('secrets are loaded again every five minutes, or as often as told', async () => {
    const vault = provider();
    await begin(vault.load);
    await jest.advanceTimersByTimeAsync(5 * MINUTE - 1);
    expect(vault.signals).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(vault.signals).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(10 * MINUTE);
    expect(vault.signals).toHaveLength(4);

    const often = provider();
    await begin(often.load, { refreshEvery: { seconds: 30 } });
    await jest.advanceTimersByTimeAsync(MINUTE);
    expect(often.signals).toHaveLength(3);
  });

  test('a failure is followed by the next attempt at its time', async () => {
    const vault = provider();
    const secrets = await begin(vault.load);
    vault.given = () => Promise.reject(new Error('down'));
    await jest.advanceTimersByTimeAsync(5 * MINUTE);
    vault.given = [NEW, OLD];
    expect(holds(secrets).signs).toBe(OLD);
    await jest.advanceTimersByTimeAsync(5 * MINUTE);
    expect(holds(secrets).signs).toBe(NEW);
  });

  test('a load that hangs is given up at its deadline, does not hold up those after it, and is not used when it comes late', async () => {
    const vault = provider();
    const secrets = await begin(vault.load, { timeout: 1000 });
    const late = deferred<string>();
    vault.given = () => late.promise;
    const hanging = secrets.refresh();
    vault.given = [NEW, OLD];
    const next = secrets.refresh();
    const events = await eventsDuring(() => jest.advanceTimersByTimeAsync(1000));
    expect(events[0]).toEqual(['keyring', { outcome: 'failed', secrets: 1, reason: 'what load() gives did not come within 1000 ms' }]);
    expect([await hanging, await next]).toEqual(['failed', 'changed']);
    expect(vault.signals.map(({ aborted }) => aborted)).toEqual([false, true, false]);
    late.resolve(NEWEST);
    await jest.advanceTimersByTimeAsync(0);
    expect(holds(secrets)).toEqual({ signs: NEW, accepts: [OLD, NEW] });
  });

  test('of loads that hang longer than the time between two there is one at a time', async () => {
    const vault = provider();
    await begin(vault.load, { refreshEvery: 1, timeout: 3500 });
    vault.given = () => new Promise<string>(() => {});
    await jest.advanceTimersByTimeAsync(1000);
    expect(vault.signals).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(3000);
    expect(vault.signals).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1000);
    expect(vault.signals).toHaveLength(3);
  });

  test('after close() nothing is loaded, what is under way is given up, and the secrets stay in use', async () => {
    const vault = provider();
    const secrets = await begin(vault.load);
    const late = deferred<string>();
    vault.given = () => late.promise;
    const running = secrets.refresh();
    const waiting = secrets.refresh();
    const events = await eventsDuring(async () => {
      secrets.close();
      expect([await running, await waiting, await secrets.refresh()]).toEqual(['closed', 'closed', 'closed']);
      late.resolve(NEW);
      await jest.advanceTimersByTimeAsync(10 * MINUTE);
    });
    expect(events).toEqual([]);
    expect(vault.signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(jest.getTimerCount()).toBe(0);
    expect(holds(secrets)).toEqual({ signs: OLD, accepts: [OLD] });
  });
});

test('a keyring shows no secret, however it is printed, and does not keep the process running', async () => {
  const timer = jest.spyOn(globalThis, 'setInterval');
  const secrets = await begin(() => [OLD]);
  expect((timer.mock.results[0] as jest.MockResultReturn<NodeJS.Timeout>).value.hasRef()).toBe(false);
  timer.mockRestore();
  for (const text of [inspect(secrets, { showHidden: true, depth: 9, getters: false }), JSON.stringify(secrets), `${secrets}`]) {
    expect(text).not.toContain(SECRET);
  }
});
