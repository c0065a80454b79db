import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { keyring, MemoryStore, type Session, Session as SessionClass, type SessionEvents, session } from 'sojourn';
import { fingerprintOf, storeKeyOf } from '../src/session-key.js';
import { SECRET } from './helpers/app.js';
import { TestClock } from './helpers/clock.js';
import { type CodeBlock, codeBlocksOf, runBlock } from './helpers/code-blocks.js';
import { compile } from './helpers/compile.js';
import { eventsDuring } from './helpers/events.js';
import { connect } from './helpers/redis-client.js';
import { openSession, storedSession } from './helpers/sessions.js';
import { WatchedStore } from './helpers/stores.js';
import { beginNear } from './stores/near.js';

const fingerprint = (session: Session | string) =>
  fingerprintOf(storeKeyOf(typeof session === 'string' ? session : (session.sessionKey as string)));
const duration = expect.any(Number);

/** Each channel: what causes one event, and what it says. */
const causes: { [Name in keyof SessionEvents]: (store: WatchedStore) => Promise<[act: () => unknown, message: () => object]> } = {
  async created(store) {
    const session: Session = new SessionClass({ store });
    return [() => session.set('a', 1).save(), () => ({ session: fingerprint(session), duration })];
  },
  async loaded(store) {
    const { sessionKey, open } = await storedSession({ store });
    return [open, () => ({ session: fingerprint(sessionKey), duration, found: true })];
  },
  async saved(store) {
    const session = await (await storedSession({ store })).open();
    return [() => session.set('a', 1).save(), () => ({ session: fingerprint(session), duration })];
  },
  async cycled(store) {
    const { sessionKey, open } = await storedSession({ store });
    const session = await open();
    session.cycleKey();
    return [() => session.save(), () => ({ session: fingerprint(session), from: fingerprint(sessionKey), duration })];
  },
  async flushed(store) {
    const { sessionKey, open } = await storedSession({ store });
    const session = await open();
    session.flush();
    return [() => session.save(), () => ({ session: fingerprint(sessionKey), duration })];
  },
  async expired(store) {
    const { sessionKey, open } = await storedSession({ store });
    const session = await open();
    session.setExpiry(-1);
    return [() => session.save(), () => ({ session: fingerprint(sessionKey), reason: 'expiry' })];
  },
  async interrupted(store) {
    const session = await (await storedSession({ store })).open();
    await session.destroy();
    return [() => expect(session.set('a', 1).save()).rejects.toThrow(), () => ({ session: fingerprint(session) })];
  },
  async conflict(store) {
    const { open } = await storedSession({ store });
    const session = await open();
    await (await open()).set('b', 1).save();
    return [() => session.set('a', 1).save(), () => ({ session: fingerprint(session) })];
  },
  async corrupt(store) {
    const key = 'k'.repeat(43);
    await store.create(storeKeyOf(key), '{bad', 60);
    const session = await openSession({ store }, key);
    return [() => session.get('a'), () => ({ session: fingerprint(key) })];
  },
  async refused(store) {
    const sessions = session({ store, secret: SECRET });
    const { cookie } = await sessions.issue({});
    return [() => sessions.load({ headers: { cookie: `${cookie.slice(0, -1)}!` } } as never), () => ({ reason: 'signature', cookies: 1 })];
  },
  async storeError(store) {
    const session = await (await storedSession({ store })).open();
    store.before('update', () => Promise.reject(new Error('down')));
    return [
      () => expect(session.set('a', 1).save()).rejects.toThrow(),
      () => ({ session: fingerprint(session), error: expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }) }),
    ];
  },
  async revoked(store) {
    const sessions = session({ store, secret: SECRET, user: (one) => one.get('userId') });
    await sessions.issue({ userId: 1 });
    return [() => sessions.of(1).revokeAll(), () => ({ reason: 'user', sessions: 1 })];
  },
  async nearCache() {
    const { store, up } = beginNear(connect());
    return [
      async () => {
        await up;
        await store.close();
      },
      () => ({ up: true }),
    ];
  },
  async keyring() {
    const given = [SECRET];
    const secrets = await keyring(() => given);
    given.push(`${SECRET}, the next`);
    return [() => secrets.refresh().finally(() => secrets.close()), () => ({ outcome: 'changed', secrets: 2 })];
  },
};

