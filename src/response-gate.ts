import { ServerResponse } from 'node:http';
import { SessionError } from './errors.js';
import { expectProperties } from './hidden-classes.js';
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

/**
 * What holds the responses of one middleware back until their sessions are committed: no byte of a response, its headers
 * included, leaves before.
 *
 * Four methods are replaced on each response. Whatever they meet there is called on, be it Node's own or what
 * `compression` put in its place. A response that is held behaves as if it were on its way: `write` answers false until
 * `drain`, and its status and headers can't be changed any more.
 *
 * `fail` gets the error of a failed commit as long as another response can be sent; otherwise this one is destroyed.
 */
export function responseGate(): (res: AnyResponse, commit: Commit, fail: (error: unknown) => void) => void {
  const usual = patchFor(Symbol('gate'));
  return (res, commit, fail) => {
    // The union of both response types has no common signatures, though Node implements both alike.
    const response = res as ServerResponse;
    // A response that comes by twice (`delete req.session`, or another request with it) has a gate behind the gate.
    const patch = usual.slot in response ? patchFor(Symbol('gate')) : usual;
    const gate = new Gate(response, commit, fail, patch);
    const { slot, writeHead, write, end, flushHeaders } = patch;
    expectProperties(response, 'req', ServerResponse.prototype);
    Object.assign(response, { [slot]: gate, writeHead, write, end, flushHeaders });
  };
}

/** What is put on a response. Made once for a middleware, since closures for each response would cost more than the rest. */
type Patch = ReturnType<typeof patchFor>;

function patchFor(slot: symbol) {
  type Gated = ServerResponse & { readonly [slot: symbol]: Gate };
  const gateOf = (response: Gated): Gate => response[slot] as Gate;
  return {
    slot,
    writeHead(this: Gated, status: number, ...rest: unknown[]) {
      gateOf(this).writeHead(status, rest);
      return this;
    },
    write(this: Gated, ...args: unknown[]) {
      return gateOf(this).write(args);
    },
    end(this: Gated, ...args: unknown[]) {
      gateOf(this).end(args);
      return this;
    },
    flushHeaders(this: Gated) {
      gateOf(this).flushHeaders();
    },
    /** Stands in for the methods that change headers while those are frozen. */
    refuse(this: Gated) {
      if (!gateOf(this).ended) throw headersSentError();
      return this;
    },
    headersSent: {
      configurable: true,
      get(this: Gated): boolean {
        return gateOf(this).headersSent;
      },
    },
  };
}

/** A call of the application that waits. */
interface Kept {
  /** Makes it. False if the response has no room for more. */
  readonly send: () => boolean;
  /** Its last argument: Node's callback, if it is a function. */
  readonly callback: unknown;
}

const NONE: Kept[] = [];

/** One response and its commit. */
class Gate {
  phase: Phase;
  /** `end` was kept: the application has answered, and nothing that it does afterwards changes that. */
  ended = false;
  /** The methods this gate stands before, be they Node's own or what `compression` put in their place. */
  readonly inner: Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'flushHeaders'>;
  readonly #response: ServerResponse;
  readonly #commit: Commit;
  readonly #fail: (error: unknown) => void;
  readonly #patch: Patch;
  readonly #headersBefore: ReturnType<ServerResponse['getHeaders']>;
  /** Status and headers can't be changed, as they can't be once a response has been sent. */
  #frozen = false;
  #kept = NONE;
  #failure: unknown;

  constructor(response: ServerResponse, commit: Commit, fail: (error: unknown) => void, patch: Patch) {
    const { writeHead, write, end, flushHeaders } = response;
    this.inner = { writeHead, write, end, flushHeaders };
    this.phase = response.headersSent ? 'open' : 'waiting';
    this.#response = response;
    this.#commit = commit;
    this.#fail = fail;
    this.#patch = patch;
    // engine.io gives middleware a response of its own for a WebSocket, which has few methods and is never sent.
    this.#headersBefore = response.getHeaders?.() ?? {};
  }

