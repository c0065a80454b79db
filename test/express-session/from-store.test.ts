import session from 'express-session';
import { fromExpressSessionStore } from '../../src/express-session/from-store.js';
import type { ExpressSessionStore } from '../../src/express-session/store-calls.js';
import { TestClock } from '../helpers/clock.js';
import { eventNamesDuring, eventsDuring } from '../helpers/events.js';
import { type Deferred, deferred } from '../helpers/stores.js';
import { created } from '../stores/store-contract.js';

type Reply = (error?: unknown, session?: unknown) => void;

/** express-session's own store, whose methods a test puts others in the place of. */
function memoryStore(methods: Partial<ExpressSessionStore> = {}): session.MemoryStore {
  return Object.assign(new session.MemoryStore(), methods);
}

/** A store of the kind without `touch`. It calls back before its methods return. */
function simpleStore() {
  const sessions = new Map<string, string>();
  return {
    sessions,
    get: (sid: string, done: Reply) => done(null, JSON.parse(sessions.get(sid) ?? 'null')),
    set(sid: string, value: object, done: Reply) {
      sessions.set(sid, JSON.stringify(value));
      done();
    },
    destroy(sid: string, done: Reply) {
      sessions.delete(sid);
      done();
    },
  };
}

const unavailable = (message: string, ...[cause]: unknown[]) =>
  expect.objectContaining({
    code: 'ERR_STORE_UNAVAILABLE',
    message: expect.stringContaining(message),
    ...(cause === undefined ? {} : { cause }),
  });

describe('it says what it is', () => {
  test('not atomic, with its time for one act', () => {
    expect(fromExpressSessionStore(memoryStore())).toMatchObject({ atomic: false, timeout: 1000 });
    expect(fromExpressSessionStore(memoryStore(), { timeout: 250 }).timeout).toBe(250);
  });

  test.each<[string, unknown, unknown, string]>([
    ['nothing', undefined, {}, 'store: must be an express-session store; this one has no get, set, destroy.'],
    ['half a store', { get() {}, set() {} }, {}, 'this one has no destroy.'],
    ['a store of Sojourn', { read() {} }, {}, 'A Sojourn store needs no adapter.'],
    ['an unknown option', memoryStore(), { ttl: 5 }, 'ttl: is no option. There are: timeout, clock'],
    ['a bad timeout', memoryStore(), { timeout: 0 }, 'timeout: '],
    ['a bad clock', memoryStore(), { clock: 5 }, 'clock: '],
  ])('and refuses %s', (_, store, options, message) => {
    expect(() => fromExpressSessionStore(store as ExpressSessionStore, options as object)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_OPTION', message: expect.stringContaining(message) }),
    );
  });
});

describe('a store that answers in its own way', () => {
  test.each<[string, ExpressSessionStore['get']]>([
    ['calls back with null', (_sid, done) => done(null, null)],
    ['calls back with nothing', (_sid, done) => done()],
    ['calls back with ENOENT', (_sid, done) => done(Object.assign(new Error('no file'), { code: 'ENOENT' }))],
    ['calls back later', (_sid, done) => void setImmediate(done)],
    ['calls back and returns a promise', async (_sid, done) => done(null, undefined)],
  ])('%s: the record is missing', async (_, get) => {
    const store = fromExpressSessionStore(memoryStore({ get }));
    expect(await store.read('key')).toBeNull();
    expect(await store.update('key', 'payload', 'version', 60)).toEqual({ status: 'gone' });
  });

  test('calls back before its methods return', async () => {
    const store = fromExpressSessionStore(simpleStore());
    const version = await created(store, 'key', 'payload');
    expect(await store.read('key')).toEqual({ payload: 'payload', version });
    expect(await store.delete('key')).toBe(true);
    expect(await store.exists('key')).toBe(false);
  });

  test('calls back twice, the second time with an error: the first counts', async () => {
    const memory = simpleStore();
    const twice = {
      ...memory,
      set(sid: string, value: object, done: Reply) {
        memory.set(sid, value, done);
        done(new Error('again'));
      },
    };
    const store = fromExpressSessionStore(twice);
    const version = await created(store, 'key');
    expect(await store.update('key', 'next', version, 60)).toMatchObject({ status: 'updated' });
  });

  test("answers a logout of what isn't there with ENOENT: that is done", async () => {
    const store = fromExpressSessionStore(memoryStore({ destroy: (_sid, done) => done(Object.assign(new Error(), { code: 'ENOENT' })) }));
    expect(await store.delete('key')).toBe(false);
  });

  test('fails to touch what another process has deleted: the answer is no', async () => {
    const memory = memoryStore();
    memory.touch = (sid, _session, done) => memory.destroy(sid, () => done?.(new Error('unable to find the session to touch')));
    const store = fromExpressSessionStore(memory);
    await created(store, 'key');
    expect(await store.touch('key', 60)).toBe(false);
  });

  test('has a record that no Sojourn wrote: it reads as none, is never written over, and can be deleted', async () => {
    const memory = memoryStore();
    memory.sessions.key = '{"cookie":{"originalMaxAge":null}}';
    const store = fromExpressSessionStore(memory);
    const events = await eventNamesDuring(async () => {
      expect(await store.read('key')).toBeNull();
      expect(await store.create('key', 'mine', 60)).toBeNull();
      expect(await store.update('key', 'mine', 'version', 60)).toEqual({ status: 'gone' });
      expect(await store.delete('key')).toBe(true);
    });
    expect(events).toEqual(['corrupt', 'corrupt']);
  });
});

