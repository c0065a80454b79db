/**
 * Every error Sojourn raises. Each has a stable `code`, an HTTP `status` that Express understands, and a message
 * that names the fix. No message, property or cause holds a session key, a cookie, a payload or a secret.
 */
export class SessionError extends Error {
  /** Stable and machine-readable: match on this, never on the message. */
  readonly code: string;
  /** The HTTP status Express answers with when the error reaches its error handler. */
  readonly status: number;
  /** Response headers that belong to the error; Express' default error handler sends them. */
  declare readonly headers?: Readonly<Record<string, string>>;

  constructor(message: string, code: string, status: number, options?: ErrorOptions & { headers?: Record<string, string> }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    if (options?.headers) this.headers = options.headers;
  }

  /** The same under the name that NestJS, Fastify and Koa look for, as the errors of `http-errors` have it. */
  get statusCode(): number {
    return this.status;
  }

  /** Whether those may show the message to the client: it is no fault of the server's. */
  get expose(): boolean {
    return this.status < 500;
  }
}

/** `save({ mustCreate: true })` or `create()` could not make a record of its own. Django: `CreateError`. */
export class CreateError extends SessionError {
  constructor(message: string) {
    super(message, 'ERR_SESSION_CREATE', 500);
  }
}

/** The record to be written was deleted meanwhile: a logout in another request. Django: `UpdateError`. */
export class UpdateError extends SessionError {
  constructor() {
    super(
      'The session was deleted or cycled by another request while this one was changing it. Nothing was written. ' +
        'Load the session again, or ask the user to sign in again.',
      'ERR_SESSION_UPDATE',
      400,
    );
  }
}

/** What the middleware makes of an `UpdateError`: the whole request is answered with 400. Django: `SessionInterrupted`. */
export class SessionInterrupted extends SessionError {
  constructor(cause: UpdateError) {
    super(
      'The session ended in another request before this one was done, so its changes were not saved. ' +
        "Send the user to the login page, or set onInterrupted: 'discard' to drop such changes quietly.",
      'ERR_SESSION_INTERRUPTED',
      400,
      { cause },
    );
  }
}

/** The store failed or did not answer in time. It says nothing about whether the session exists. */
export class StoreUnavailableError extends SessionError {
  constructor(what: string, options?: { cause?: unknown }) {
    super(`The session store is not available: ${what}. Check that it runs and can be reached.`, 'ERR_STORE_UNAVAILABLE', 503, {
      ...options,
      headers: { 'Retry-After': '1' },
    });
  }
}

/**
 * A logout or revocation was carried out, but too few replicas have confirmed it in time (`durability`): after a failover the session
 * might be alive again.
 */
export class NotDurableError extends SessionError {
  constructor(confirmed: number, replicas: number, timeout: number) {
    super(
      `The session has ended, but only ${confirmed} of ${replicas} replicas have confirmed it within ${timeout} ms: after a failover it may be back. ` +
        'Check the replicas, and end it once more when they are there.',
      'ERR_SESSION_NOT_DURABLE',
      503,
      { headers: { 'Retry-After': '1' } },
    );
  }
}

/** The user has as many sessions as `maxPerUser` allows, and it says `then: 'refuse'`. The session was not stored. */
export class SessionLimitError extends SessionError {
  constructor(sessions: number) {
    super(
      `The user has ${sessions} sessions already, which is the limit (maxPerUser). ` +
        "Let the user end one of them, or set then: 'evict-oldest'.",
      'ERR_SESSION_LIMIT',
      409,
    );
  }
}

/** The data of a lazy session were touched before `await session.load()`. */
export class SessionNotLoadedError extends SessionError {
  constructor() {
    super(
      'The session is not loaded yet: await session.load() before you touch its data, or drop the option lazy: true.',
      'ERR_SESSION_NOT_LOADED',
      500,
    );
  }
}

/** The encoded session is larger than `maxBytes`; it was not sent to the store. */
export class SessionTooLargeError extends SessionError {
  constructor(bytes: number, maxBytes: number) {
    super(
      `The session is too large: ${bytes} bytes encoded, ${maxBytes} allowed. ` +
        'Keep large things in a database and their id in the session, or raise the limit: maxBytes, or that of compressed().',
      'ERR_SESSION_TOO_LARGE',
      500,
    );
  }
}

/** An option is unknown, has a bad value, or makes a cookie that no browser would take. Thrown at start only. */
export class OptionError extends SessionError {
  /** The option at fault, as a path: `cookie.name`. */
  readonly option: string;

  constructor(option: string, problem: string) {
    super(`${option}: ${problem}`, 'ERR_SESSION_OPTION', 500);
    this.option = option;
  }
}

/**
 * What is wrong in the program itself, and would be every time: a value that a call doesn't take, or a call that can't be
 * made there. A `TypeError`, unless told, with the code `ERR_SESSION_USAGE`.
 */
export function usageError(message: string, Kind: ErrorConstructor = TypeError): Error {
  return coded(new Kind(message), 'ERR_SESSION_USAGE', usageError);
}

/** The session a call was made on is over; the messages are those of express-session. An `Error` with the code `ERR_SESSION_ENDED`. */
export function endedError(message: string): Error {
  return coded(new Error(message), 'ERR_SESSION_ENDED', endedError);
}

function coded(error: Error, code: string, maker: (message: string) => Error): Error {
  // The stack begins where the error was raised.
  Error.captureStackTrace(error, maker);
  return Object.assign(error, { code, status: 500 });
}
