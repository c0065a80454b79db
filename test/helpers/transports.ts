import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  createServer as createHttp2Server,
  createSecureServer,
  type Http2Server,
  connect as http2Connect,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:net';
import express from 'express';
import express4 from 'express4';
import { type Session, type SessionOptions, session } from 'sojourn';
import { listen, SECRET } from './app.ts';
import { certificate } from './certificate.ts';
import { parseReply, requestText, Wire, type WireReply, type WireRequest } from './wire.ts';

export type Request = IncomingMessage & { readonly session: Session };
export type Handler = (req: Request, res: ServerResponse, next: (error?: unknown) => void) => unknown;

/** A running server under one of the transports. */
export interface Transported {
  readonly port: number;
  /** Sends a request and reads the whole reply; `onBytes` is called when something of it arrives. */
  send(path: string, request?: WireRequest & { onBytes?: () => void }): Promise<WireReply>;
  /** Two round trips: what the server had sent before them has arrived. */
  roundTrips(): Promise<void>;
  close(): Promise<void>;
}

/** What stands before the session and after it, the same under every transport. */
interface Parts {
  readonly options: SessionOptions;
  readonly handler: Handler;
}

type Start = (parts: Parts) => Promise<Transported>;

const before: Handler = (req, res, next) => {
  if (req.url === '/ping') res.end('pong');
  else {
    res.setHeader('X-Before', 'cors');
    next();
  }
};

/** Answers with the error's code, and with the status that the response has: an error handler that forgets to set one. */
const answerError = (error: unknown, res: ServerResponse) => {
  res.end(`failed: ${(error as { code?: string }).code}`);
};

/** Without a framework. */
function plainListener({ options, handler }: Parts) {
  const sessions = session({ secret: SECRET, ...options });
  return (incoming: unknown, outgoing: unknown) => {
    const [req, res] = [incoming as Request, outgoing as ServerResponse];
    before(req, res, () => {
      sessions(req, res, (error) => {
        if (error === undefined) handler(req, res, (failed) => answerError(failed, res));
        else answerError(error, res);
      });
    });
  };
}

function expressListener(app: express.Express, { options, handler }: Parts) {
  app.disable('x-powered-by');
  app.use(before as unknown as express.RequestHandler);
  app.use(session({ secret: SECRET, ...options }));
  app.use(handler as unknown as express.RequestHandler);
  app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    answerError(error, res);
  });
  return app;
}

async function overHttp1(server: Server, secure = false): Promise<Transported> {
  const { port, close } = await listen(server);
  const send = async (path: string, { onBytes, ...request }: WireRequest & { onBytes?: () => void } = {}) => {
    const wire = new Wire(port, { secure, ...(onBytes && { onData: onBytes }) });
    return parseReply(await wire.send(requestText(path, request)).closed);
  };
  const roundTrips = async () => {
    await send('/ping');
    await send('/ping');
  };
  return { port, send, roundTrips, close };
}

async function overHttp2(server: Http2Server, scheme: string): Promise<Transported> {
  const running = await listen(server as unknown as Server);
  const client = http2Connect(`${scheme}://127.0.0.1:${running.port}`, { rejectUnauthorized: false });
  return {
    port: running.port,
    send: (path, request) => sendHttp2(client, path, request),
    // A ping frame goes the way of all frames, one after another.
    roundTrips: async () => {
      for (const _ of [1, 2]) await new Promise((resolve) => client.ping(resolve));
    },
    close: async () => {
      client.destroy();
      await running.close();
    },
  };
}

function sendHttp2(
  client: ClientHttp2Session,
  path: string,
  { method = 'GET', headers = {}, body = '', onBytes }: WireRequest & { onBytes?: () => void } = {},
): Promise<WireReply> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': path, ':method': method, ...headers });
    const received = new Map<string, string[]>();
    let status = 0;
    let text = '';
    stream.setEncoding('latin1');
    stream.on('response', (fields) => {
      onBytes?.();
      status = Number(fields[':status']);
      for (const [name, value] of Object.entries(fields)) received.set(name, [value ?? []].flat().map(String));
    });
    stream.on('data', (chunk: string) => {
      onBytes?.();
      text += chunk;
    });
    stream.once('end', () => resolve({ status, reason: '', headers: received, body: text }));
    stream.once('error', reject);
    if (!stream.writableEnded) stream.end(body);
  });
}

/** Every way a request reaches an application. */
export const TRANSPORTS: Record<string, Start> = {
  'Express 5': (parts) => overHttp1(createServer(expressListener(express(), parts))),
  'Express 4': (parts) => overHttp1(createServer(expressListener(express4(), parts))),
  'node:http': (parts) => overHttp1(createServer(plainListener(parts))),
  'node:https': (parts) => overHttp1(createHttpsServer(certificate(), plainListener(parts)), true),
  'http2 in clear text': (parts) => overHttp2(createHttp2Server(plainListener(parts)), 'http'),
  'http2 over TLS': (parts) => overHttp2(createSecureServer(certificate(), plainListener(parts)), 'https'),
  'http2 over TLS, met with HTTP/1.1': (parts) =>
    overHttp1(createSecureServer({ ...certificate(), allowHTTP1: true }, plainListener(parts)), true),
};
