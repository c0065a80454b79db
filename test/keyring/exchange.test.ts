import crypto from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { encrypted, type Keyring, keyring, MemoryStore, RedisStore, type SessionOptions, type Store, signed } from 'sojourn';
import { type Running, SECRET, startApp } from '../helpers/app.js';
import { eventsDuring } from '../helpers/events.js';
import { connect, ownPrefix } from '../helpers/redis-client.js';
import { recordWarnings } from '../helpers/warnings.js';

// Secrets and the keys of records are exchanged in two steps, in two processes with connections and keyrings of their
// own, one after the other, while visitors read and write in both.

/** What the provider of all processes gives. */
interface Vault {
  secret: string[];
  keys: string[];
}

interface Process extends Running {
  /** Loads what the vault has now. */
  refresh(): Promise<unknown>;
}

const secretNamed = (name: string) => `${SECRET}, the ${name} secret`;
const keyNamed = (name: string) => `${SECRET}, the ${name} key`;
const holding = (...names: string[]): Vault => ({ secret: names.map(secretNamed), keys: names.map(keyNamed) });

const warnings = recordWarnings();
const open: { close(): unknown }[] = [];
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

async function startProcess(
  vault: Vault,
  store: Store,
  options: (secret: Keyring, keys: Keyring) => SessionOptions = both,
): Promise<Process> {
  const provided = (name: keyof Vault) =>
    keyring(async () => {
      await turn();
      return vault[name];
    });
  const [secret, keys] = [await provided('secret'), await provided('keys')];
  const app = await startApp({ store, ...options(secret, keys) }, (routes) => {
    routes.get('/login/:user', (req, res) => {
      req.session.cycleKey();
      req.session.update({ user: req.params.user, left: 0, right: 0 });
      res.json(null);
    });
    routes.get('/read', (req, res) => void res.json(req.session.get('user') ?? null));
    routes.get('/add/:name', (req, res) => {
      const { name } = req.params;
      req.session.set(name, (req.session.get(name, 0) as number) + 1);
      res.json([req.session.get('user') ?? null, req.session.get(name)]);
    });
  });
  open.push(app, secret, keys);
  return { ...app, refresh: () => Promise.all([secret.refresh(), keys.refresh()]) };
}

function both(secret: Keyring, keys: Keyring): SessionOptions {
  return { secret, codec: signed(keys, encrypted(keys)) };
}

/** A browser that goes to all processes with one cookie. */
class Visitor {
  readonly #user: string;
  cookie = '';

  constructor(user: string) {
    this.#user = user;
  }

  async get(where: Running, path: string): Promise<{ status: number; body: unknown }> {
    const client = where.client();
    const { status, body } = await client.get(path, { headers: { cookie: this.cookie } });
    if (client.jar.size > 0) this.cookie = client.cookie;
    return { status, body: JSON.parse(body) };
  }

  async signIn(where: Running): Promise<void> {
    await this.get(where, `/login/${this.#user}`);
  }

