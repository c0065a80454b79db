import * as sojourn from 'sojourn';

const { CreateError, NotDurableError, OptionError, SessionError, SessionInterrupted, SessionNotLoadedError } = sojourn;
const { SessionLimitError, SessionTooLargeError, StoreUnavailableError, UpdateError } = sojourn;

const cause = new UpdateError();
/** Each error: its code, its status, and the fix its message names. */
const errors: [sojourn.SessionError, string, number, RegExp][] = [
  [new CreateError('There is a record.'), 'ERR_SESSION_CREATE', 500, /record/],
  [cause, 'ERR_SESSION_UPDATE', 400, /Load the session again, or ask the user to sign in again/],
  [new SessionInterrupted(cause), 'ERR_SESSION_INTERRUPTED', 400, /login page.*onInterrupted: 'discard'/],
  [new StoreUnavailableError('it is down'), 'ERR_STORE_UNAVAILABLE', 503, /it is down\. Check that it runs/],
  [new NotDurableError(0, 1, 200), 'ERR_SESSION_NOT_DURABLE', 503, /0 of 1 replicas.*within 200 ms.*end it once more/],
  [new SessionLimitError(3), 'ERR_SESSION_LIMIT', 409, /3 sessions already.*end one of them.*evict-oldest/],
  [new SessionNotLoadedError(), 'ERR_SESSION_NOT_LOADED', 500, /await session\.load\(\).*lazy: true/],
  [new SessionTooLargeError(70_000, 65_536), 'ERR_SESSION_TOO_LARGE', 500, /70000 bytes encoded, 65536 allowed.*maxBytes/],
  [new OptionError('cookie.name', 'is bad'), 'ERR_SESSION_OPTION', 500, /^cookie\.name: is bad$/],
];

test.each(errors.map(([error, ...rest]) => [error.name, error, ...rest] as const))(
  '%s is a SessionError with a code, a status and the fix in its message',
  (name, error, code, status, fix) => {
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(SessionError);
    expect(error.constructor).toBe(new Map<string, unknown>(Object.entries(sojourn)).get(name));
    expect([error.name, error.code, error.status]).toEqual([error.constructor.name, code, status]);
    expect(error.message).toMatch(fix);
    expect(error.stack).toContain('errors.test');
  },
);

test.each(errors.map(([error]) => [error.name, error] as const))(
  '%s looks like an error of http-errors, by which frameworks know its status',
  (_, error) => {
    expect([error.statusCode, error.expose]).toEqual([error.status, error.status < 500]);
  },
);

test('every error the package exports is in that list, and no two have the same code', () => {
  const exported = Object.entries(sojourn).flatMap(([name, value]) =>
    typeof value === 'function' && value.prototype instanceof SessionError ? [name] : [],
  );
  expect(errors.map(([error]) => error.name).sort()).toEqual(exported.sort());
  expect(new Set(errors.map(([error]) => error.code)).size).toBe(errors.length);
});

test('an interrupted session has the UpdateError as its cause', () => {
  expect(new SessionInterrupted(cause).cause).toBe(cause);
});

test('a store that is not available asks the client to try again, and keeps its cause', () => {
  const fault = new Error('down');
  const error = new StoreUnavailableError('it is down', { cause: fault });
  expect(error.headers).toEqual({ 'Retry-After': '1' });
  expect(error.cause).toBe(fault);
  expect('headers' in cause).toBe(false);
});

test('an option error names the option', () => {
  expect(new OptionError('cookie.name', 'is bad').option).toBe('cookie.name');
});