describe('a fault of the store is an error with its cause', () => {
  const fault = new Error('disk full');

  test.each<[string, ExpressSessionStore['set']]>([
    ['called back', (_sid, _session, done) => done(fault)],
    [
      'thrown',
      () => {
        throw fault;
      },
    ],
    ['the rejection of a promise, with no call back', () => Promise.reject(fault)],
  ])('%s', async (_, set) => {
    const store = fromExpressSessionStore(memoryStore({ set }));
    await expect(store.create('key', 'payload', 60)).rejects.toEqual(unavailable('failed, see cause', fault));
  });

  test('emitted, while a call has no answer', async () => {
    const memory = memoryStore({ get: () => {} });
    const store = fromExpressSessionStore(memory);
    const read = store.read('key');
    memory.emit('error', fault);
    await expect(read).rejects.toEqual(unavailable('emitted an error', fault));
  });

  test('emitted with no call under way: an event, and the process goes on; after close() it is left to the application', async () => {
    const memory = memoryStore();
    const store = fromExpressSessionStore(memory);
    const events = await eventsDuring(() => memory.emit('error', fault));
    expect(events).toEqual([['storeError', { error: unavailable('emitted an error', fault) }]]);
    await store.close();
    expect(memory.listenerCount('error')).toBe(0);
  });

  test('a read that fails is no reason to leave a record alone at a logout', async () => {
    const memory = memoryStore();
    const store = fromExpressSessionStore(memory);
    await created(store, 'key');
    memory.get = (_sid, done) => done(fault);
    expect(await store.delete('key')).toBe(true);
    expect(memory.sessions).toEqual({});
  });

  test('a touch that fails while the record is there', async () => {
    const memory = memoryStore({ touch: (_sid, _session, done) => done(fault) });
    const store = fromExpressSessionStore(memory);
    await created(store, 'key');
    await expect(store.touch('key', 60)).rejects.toEqual(unavailable('failed', fault));
  });
});

