import { createConnection, type Socket } from 'node:net';
import { connect } from 'node:tls';

/** A response as it came over a connection. Header names are in lower case, each with all of its values. */
export interface WireReply {
  readonly status: number;
  readonly reason: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** A connection whose bytes a test sees as they come, one character for each. */
export class Wire {
  readonly socket: Socket;
  text = '';
  /** All that came, once the connection is over, however it ended. */
  readonly closed: Promise<string>;
  readonly #watchers = new Set<() => void>();

  constructor(port: number, { secure = false, onData = () => {} }: { secure?: boolean; onData?: () => void } = {}) {
    const address = { port, host: '127.0.0.1' };
    this.socket = secure ? connect({ ...address, rejectUnauthorized: false }) : createConnection(address);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => {
      this.text += chunk;
      onData();
      for (const look of this.#watchers) look();
    });
    // A connection that is cut is one of the things to be seen.
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve(this.text)));
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** Resolves when what came matches; rejects if the connection ends before. */
  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!pattern.test(this.text)) return;
        this.#watchers.delete(look);
        resolve(this.text);
      };
      this.#watchers.add(look);
      void this.closed.then((text) => reject(new Error(`never matched ${pattern}: ${text}`)));
      look();
    });
  }
}

/** A request as it goes over a connection, which the server closes afterwards unless told otherwise. */
export function requestText(path: string, { method = 'GET', headers = {}, body = '' }: WireRequest = {}): string {
  const lines = Object.entries({ Host: 'localhost', Connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

export interface WireRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Sends one request over a connection of its own, and reads the whole reply. */
export async function wireRequest(port: number, path: string, request: WireRequest = {}): Promise<WireReply> {
  return parseReply(await new Wire(port).send(requestText(path, request)).closed);
}

/** The first response in a text. Throws if it isn't whole: cut in its headers, its chunks or before its Content-Length. */
export function parseReply(text: string): WireReply {
  const [, status = '', reason = '', fields = '', rest = ''] = /^HTTP\/1\.1 (\d+) ([^\r]*)\r\n(.*?)\r\n\r\n(.*)$/s.exec(`${text}`) ?? [];
  if (status === '') throw new Error(`not a whole response: ${JSON.stringify(text)}`);
  const headers = new Map<string, string[]>();
  for (const line of fields.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return { status: Number(status), reason, headers, body: bodyOf(headers, rest) };
}

function bodyOf(headers: ReadonlyMap<string, readonly string[]>, rest: string): string {
  if (headers.get('transfer-encoding')?.[0] === 'chunked') return rest === '' ? '' : unchunk(rest);
  const length = headers.get('content-length')?.[0];
  if (length === undefined) return rest;
  // HEAD and 304 announce a length without a body.
  if (rest !== '' && rest.length < Number(length)) throw new Error(`the body is cut at ${rest.length} of ${length} bytes`);
  return rest.slice(0, Number(length));
}

function unchunk(text: string): string {
  let body = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (end === -1 || Number.isNaN(size)) throw new Error(`the body is cut after ${body.length} bytes`);
    if (size === 0) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