  /** Of the response itself, whoever asks: what inherits from it has this property from it. */
  get headersSent(): boolean {
    const response = this.#response;
    return this.#frozen ? !this.ended : Reflect.get(Object.getPrototypeOf(response), 'headersSent', response);
  }

  writeHead(status: number, rest: unknown[]): void {
    const { inner } = this;
    const response = this.#response;
    if (this.isOver) return;
    if (this.phase === 'held') throw headersSentError();
    if (this.phase === 'open') {
      Reflect.apply(inner.writeHead, response, [status, ...rest]);
      return;
    }
    const message = typeof rest[0] === 'string' ? [rest[0]] : [];
    // As headers of the response, not as arguments: arguments would replace a Set-Cookie of the session.
    mergeHeaders(response, message.length === 0 ? (rest[0] ?? rest[1]) : rest[1]);
    response.statusCode = status;
    const send = () => {
      Reflect.apply(inner.writeHead, response, [response.statusCode, ...message]);
      return true;
    };
    if (this.#start(send, undefined)) send();
  }

  flushHeaders(): void {
    this.#announce();
    if (this.isOver) return;
    const send = () => {
      this.inner.flushHeaders.call(this.#response);
      return true;
    };
    if (this.phase === 'held') this.#keep(send, undefined);
    else if (this.phase === 'open' || this.#start(send, undefined)) send();
  }

  write(args: unknown[]): boolean {
    const send = (): boolean => Reflect.apply(this.inner.write, this.#response, args);
    const callback = args.at(-1);
    this.#announce();
    if (this.isOver) this.#drop(callback);
    else if (this.phase === 'held') this.#keep(send, callback);
    else if (this.phase === 'open' || this.#start(send, callback)) return send();
    return false;
  }

  end(args: unknown[]): void {
    const callback = args.at(-1);
    this.#announce();
    if (this.isOver) {
      this.#drop(callback);
      return;
    }
    const send = () => {
      Reflect.apply(this.inner.end, this.#response, args);
      process.nextTick(commitRest, this);
      return true;
    };
    // What is changed until then is committed, too.
    if (this.phase === 'held') this.#keep(() => this.#start(send, callback) && send(), callback);
    else if (this.#response.writableEnded || this.#start(send, callback)) send();
    this.ended = this.phase === 'held';
  }

  /** What was done in one breath with an answer that has left: a logout that came after its redirect still counts. */
  commitRest(): void {
    try {
      const committed = this.#commit(this.#response.statusCode, true);
      if (committed instanceof Promise) committed.catch(ignore);
    } catch {
      // The client has its answer. A failing store is published as an event; a value that can't be stored is lost unseen.
    }
  }

  /** Whether the application may send nothing any more. */
  get isOver(): boolean {
    return this.phase === 'failed' || (this.ended && (this.phase === 'held' || this.#response.writableEnded));
  }

  /** Who waits for the headers to be written (`on-headers`) has its turn before the commit: it may change the session. */
  #announce(): void {
    const response = this.#response;
    if (this.phase === 'waiting' && response.writeHead !== this.#patch.writeHead) response.writeHead(response.statusCode);
  }

  /** Starts the response, or ends a streaming one. True: go on. False: it was kept until the commit has settled, or dropped. */
  #start(send: () => boolean, callback: unknown): boolean {
    let setHeaders: SetHeaders | Promise<SetHeaders>;
    try {
      setHeaders = this.#commit(this.#response.statusCode, this.phase === 'open');
    } catch (error) {
      this.#keep(send, callback);
      this.#giveUp(error);
      return false;
    }
    if (setHeaders instanceof Promise) {
      this.#keep(send, callback);
      this.#hold(setHeaders);
      return false;
    }
    setHeaders();
    this.phase = 'open';
    return true;
  }

  #keep(send: () => boolean, callback: unknown): void {
    if (this.#kept === NONE) this.#kept = [];
    this.#kept.push({ send, callback });
  }

  #hold(committed: Promise<SetHeaders>): void {
    this.phase = 'held';
    const thaw = this.#freeze();
    committed.then(
      (setHeaders) => {
        thaw();
        this.#open(setHeaders);
        // Express' last error handler waits for the end of the request before it answers, and finds nothing sent now.
        if (this.ended && this.phase === 'open') Object.assign(this.#response, IGNORED);
      },
      (error) => {
        thaw();
        this.#giveUp(error);
      },
    );
  }

  /**
   * Makes status and headers unchangeable, as they are once a response has been sent. Returns what undoes it.
   *
   * Who only began a response meets what Node answers after the headers: an error, and `headersSent`. Who ended it, and
   * throws then or answers a second time, is ignored: an error handler that saw `headersSent` would cut the connection
   * under a response that Node had delivered.
   */
  #freeze(): () => void {
    const response = this.#response;
    const { statusCode, setHeader, appendHeader, removeHeader } = response;
    const statusMessage = Object.hasOwn(response, 'statusMessage') ? response.statusMessage : '';
    const { refuse, headersSent } = this.#patch;
    this.#frozen = true;
    Object.assign(response, { setHeader: refuse, appendHeader: refuse, removeHeader: refuse });
    // It stays, and tells the truth afterwards: an object that a property is deleted from is slow for the rest of its life.
    Object.defineProperty(response, 'headersSent', headersSent);
    return () => {
      this.#frozen = false;
      Object.assign(response, { setHeader, appendHeader, removeHeader });
      setStatus(response, statusCode, statusMessage);
    };
  }

  #open(setHeaders: SetHeaders): void {
    try {
      setHeaders();
      this.phase = 'open';
      this.#release();
    } catch (error) {
      // A bad status or chunk: what Node throws about it comes too late for the call. The session is stored nevertheless.
      this.#giveUp(error, setHeaders);
    }
  }

  /** Sends what was kept, in order. */
  #release(): void {
    let flowing = true;
    for (let call = this.#kept.shift(); call; call = this.phase === 'open' ? this.#kept.shift() : undefined) flowing = call.send();
    // Whoever was told to wait may go on; a full buffer says so by itself.
    if (flowing && !this.ended) process.nextTick(() => this.#response.emit('drain'));
  }

  #giveUp(error: unknown, setHeaders?: SetHeaders): void {
    const response = this.#response;
    const { writeHead, flushHeaders, write, end } = this.inner;
    this.phase = 'failed';
    this.#failure = error;
    this.ended = false;
    for (const { callback } of this.#kept) this.#drop(callback);
    this.#kept = NONE;
    if (response.headersSent) {
      response.destroy(error as Error);
      return;
    }
    // From here on the response belongs to the error handler. What still comes through these gates, from what
    // `compression` keeps of them, is dropped; what the application itself sends can't be told from the error handler's.
    Object.assign(response, { writeHead, flushHeaders, write: this.#untilEnded(write, false), end: this.#untilEnded(end, response) });
    restoreHeaders(response, this.#headersBefore);
    setHeaders?.();
    if (error instanceof SessionError) for (const [name, value] of Object.entries(error.headers ?? {})) response.setHeader(name, value);
    setStatus(response, statusOf(error), '');
    this.#fail(error);
  }

  /** Where Node would throw or emit an error: an application that goes on sending must not disturb the error response. */
  #untilEnded(method: unknown, otherwise: unknown) {
    const response = this.#response;
    return (...args: unknown[]): unknown => {
      if (!response.writableEnded) return Reflect.apply(method as ServerResponse['write'], response, args);
      this.#drop(args.at(-1));
      return otherwise;
    };
  }

  #drop(callback: unknown): void {
    if (typeof callback !== 'function') return;
    process.nextTick(callback, this.#failure ?? codedError('ERR_STREAM_WRITE_AFTER_END', 'write after end'));
  }
}

function commitRest(gate: Gate): void {
  gate.commitRest();
}

/** As in `commitRest`: the client has its answer. */
function ignore(): void {}

const IGNORED = { setHeader: ignoreHeader, appendHeader: ignoreHeader, removeHeader: ignoreHeader };

function ignoreHeader(this: ServerResponse): ServerResponse {
  return this;
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