  /** Reads and writes in both processes at once; whatever is not as it must be. `round`: how many times it has done so, this included. */
  async goRound([one, other]: readonly [Running, Running], round: number): Promise<unknown[]> {
    const replies = await Promise.all([
      this.get(one, '/add/left'),
      this.get(other, '/add/right'),
      this.get(one, '/read'),
      this.get(other, '/read'),
    ]);
    const expected = [[this.#user, round], [this.#user, round], this.#user, this.#user].map((body) => ({ status: 200, body }));
    return replies.filter((reply, index) => JSON.stringify(reply) !== JSON.stringify(expected[index]));
  }
}

/** Visitors who go round until they are told to stop. */
class Load {
  readonly problems: unknown[] = [];
  readonly #rounds: number[];
  readonly #visits: Promise<void>[];
  #stopped = false;
  #onRound = () => {};

  constructor(visitors: readonly Visitor[], processes: readonly [Running, Running]) {
    this.#rounds = visitors.map(() => 0);
    this.#visits = visitors.map((visitor, index) => this.#visit(visitor, index, processes));
  }

  async #visit(visitor: Visitor, index: number, processes: readonly [Running, Running]): Promise<void> {
    while (!this.#stopped) {
      const round = (this.#rounds[index] as number) + 1;
      this.problems.push(...(await visitor.goRound(processes, round)));
      this.#rounds[index] = round;
      this.#onRound();
    }
  }

  /** Until each visitor has begun and ended a round from here on. */
  async goesOn(): Promise<void> {
    const from = [...this.#rounds];
    await new Promise<void>((resolve) => {
      this.#onRound = () => {
        if (this.#rounds.every((round, index) => round >= (from[index] as number) + 2)) resolve();
      };
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#visits);
  }
}

describe('secrets and keys of records, exchanged in two steps in two processes under load', () => {
  const stores = { Redis: () => sharedRedis(ownPrefix()), 'a memory store': sharedMemory };

  test.each(Object.entries(stores))('log nobody out and lose nothing, on %s', async (_, makeStores) => {
    const vault = holding('first');
    const [here, there] = makeStores();
    const processes: [Process, Process] = [await startProcess(vault, here), await startProcess(vault, there)];
    const visitors = Array.from({ length: 6 }, (__, index) => new Visitor(`visitor ${index}`));
    const sleeper = new Visitor('sleeper');
    for (const [index, visitor] of [...visitors, sleeper].entries()) await visitor.signIn(processes[index % 2] as Process);
    const asleep = sleeper.cookie;

    const load = new Load(visitors, processes);
    const events = await eventsDuring(async () => {
      for (const [old, next] of [
        ['first', 'second'],
        ['second', 'third'],
      ] as const) {
        for (const step of [holding(old, next), holding(next, old), holding(next)]) {
          Object.assign(vault, step);
          for (const process of processes) {
            await process.refresh();
            await load.goesOn();
          }
        }
      }
      await load.stop();
    });
    const wrong = ['refused', 'corrupt', 'interrupted', 'storeError'];
    expect({ problems: load.problems, events: events.filter(([name]) => wrong.includes(name)) }).toEqual({ problems: [], events: [] });
    expect(events.filter(([name, { found }]) => name === 'loaded' && found === false)).toEqual([]);
    expect(events.filter(([name]) => name === 'keyring')).toHaveLength(2 * 2 * 6);
    expect(warnings.filter(({ code }) => code === 'SOJOURN_KEY_IN_FRONT')).toEqual([]);

    // Who was away all the time comes with what the dropped secret has signed: a stranger, and no error.
    for (const process of processes) {
      expect(await sleeper.get(process, '/read')).toEqual({ status: 200, body: null });
      sleeper.cookie = asleep;
      expect(await sleeper.get(process, '/add/left')).toEqual({ status: 200, body: [null, 1] });
      expect(sleeper.cookie).not.toBe(asleep);
      expect(await sleeper.get(process, '/add/left')).toEqual({ status: 200, body: [null, 2] });
      sleeper.cookie = asleep;
    }
  });

  test('in one step, a process that has not heard of it takes for a stranger who comes from one that has', async () => {
    const vault = holding('first');
    const [here, there] = sharedMemory();
    const [fast, slow] = [await startProcess(vault, here), await startProcess(vault, there)];
    const visitor = new Visitor('ann');
    await visitor.signIn(fast);
    Object.assign(vault, holding('second', 'first'));
    await fast.refresh();
    await visitor.get(fast, '/add/left');
    expect((await visitor.get(slow, '/read')).body).toBe(null);
    await slow.refresh();
    expect((await visitor.get(slow, '/read')).body).toBe('ann');
    expect(warnings.filter(({ code }) => code === 'SOJOURN_KEY_IN_FRONT')).toHaveLength(1);
  });
});

describe('a dropped secret', () => {
  test('verifies nothing any more, not even what it had verified a moment before', async () => {
    const vault = holding('first');
    const process = await startProcess(vault, sharedMemory()[0], (secret) => ({ secret }));
    const visitor = new Visitor('ann');
    await visitor.signIn(process);
    expect((await visitor.get(process, '/read')).body).toBe('ann');
    Object.assign(vault, holding('second'));
    await process.refresh();
    const events = await eventsDuring(async () => expect(await visitor.get(process, '/read')).toEqual({ status: 200, body: null }));
    expect(events).toEqual([['refused', { reason: 'signature', cookies: 1 }]]);
  });

  test('signs nothing any more: a cookie that is sent next is good without it', async () => {
    const vault = holding('first', 'second');
    const process = await startProcess(vault, sharedMemory()[0], (secret) => ({ secret }));
    const visitor = new Visitor('ann');
    await visitor.signIn(process);
    Object.assign(vault, holding('second', 'first'));
    await process.refresh();
    await visitor.get(process, '/add/left');
    Object.assign(vault, holding('second'));
    await process.refresh();
    expect((await visitor.get(process, '/read')).body).toBe('ann');
  });
});

test('a record under a dropped key is corrupt and reads as no session: no error, and a write begins another', async () => {
  const vault = holding('first');
  const process = await startProcess(vault, sharedMemory()[0], (_, keys) => ({ secret: SECRET, codec: encrypted(keys) }));
  const visitor = new Visitor('ann');
  await visitor.signIn(process);
  Object.assign(vault, holding('second'));
  await process.refresh();
  const events = await eventsDuring(async () => expect(await visitor.get(process, '/read')).toEqual({ status: 200, body: null }));
  expect(events.map(([name]) => name)).toEqual(['loaded', 'corrupt']);
  expect(await visitor.get(process, '/add/left')).toEqual({ status: 200, body: [null, 1] });
  expect(await visitor.get(process, '/add/left')).toEqual({ status: 200, body: [null, 2] });
});

test('after an exchange a good cookie costs one HMAC per secret up to its own, once, and a bad one one per secret', async () => {
  const vault = holding('first');
  const process = await startProcess(vault, sharedMemory()[0], (secret) => ({ secret }));
  const visitor = new Visitor('ann');
  await visitor.signIn(process);
  Object.assign(vault, holding('third', 'second', 'first'));
  const hmac = jest.spyOn(crypto, 'createHmac');
  const derivation = jest.spyOn(crypto, 'hkdfSync');
  await process.refresh();
  for (let round = 0; round < 3; round += 1) expect((await visitor.get(process, '/read')).body).toBe('ann');
  expect([hmac.mock.calls.length, derivation.mock.calls.length]).toEqual([3, 3]);
  await process.refresh();
  visitor.cookie = visitor.cookie.replace(/[^.]{43}$/, 'A'.repeat(43));
  expect((await visitor.get(process, '/read')).body).toBe(null);
  expect([hmac.mock.calls.length, derivation.mock.calls.length]).toEqual([6, 3]);
  hmac.mockRestore();
  derivation.mockRestore();
});

function sharedRedis(prefix: string): [Store, Store] {
  return [new RedisStore(connect(), { prefix }), new RedisStore(connect(), { prefix })];
}

function sharedMemory(): [Store, Store] {
  const store = new MemoryStore();
  open.push(store);
  return [store, store];
}
