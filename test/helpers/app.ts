import { type AddressInfo, createConnection, type Server } from 'node:net';
import express, { type Express } from 'express';
import { type SessionMiddleware, type SessionOptions, session } from 'sojourn';

export const SECRET = 'a secret of the tests, long enough for all';

export interface Reply {
  status: number;
  headers: Headers;
  body: string;
  setCookies: string[];
}

/** A client with a cookie jar like a browser's: it keeps what Set-Cookie says, and drops what it deletes. */
export class Client {
  readonly jar = new Map<string, string>();

  constructor(readonly origin: string) {}

  async get(path: string, init: RequestInit = {}): Promise<Reply> {
    const headers = new Headers(init.headers);
    if (this.jar.size > 0 && !headers.has('cookie')) headers.set('cookie', this.cookie);
    const response = await fetch(this.origin + path, { redirect: 'manual', ...init, headers });
    const setCookies = response.headers.getSetCookie();
    for (const line of setCookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name === undefined) continue;
      if (value) this.jar.set(name, value);
      else this.jar.delete(name);
    }
    return { status: response.status, headers: response.headers, body: await response.text(), setCookies };
  }

  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

export interface Running {
  readonly origin: string;
  readonly port: number;
  client(): Client;
  close(): Promise<void>;
}

/** Lets a server listen on a free port of 127.0.0.1. */
export async function listen(server: Server): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    port,
    client: () => new Client(origin),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        (server as { closeAllConnections?: () => void }).closeAllConnections?.();
      }),
  };
}

/** An Express 5 app with sessions, its routes, and an error handler that answers with the error's code. */
export async function startApp(
  options: SessionOptions,
  routes: (app: Express) => void,
): Promise<Running & { sessions: SessionMiddleware; app: Express }> {
  const app = express();
  const sessions = session({ secret: SECRET, ...options });
  app.use(sessions);
  routes(app);
  app.use((error: Error & { status?: number; code?: string }, _req: express.Request, res: express.Response, next: express.NextFunction) => {
    if (res.headersSent) next(error);
    else res.status(error.status ?? 500).json({ code: error.code, message: error.message });
  });
  const { createServer } = await import('node:http');
  const running = await listen(createServer(app));
  return { ...running, sessions, app };
}

/** Sends bytes over a socket and hands over what comes back, chunk by chunk, as it comes. */
export function rawRequest(port: number, request: string, onData: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(request));
    let all = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      all += chunk;
      onData(chunk);
    });
    socket.once('end', () => resolve(all));
    socket.once('close', () => resolve(all));
    socket.once('error', reject);
  });
}