describe('an act has a deadline', () => {
  let memory: session.MemoryStore;
  /** What a suspended call of the store waits for. */
  let gate: Deferred;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    memory = memoryStore();
    gate = deferred();
  });
  afterEach(() => jest.useRealTimers());

  /** Suspends a method, and resolves when it is called. */
  function suspended(method: 'get' | 'set'): Promise<void> {
    const reached = deferred();
    const real = memory[method].bind(memory) as (...args: unknown[]) => void;
    Object.assign(memory, {
      [method]: (...args: unknown[]) => {
        Object.assign(memory, { [method]: real });
        gate.promise.then(() => real(...args));
        reached.resolve();
      },
    });
    return reached.promise;
  }

  test('whatever the store does with a call', async () => {
    const store = fromExpressSessionStore(memory, { timeout: 200 });
    const reached = suspended('get');
    const read = store.read('key');
    await reached;
    jest.advanceTimersByTime(200);
    await expect(read).rejects.toEqual(unavailable('did not answer within 200 ms'));
    gate.resolve();
  });

  test('after which a read leads to no write', async () => {
    const store = fromExpressSessionStore(memory);
    const set = jest.spyOn(memory, 'set');
    const reached = suspended('get');
    const creation = store.create('key', 'payload', 60);
    await reached;
    jest.advanceTimersByTime(1000);
    await expect(creation).rejects.toEqual(unavailable('did not answer'));
    gate.resolve();
    expect(await store.create('key', 'another', 60)).not.toBeNull();
    expect(set).toHaveBeenCalledTimes(1);
  });

  test('after which it makes no further call, not even for a logout that need not know what is there', async () => {
    const store = fromExpressSessionStore(memory);
    await created(store, 'key');
    const destroy = jest.spyOn(memory, 'destroy');
    const reached = suspended('get');
    const logout = store.delete('key');
    await reached;
    jest.advanceTimersByTime(1000);
    await expect(logout).rejects.toEqual(unavailable('did not answer'));
    expect(await store.exists('key')).toBe(true);
    expect(destroy).not.toHaveBeenCalled();
    gate.resolve();
  });

  test('and a write that was given up is waited for by those that come after it, so that it undoes no logout', async () => {
    const store = fromExpressSessionStore(memory);
    const version = await created(store, 'key');
    const reached = suspended('set');
    const update = store.update('key', 'late', version, 60);
    await reached;
    jest.advanceTimersByTime(1000);
    await expect(update).rejects.toEqual(unavailable('did not answer'));
    const impatient = store.update('key', 'never', version, 60);
    jest.advanceTimersByTime(500);
    const logout = store.delete('key');
    jest.advanceTimersByTime(500);
    await expect(impatient).rejects.toEqual(unavailable('did not answer'));
    // As many turns as a logout that waits for nobody would need.
    for (let turn = 0; turn < 5; turn += 1) expect((await store.read('key'))?.payload).toBe('payload');
    const set = jest.spyOn(memory, 'set');
    gate.resolve();
    expect(await logout).toBe(true);
    expect(await store.read('key')).toBeNull();
    // What was given up while it waited for its turn never begins.
    expect(set).not.toHaveBeenCalled();
  });

  test('but not for ever: a store may have lost the call', async () => {
    const store = fromExpressSessionStore(memory);
    const version = await created(store, 'key');
    const reached = suspended('set');
    const update = store.update('key', 'lost', version, 60);
    await reached;
    jest.advanceTimersByTime(1000);
    await expect(update).rejects.toEqual(unavailable('did not answer'));
    jest.advanceTimersByTime(28_500);
    const logout = store.delete('key');
    jest.advanceTimersByTime(500);
    expect(await logout).toBe(true);
  });

  test('that runs while it waits for its turn, too; other sessions wait for nobody', async () => {
    const store = fromExpressSessionStore(memory);
    const reached = suspended('get');
    const first = store.create('key', 'first', 60);
    await reached;
    jest.advanceTimersByTime(600);
    const second = store.create('key', 'second', 60);
    expect(await store.create('other', 'payload', 60)).not.toBeNull();
    jest.advanceTimersByTime(400);
    await expect(first).rejects.toEqual(unavailable('did not answer'));
    expect(await second).not.toBeNull();
    gate.resolve();
  });
});

describe('what the store gets', () => {
  test('is a session with the cookie that stores take the time to live from', async () => {
    const clock = new TestClock(Date.now());
    let kept: object | undefined;
    const memory = memoryStore({
      set(_sid, value, done) {
        kept = value;
        done();
      },
    });
    const version = await created(fromExpressSessionStore(memory, { clock: clock.read }), 'key', 'payload', 90);
    expect(kept).toEqual({
      cookie: { originalMaxAge: 90_000, expires: new Date(clock.now + 90_000), httpOnly: true, path: '/' },
      sojourn: { version, payload: 'payload' },
    });
    const { maxAge } = (kept as { cookie: { maxAge: number } }).cookie;
    expect(maxAge).toBeGreaterThan(80_000);
    expect(maxAge).toBeLessThanOrEqual(90_000);
    expect(JSON.stringify(kept)).not.toContain('maxAge');
  });

  test('with `touch`: that, and the time which the store keeps counts, as the cookie in the record stays as it was', async () => {
    const clock = new TestClock();
    const simple = simpleStore();
    const ends: Date[] = [];
    const touch = (_sid: string, value: object, done: Reply) => {
      ends.push((value as { cookie: { expires: Date } }).cookie.expires);
      done();
    };
    const store = fromExpressSessionStore({ ...simple, touch }, { clock: clock.read });
    await created(store, 'key', 'payload', 60);
    const record = simple.sessions.get('key');
    clock.advance(59);
    expect(await store.touch('key', 60)).toBe(true);
    expect(ends).toEqual([new Date(clock.now + 60_000)]);
    clock.advance(59);
    expect(simple.sessions.get('key')).toBe(record);
    expect(await store.exists('key')).toBe(true);
  });

  test('without `touch`: the whole record again, whose cookie says when it is over', async () => {
    const clock = new TestClock();
    const simple = simpleStore();
    const store = fromExpressSessionStore(simple, { clock: clock.read });
    const version = await created(store, 'key', 'payload', 60);
    clock.advance(59);
    expect(await store.touch('key', 60)).toBe(true);
    clock.advance(59);
    expect(await store.read('key')).toEqual({ payload: 'payload', version });
    clock.advance(1);
    expect(await store.read('key')).toBeNull();
    expect(await store.touch('key', 60)).toBe(false);
    expect(await store.update('key', 'late', version, 60)).toEqual({ status: 'gone' });
    expect(await store.create('key', 'new', 60)).not.toBeNull();
  });
});

