import type { ServerResponse } from 'node:http';
import { SessionError } from './errors.js';
import { type AnyResponse, mergeHeaders, restoreHeaders } from './http.js';

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
  /** The commit failed: the application's response is dropped, an error handler sends another. */
  | 'failed';

/** A call of the application that waits. */
interface Kept {
  /** Makes it. False if the response has no room for more. */
  readonly send: () => boolean;
  /** Its last argument: Node's callback, if it is a function. */
  readonly callback: unknown;
}

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
  // engine.io gives middleware a response of its own for a WebSocket, which has few methods and is never sent.
  const headersBefore = response.getHeaders?.() ?? {};
  let phase: Phase = response.headersSent ? 'open' : 'waiting';
  let kept: Kept[] = [];
  /** `end` was kept: the application has answered, and nothing that it does afterwards changes that. */
  let ended = false;
  let failure: unknown;

  /** Starts the response, or ends a streaming one. True: go on. False: it was kept until the commit has settled, or dropped. */
  const start = (call: Kept): boolean => {
    let setHeaders: SetHeaders | Promise<SetHeaders>;
    try {
      setHeaders = commit(response.statusCode, phase === 'open');
    } catch (error) {
      kept.push(call);
      giveUp(error);
      return false;
    }
    if (setHeaders instanceof Promise) {
      kept.push(call);
      hold(setHeaders);
      return false;
    }
    setHeaders();
    phase = 'open';
    return true;
  };

  const hold = (committed: Promise<SetHeaders>): void => {
    phase = 'held';
    const thaw = freeze(response, () => ended);
    committed.then(
      (setHeaders) => {
        thaw();
        open(setHeaders);
        // Express' last error handler waits for the end of the request before it answers, and finds nothing sent now.
        if (ended && phase === 'open') ignoreHeaders(response);
      },
      (error) => {
        thaw();
        giveUp(error);
      },
    );
  };

  const open = (setHeaders: SetHeaders): void => {
    try {
      setHeaders();
      phase = 'open';
      release();
    } catch (error) {
      // A bad status or chunk: what Node throws about it comes too late for the call. The session is stored nevertheless.
      giveUp(error, setHeaders);
    }
  };

  /** Sends what was kept, in order. */
  const release = (): void => {
    let flowing = true;
    for (let call = kept.shift(); call; call = phase === 'open' ? kept.shift() : undefined) flowing = call.send();
    // Whoever was told to wait may go on; a full buffer says so by itself.
    if (flowing && !ended) process.nextTick(() => response.emit('drain'));
  };

  const giveUp = (error: unknown, setHeaders?: SetHeaders): void => {
    phase = 'failed';
    failure = error;
    ended = false;
    for (const { callback } of kept) drop(callback);
    kept = [];
    if (response.headersSent) {
      response.destroy(error as Error);
      return;
    }
    // From here on the response belongs to the error handler. What still comes through these gates, from what
    // `compression` keeps of them, is dropped; what the application itself sends can't be told from the error handler's.
    Object.assign(response, { writeHead, flushHeaders, write: untilEnded(write, false), end: untilEnded(end, response) });
    restoreHeaders(response, headersBefore);
    setHeaders?.();
    if (error instanceof SessionError) for (const [name, value] of Object.entries(error.headers ?? {})) response.setHeader(name, value);
    setStatus(response, statusOf(error), '');
    fail(error);
  };

  /** Where Node would throw or emit an error: an application that goes on sending must not disturb the error response. */
  const untilEnded = (method: unknown, otherwise: unknown) =>
    function sendError(...args: unknown[]): unknown {
      if (!response.writableEnded) return Reflect.apply(method as typeof write, response, args);
      drop(args.at(-1));
      return otherwise;
    };

  const drop = (callback: unknown): void => {
    if (typeof callback === 'function') process.nextTick(callback, failure ?? codedError('ERR_STREAM_WRITE_AFTER_END', 'write after end'));
  };

  /** Whether the application may send nothing any more. */
  const isOver = (): boolean => phase === 'failed' || (ended && (phase === 'held' || response.writableEnded));

  /** What was done in one breath with an answer that has left: a logout that came after its redirect still counts. */
  const commitRest = async (): Promise<void> => {
    try {
      await commit(response.statusCode, true);
    } catch {
      // The client has its answer. A failing store is published as an event; a value that can't be stored is lost unseen.
    }
  };

  /** Who waits for the headers to be written (`on-headers`) has its turn before the commit: it may change the session. */
  const announce = (): void => {
    if (phase === 'waiting' && response.writeHead !== gatedWriteHead) response.writeHead(response.statusCode);
  };

  const gatedWriteHead = function gatedWriteHead(status: number, ...rest: unknown[]) {
    if (isOver()) return response;
    if (phase === 'held') throw headersSentError();
    if (phase === 'open') return Reflect.apply(writeHead, response, [status, ...rest]);
    const message = typeof rest[0] === 'string' ? [rest[0]] : [];
    // As headers of the response, not as arguments: arguments would replace a Set-Cookie of the session.
    mergeHeaders(response, message.length === 0 ? (rest[0] ?? rest[1]) : rest[1]);
    response.statusCode = status;
    const send = () => {
      Reflect.apply(writeHead, response, [response.statusCode, ...message]);
      return true;
    };
    if (start({ send, callback: undefined })) send();
    return response;
  } as typeof writeHead;

  const gatedFlushHeaders = () => {
    announce();
    if (isOver()) return;
    const send = () => {
      flushHeaders.call(response);
      return true;
    };
    if (phase === 'held') kept.push({ send, callback: undefined });
    else if (phase === 'open' || start({ send, callback: undefined })) send();
  };

  const gatedWrite = function gatedWrite(...args: unknown[]) {
    const call: Kept = { send: () => Reflect.apply(write, response, args), callback: args.at(-1) };
    announce();
    if (isOver()) drop(call.callback);
    else if (phase === 'held') kept.push(call);
    else if (phase === 'open' || start(call)) return call.send();
    return false;
  } as typeof write;

  const gatedEnd = function gatedEnd(...args: unknown[]) {
    const send = () => {
      Reflect.apply(end, response, args);
      process.nextTick(commitRest);
      return true;
    };
    const call: Kept = { send, callback: args.at(-1) };
    announce();
    if (isOver()) {
      drop(call.callback);
      return response;
    }
    // What is changed until then is committed, too.
    if (phase === 'held') kept.push({ ...call, send: () => start(call) && send() });
    else if (response.writableEnded || start(call)) send();
    ended = phase === 'held';
    return response;
  } as typeof end;

  Object.assign(response, { writeHead: gatedWriteHead, flushHeaders: gatedFlushHeaders, write: gatedWrite, end: gatedEnd });
}