describe('each event is published once per cause, with fingerprints only:', () => {
  test.each(Object.keys(causes) as (keyof SessionEvents)[])('%s', async (name) => {
    const [act, message] = await causes[name](new WatchedStore());
    const events = await eventsDuring(act);
    expect(events.filter(([other]) => other === name)).toEqual([[name, message()]]);
    const text = JSON.stringify(events);
    // No text as long as a session key or a store key, and nothing of the data.
    expect(text).not.toMatch(/[\w-]{43}/);
  });
});

test('loaded says that an unknown key was not found', async () => {
  const events = await eventsDuring(() => openSession({ store: new MemoryStore() }, 'k'.repeat(43)));
  expect(events).toEqual([['loaded', { session: fingerprint('k'.repeat(43)), duration: expect.any(Number), found: false }]]);
});

test('a session that is over by its absolute timeout is expired, with the reason', async () => {
  const clock = new TestClock();
  const options = { store: new MemoryStore({ clock: () => 0 }), clock: clock.read, absoluteTimeout: 60 };
  const { sessionKey, open } = await storedSession(options);
  clock.advance(60);
  expect((await eventsDuring(open)).at(-1)).toEqual(['expired', { session: fingerprint(sessionKey), reason: 'absolute' }]);
});

test('durations are those of the clock, in milliseconds', async () => {
  const clock = new TestClock();
  const store = new WatchedStore({ clock: clock.read }).before('create', () => clock.advance(0.25));
  const session: Session = new SessionClass({ store, clock: clock.read });
  expect(await eventsDuring(() => session.save())).toEqual([['created', { session: expect.any(String), duration: 250 }]]);
});

describe('docs/events.md', () => {
  const rows = [...readFileSync('docs/events.md', 'utf8').matchAll(/^\| `sojourn:(\w+)` +\| .* \| ([^|]*) \|$/gm)];
  const documented = Object.fromEntries(
    rows.map(([, name = '', fields = '']) => [name, [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field).sort()]),
  );

  test('names every event with its fields', async () => {
    const published = await Promise.all(
      (Object.keys(causes) as (keyof SessionEvents)[]).map(async (name) => {
        const [act, message] = await causes[name](new WatchedStore());
        await act();
        return [name, Object.keys(message()).sort()];
      }),
    );
    expect(documented).toEqual(Object.fromEntries(published));
  });

  test('has a block that compiles, and prints what it says', async () => {
    const [block] = codeBlocksOf('docs/events.md') as [CodeBlock];
    expect(compile('events', { 'block.ts': block.code })).toBe('');
    const subscribed: Parameters<typeof subscribe>[] = [];
    const load = () => ({
      subscribe: (...args: Parameters<typeof subscribe>) => {
        subscribed.push(args);
        subscribe(...args);
      },
    });
    const log = jest.spyOn(console, 'log').mockImplementation(() => {});
    const error = jest.spyOn(console, 'error').mockImplementation(() => {});
    runBlock(block, load);
    for (const name of ['saved', 'storeError'] as const) {
      const [act] = await causes[name](new WatchedStore());
      await act();
    }
    for (const args of subscribed) unsubscribe(...args);
    expect(log.mock.calls).toEqual([[expect.stringMatching(/^session [\w-]{12} was saved within \d+\.\d ms$/)]]);
    expect(error.mock.calls).toEqual([
      [expect.stringMatching(/^session [\w-]{12}:$/), expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' })],
    ]);
    log.mockRestore();
    error.mockRestore();
  });
});
