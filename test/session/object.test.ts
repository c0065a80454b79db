import { inspect } from 'node:util';
import { MemoryStore, type Session, Session as SessionClass } from 'sojourn';
import { openSession } from '../helpers/sessions.js';

let store: MemoryStore;
let session: Session;
beforeEach(async () => {
  store = new MemoryStore();
  session = new SessionClass({ store });
  await session.set('secret', 'canary').save();
});
afterEach(() => store.close());

describe('a session shows no secret', () => {
  test('to util.inspect, which shows its state', () => {
    expect(inspect(session)).toBe('Session { loaded: true, stored: true, accessed: true, modified: true }');
    expect(inspect({ req: { session } }, { depth: 9 })).toContain('Session { loaded: true');
    expect(inspect(new SessionClass({ store, sessionKey: 'k'.repeat(43) }))).toBe(
      'Session { loaded: false, stored: false, accessed: false, modified: false }',
    );
  });

  test('to inspect with hidden things, JSON, or a listing of its properties', () => {
    const key = session.sessionKey as string;
    for (const text of [inspect(session, { showHidden: true, depth: 9, customInspect: false }), JSON.stringify({ session })]) {
      expect(text).not.toContain(key);
      expect(text).not.toContain('canary');
    }
    expect(JSON.stringify(session)).toBe('{}');
    expect(Object.keys(session)).toEqual([]);
  });
});

describe('a session is no plain object', () => {
  test.each(['userId', 'cookie', 'views', '__defineSetter__'])('session.%s = 5 is a TypeError that names set()', (name) => {
    expect(() => {
      (session as unknown as Record<string, unknown>)[name] = 5;
    }).toThrow(new RegExp(`session\\.set\\('${name}', value\\)`));
    expect(() => {
      (session as unknown as Record<string, unknown>)[name] = 5;
    }).toThrow(TypeError);
    expect(session.has(name as never)).toBe(false);
  });

  test.each(['size', 'accessed', 'sessionKey', 'serializer', 'get'])('session.%s is read-only', (name) => {
    expect(() => {
      (session as unknown as Record<string, unknown>)[name] = 5;
    }).toThrow(TypeError);
  });

  test('it takes no properties, and knows none but its own', () => {
    expect(Object.isExtensible(session)).toBe(false);
    expect(() => Object.defineProperty(session, 'userId', { value: 5 })).toThrow(TypeError);
    expect((session as unknown as Record<string, unknown>).userId).toBeUndefined();
    expect(session instanceof SessionClass).toBe(true);
    expect(() => {
      (session as unknown as Record<symbol, unknown>)[Symbol('mark')] = 5;
    }).toThrow(/Symbol\(mark\)/);
  });

  test('it can be awaited: there is no then', async () => {
    expect((await session) === session).toBe(true);
  });
});

describe('keys are strings and data, whatever they are called', () => {
  test.each([
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'valueOf',
    'toJSON',
    'hasOwnProperty',
    'then',
    'save',
    'cookie',
    'id',
    'req',
    'maxAge',
    '_x',
    '',
    '0',
    '10',
    'ä😀',
    'a.b[0]',
  ])('%j', async (key) => {
    expect(session.get(key)).toBeUndefined();
    expect(session.has(key)).toBe(false);
    await session.set(key, { nested: { [key]: key } }).save();
    session = await openSession({ store }, session.sessionKey);
    expect(session.get(key)).toEqual({ nested: { [key]: key } });
    expect([...session.keys()]).toEqual(['secret', key]);
    expect(({} as { nested?: unknown }).nested).toBeUndefined();
    expect(session.decode(session.encode(Object.fromEntries([[key, 1]])))).toEqual(Object.fromEntries([[key, 1]]));
    expect(session.update(JSON.parse(`{${JSON.stringify(key)}: 2}`)).get(key)).toBe(2);
    expect(session.delete(key)).toBe(true);
    expect(session.get(key)).toBeUndefined();
  });

  test.each([[1], [null], [undefined], [Symbol('key')], [{}]])('nothing else is a key: %p', (key) => {
    expect(() => session.set(key as unknown as string, 1)).toThrow(TypeError);
  });

  test('they keep the order in which they were set, numbers among them', async () => {
    session.clear();
    for (const key of ['b', '10', 'a', '9', '0']) session.set(key, key);
    await session.save();
    expect([...(await openSession({ store }, session.sessionKey)).keys()]).toEqual(['b', '10', 'a', '9', '0']);
  });
});
