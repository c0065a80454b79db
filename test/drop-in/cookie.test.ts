import session, { Cookie } from 'sojourn/express-session';
import { revive } from '../../src/express-session/cookie.js';

test('a cookie has express-session’s defaults', () => {
  const cookie = new Cookie();
  expect(cookie).toMatchObject({ path: '/', httpOnly: true, maxAge: null, expires: null, originalMaxAge: null });
  expect(cookie.serialize('name', 'a value')).toBe('name=a%20value; Path=/; HttpOnly');
});

test.each([
  [{ path: '/a', domain: 'example.com' }, 'n=v; Domain=example.com; Path=/a; HttpOnly'],
  [{ secure: true, httpOnly: false, sameSite: 'none' as const }, 'n=v; Path=/; Secure; SameSite=None'],
  [{ sameSite: true }, 'n=v; Path=/; HttpOnly; SameSite=Strict'],
  [{ sameSite: false }, 'n=v; Path=/; HttpOnly'],
  [{ sameSite: 'auto' as const, secure: 'auto' as const }, 'n=v; Path=/; HttpOnly'],
  [{ partitioned: true, priority: 'high' as const }, 'n=v; Path=/; HttpOnly; Partitioned; Priority=High'],
  [{ expires: new Date(0) }, 'n=v; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly'],
  [{ path: undefined, domain: undefined, maxAge: undefined }, 'n=v; HttpOnly'],
  [{ maxAge: null }, 'n=v; Path=/; HttpOnly'],
])('with %j it is written %s', (options, line) => {
  expect(new Cookie(options).serialize('n', 'v')).toBe(line);
});

test('an age is remembered to the millisecond, and touch() goes back to it', () => {
  const cookie = new Cookie({ maxAge: 60_000 });
  expect(cookie.originalMaxAge).toBe(60_000);
  expect(cookie.maxAge).toBeGreaterThan(59_000);
  cookie.maxAge = 5000;
  expect(cookie.originalMaxAge).toBe(5000);
  cookie.expires = new Date(Date.now() + 10_000);
  expect(cookie.originalMaxAge).toBeGreaterThan(9000);
  const until = new Date(Date.now() + 20_000);
  cookie.maxAge = until;
  expect(cookie.expires).toBe(until);
});

test('false, null and undefined are: until the browser closes', () => {
  for (const value of [false, null, undefined]) {
    const cookie = new Cookie({ maxAge: 1000 });
    Object.assign(cookie, { expires: value });
    expect([cookie.expires, cookie.maxAge, cookie.originalMaxAge]).toEqual([null, null, null]);
  }
});

test.each(['5', {}, true])('an age of %j is a TypeError', (maxAge) => {
  expect(() => new Cookie({ maxAge: maxAge as never })).toThrow(/maxAge must be a number of milliseconds/);
});

test('options that are no object are a TypeError', () => {
  expect(() => new Cookie('x' as never)).toThrow(/must be an object/);
  expect(new Cookie(null as never).path).toBe('/');
});

test('JSON and back is the same cookie', () => {
  const options = { maxAge: 60_000, path: '/a', domain: 'example.com', secure: true, sameSite: 'lax' as const, httpOnly: false };
  const cookie = new Cookie(options);
  const revived = revive(JSON.parse(JSON.stringify(cookie)), () => new Cookie());
  expect(revived.data).toEqual(cookie.data);
  expect(JSON.stringify(revived)).toBe(JSON.stringify(cookie));
  expect(JSON.parse(JSON.stringify(new Cookie({ path: null as never }))).path).toBeNull();
});

test('what data() says may be an option again; “data” itself is none', () => {
  const cookie = new Cookie({ maxAge: 1000 });
  expect(new Cookie({ ...cookie.data, data: 1 } as never).data).toEqual(cookie.data);
  expect(session.Cookie).toBe(Cookie);
});