/**
 * Makes status and headers unchangeable, as they are once a response has been sent. Returns what undoes it.
 *
 * Who only began a response meets what Node answers after the headers: an error, and `headersSent`. Who ended it, and
 * throws then or answers a second time, is ignored: an error handler that saw `headersSent` would cut the connection
 * under a response that Node had delivered.
 */
function freeze(response: ServerResponse, isEnded: () => boolean): () => void {
  const { statusCode, setHeader, appendHeader, removeHeader } = response;
  const statusMessage = Object.getOwnPropertyDescriptor(response, 'statusMessage')?.value ?? '';
  const refuse = () => {
    if (!isEnded()) throw headersSentError();
    return response;
  };
  Object.assign(response, { setHeader: refuse, appendHeader: refuse, removeHeader: refuse });
  Object.defineProperty(response, 'headersSent', { configurable: true, get: () => !isEnded() });
  return () => {
    Object.assign(response, { setHeader, appendHeader, removeHeader });
    Reflect.deleteProperty(response, 'headersSent');
    setStatus(response, statusCode, statusMessage);
  };
}

function ignoreHeaders(response: ServerResponse): void {
  const ignore = () => response;
  Object.assign(response, { setHeader: ignore, appendHeader: ignore, removeHeader: ignore });
}

/** HTTP/2 has no status messages, and Node warns of whoever asks for one. */
function setStatus(response: ServerResponse, code: number, message: string): void {
  response.statusCode = code;
  if (Object.hasOwn(response, 'statusMessage')) response.statusMessage = message;
}

function headersSentError(): Error {
  return codedError('ERR_HTTP_HEADERS_SENT', 'The response is on its way: its status and headers can no longer be changed');
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function statusOf(error: unknown): number {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : 500;
}