test('between two processes the window is one round trip: a logout within it is undone, as `atomic: false` says', async () => {
  const memory = memoryStore();
  const [here, there] = [fromExpressSessionStore(memory), fromExpressSessionStore(memory)];
  const version = await created(here, 'key');
  const { get } = memory;
  memory.get = (sid, done) => {
    memory.get = get;
    get.call(memory, sid, (...answer) => void there.delete('key').then(() => done(...answer)));
  };
  expect(await here.update('key', 'late', version, 60)).toMatchObject({ status: 'updated' });
  expect((await here.read('key'))?.payload).toBe('late');
});

describe('plain records, for the drop-in', () => {
  const payload = (data: object, cookie: object = {}) =>
    JSON.stringify({ cookie: { originalMaxAge: null, httpOnly: true, path: '/', ...cookie }, ...data });

  test('are sessions of express-session: what either of the two has written, the other reads', async () => {
    const memory = memoryStore();
    const store = fromExpressSessionStore(memory, { plain: true });
    await created(store, 'sid', payload({ user: 'ada' }));
    expect(JSON.parse(memory.sessions.sid as string)).toEqual(JSON.parse(payload({ user: 'ada' })));
    memory.sessions.sid = payload({ user: 'grace' });
    expect((await store.read('sid'))?.payload).toBe(payload({ user: 'grace' }));
  });

  test('have a version that knows every change but that of the cookie, whatever the order of the keys', async () => {
    const memory = memoryStore();
    const store = fromExpressSessionStore(memory, { plain: true });
    const version = await created(
      store,
      'sid',
      payload({ user: 'ada', cart: { b: 1, a: [2] } }, { expires: new Date(Date.now() + 60_000) }),
    );
    expect(await store.touch('sid', 600, version)).toBe(true);
    expect(Date.parse(JSON.parse(memory.sessions.sid as string).cookie.expires)).toBeGreaterThan(Date.now() + 590_000);
    expect((await store.read('sid'))?.version).toBe(version);
    memory.sessions.sid = payload({ cart: { a: [2], b: 1 }, user: 'ada' });
    expect((await store.read('sid'))?.version).toBe(version);
    memory.sessions.sid = payload({ cart: { a: [2], b: 2 }, user: 'ada' });
    expect(await store.update('sid', payload({ user: 'bob' }), version, 60)).toMatchObject({ status: 'conflict' });
  });

  test('hand the store a Date, and have no end of their own without one', async () => {
    let kept: { cookie: { expires?: Date } } | undefined;
    const simple = simpleStore();
    const set = (sid: string, value: object, done: Reply) => {
      kept = value as typeof kept;
      simple.set(sid, value, done);
    };
    const clock = new TestClock();
    const store = fromExpressSessionStore({ ...simple, set }, { plain: true, clock: clock.read });
    await created(store, 'with', payload({}, { expires: new Date(clock.now + 5000) }), 1);
    expect(kept?.cookie.expires).toEqual(new Date(clock.now + 5000));
    await created(store, 'without', payload({}), 1);
    expect(await store.touch('without', 1)).toBe(true);
    expect(kept?.cookie).not.toHaveProperty('expires');
    clock.advance(5);
    expect(await store.exists('with')).toBe(false);
    expect(await store.exists('without')).toBe(true);
  });

  test('are destroyed when they are retired, if nobody wrote meanwhile', async () => {
    const memory = memoryStore();
    const store = fromExpressSessionStore(memory, { plain: true });
    const version = await created(store, 'sid', payload({ user: 'ada' }));
    expect(await store.retire('sid', 'another version', 60)).toMatchObject({ status: 'conflict' });
    expect(await store.retire('sid', version, 60)).toEqual({ status: 'retired' });
    expect(memory.sessions).toEqual({});
    expect(await store.retire('sid', version, 60)).toEqual({ status: 'gone' });
  });

  test('keep an odd session as it is', async () => {
    const memory = memoryStore();
    const store = fromExpressSessionStore(memory, { plain: true });
    memory.sessions.sid = '{"user":"no cookie"}';
    expect((await store.read('sid'))?.payload).toBe('{"user":"no cookie"}');
    expect(await store.touch('sid', 60)).toBe(true);
    const odd = payload({ ['__proto__']: 1 }, { expires: 'never' });
    memory.sessions.sid = odd;
    expect((await store.read('sid'))?.payload).toBe(odd);
    expect(await store.touch('sid', 60)).toBe(true);
    expect((await store.read('sid'))?.payload).toBe(odd);
  });

  test('are put there without asking what is there, like those of express-session', async () => {
    const memory = memoryStore({ get: () => {} });
    expect(await fromExpressSessionStore(memory, { plain: true }).create('sid', payload({ user: 'ada' }), 60)).not.toBeNull();
    expect(memory.sessions.sid).toBe(payload({ user: 'ada' }));
  });
});
