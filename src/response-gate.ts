import type { ServerResponse } from 'node:http';
import { type AnyResponse, addHeader } from './http.js';

/** What is to be done to the response's headers once the session is safe. */
export type SetHeaders = () => void;

/**
 * Called when the first byte is about to leave, and once more at the end of a response that has begun before. What it
 * returns synchronously lets the response pass at once. Else the response waits, and the headers are set just before it
 * goes on.
 */
export type Commit = (status: number, headersSent: boolean) => SetHeaders | Promise<SetHeaders>;

type Phase =
  /** Nothing was sent yet. */
  | 'waiting'
  /** A commit is under way; what the application sends is kept. */
  | 'held'
  /** The headers have left or are leaving. */
  | 'open'
  /** The commit failed before that: the application's response is dropped, an error handler sends another. */
  | 'failed';

/**
 * Holds a response back until the session is committed: no byte of it, its headers included, leaves before.
 *
 * Four methods are replaced on the response. Whatever they meet there is called on, be it Node's own or what
 * `compression` put in its place. A response that is held behaves as if it were on its way: `write` answers false until
 * `drain`, and its status and headers can't be changed any more.
 *
 * `fail` gets the error of a failed commit as long as another response can be sent; otherwise this one is destroyed.
 */
export function gateResponse(res: AnyResponse, commit: Commit, fail: (error: unknown) => void): void {
  // The union of both response types has no common signatures, though Node implements both alike.
  const response = res as ServerResponse;
  const { writeHead, write, end, flushHeaders } = response;
  const headersBefore = response.getHeaders();
  let phase: Phase = 'waiting';
  let kept: (() => boolean)[] = [];
  let failure: unknown;

  /** Starts the response: runs `send` now, or keeps it until the commit has settled. Whether it was run. */
  const start = (send: () => boolean): boolean => {
    let setHeaders: SetHeaders | Promise<SetHeaders>;
    try {
      setHeaders = commit(response.statusCode, phase === 'open');
    } catch (error) {
      giveUp(error, phase === 'open');
      return false;
    }
    if (!(setHeaders instanceof Promise)) {
      setHeaders();
      phase = 'open';
      return true;
    }
    kept.push(send);
    hold(setHeaders);
    return false;
  };

  const hold = (committed: Promise<SetHeaders>): void => {
    const began = phase === 'open';
    phase = 'held';
    const thaw = freeze(response);
    committed.then(
      (setHeaders) => {
        thaw();
        setHeaders();
        phase = 'open';
        release();
      },
      (error) => {
        thaw();
        giveUp(error, began);
      },
    );
  };

  /** Sends what was kept, in order. */
  const release = (): void => {
    const sends = kept;
    kept = [];
    let flowing = true;
    for (const send of sends) flowing = send();
    // Whoever was told to wait may go on; a full buffer says so by itself.
    if (flowing && !response.writableEnded) response.emit('drain');
  };

  const giveUp = (error: unknown, headersSent: boolean): void => {
    phase = 'failed';
    failure = error;
    kept = [];
    if (headersSent) {
      response.destroy(error instanceof Error ? error : undefined);
      return;
    }
    restoreHeaders(response, headersBefore);
    response.statusCode = statusOf(error);
    fail(error);
  };

  /** After a failure, an application that goes on sending must not disturb the error response. */
  const isDropped = (callback: unknown): boolean => {
    if (phase !== 'failed' || !response.writableEnded) return false;
    if (typeof callback === 'function') process.nextTick(callback, failure);
    return true;
  };

  response.writeHead = function gatedWriteHead(status: number, ...rest: unknown[]) {
    if (phase === 'held' || isDropped(undefined)) return response;
    if (phase !== 'waiting') return Reflect.apply(writeHead, response, [status, ...rest]);
    const message = typeof rest[0] === 'string' ? rest[0] : undefined;
    // As headers of the response, not as arguments: arguments would replace a Set-Cookie of the session.
    mergeHeaders(response, message === undefined ? (rest[0] ?? rest[1]) : rest[1]);
    response.statusCode = status;
    const send = () => {
      Reflect.apply(writeHead, response, message === undefined ? [response.statusCode] : [response.statusCode, message]);
      return true;
    };
    if (start(send)) send();
    return response;
  } as typeof writeHead;

  response.flushHeaders = function gatedFlushHeaders() {
    if (phase === 'held' || isDropped(undefined)) return;
    const send = () => {
      flushHeaders.call(response);
      return true;
    };
    if (phase !== 'waiting' || start(send)) send();
  };

  response.write = function gatedWrite(...args: unknown[]) {
    if (isDropped(args.at(-1))) return false;
    const send = (): boolean => Reflect.apply(write, response, args);
    if (phase === 'held') kept.push(send);
    else if (phase !== 'waiting' || start(send)) return send();
    return false;
  } as typeof write;

  response.end = function gatedEnd(...args: unknown[]) {
    if (isDropped(args.at(-1))) return response;
    const send = () => {
      Reflect.apply(end, response, args);
      return true;
    };
    if (phase === 'held') kept.push(() => (start(send) ? send() : false));
    else if (phase === 'failed' || start(send)) send();
    return response;
  } as typeof end;
}

/** Makes status and headers unchangeable, as they are once a response has been sent. Returns what undoes it. */
function freeze(response: ServerResponse): () => void {
  const { statusCode } = response;
  const { setHeader, appendHeader, removeHeader } = response;
  Object.assign(response, { setHeader: ignore, appendHeader: ignore, removeHeader: ignore });
  return () => {
    Object.assign(response, { setHeader, appendHeader, removeHeader });
    response.statusCode = statusCode;
  };
}

function ignore<This>(this: This): This {
  return this;
}

/** Drops what was set since the session came in, so that an error response keeps what stands before it (CORS, CSP). */
function restoreHeaders(response: ServerResponse, before: ReturnType<ServerResponse['getHeaders']>): void {
  for (const name of response.getHeaderNames()) if (before[name] === undefined) response.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined && response.getHeader(name) !== value) response.setHeader(name, value);
  }
}

/** Sets the headers given to `writeHead`: an object, a flat list of names and values, or a list of pairs. */
function mergeHeaders(response: ServerResponse, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    return;
  }
  const pairs: [string, string][] = Array.isArray(headers[0]) ? headers : [];
  if (pairs !== headers) for (let index = 0; index + 1 < headers.length; index += 2) pairs.push([headers[index], headers[index + 1]]);
  // A list may name a header several times; all of its values together replace what was set before.
  for (const [name] of pairs) response.removeHeader(name);
  for (const [name, value] of pairs) addHeader(response, name, value);
}

function statusOf(error: unknown): number {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : 500;
}
