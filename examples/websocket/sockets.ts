import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Session, SessionMiddleware } from 'sojourn';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { isOwnOrigin } from '../shared/pages.js';

/** The close code (the range from 4000 on is an application's own) of a socket whose session is over. */
export const SIGNED_OUT = 4401;
/** Of RFC 6455's registry: the server is going away; try again later. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

export interface Sockets {
  /** Closes the sockets whose session is over: signed out, expired, or gone on under a new key. Those of one session, or all. */
  closeEnded(sessionKey?: string | null): Promise<void>;
  /** Closes all, for the server ends. */
  close(): void;
}

/**
 * WebSockets for who is signed in. The session is asked for at the upgrade, when a refusal is still an HTTP status; again with each message,
 * because a socket outlives many requests; and by `closeEnded`, to be called every now and then, for sockets that only listen.
 */
export function acceptSockets(server: Server, sessions: SessionMiddleware): Sockets {
  const upgrades = new WebSocketServer({ noServer: true, maxPayload: 4096 });
  const open = new Map<WebSocket, Session>();

  server.on('upgrade', async (req, socket, head) => {
    socket.on('error', () => socket.destroy()); // it may break while the store is asked
    // Pages of any site may open sockets, and no preflight asks first. SameSite=Lax keeps the cookie out of other sites' handshakes; this also
    // refuses our own site's other origins.
    if (!isOwnOrigin(req.headers)) return refuse(socket, '403 Forbidden');
    try {
      const session = await sessions.load(req);
      if (session.has('name')) upgrades.handleUpgrade(req, socket, head, (ws) => serve(ws, req, session));
      else refuse(socket, '401 Unauthorized');
    } catch {
      refuse(socket, '503 Service Unavailable\r\nRetry-After: 1'); // the store, not the visitor
    }
  });

  function serve(ws: WebSocket, req: IncomingMessage, session: Session): void {
    open.set(ws, session);
    ws.on('close', () => open.delete(ws));
    ws.on('error', () => ws.terminate());
    // One after another: what is said first is heard first.
    let turn = Promise.resolve();
    ws.on('message', (data) => {
      turn = turn.then(() => say(ws, req, data));
    });
  }

  async function say(ws: WebSocket, req: IncomingMessage, data: RawData): Promise<void> {
    if (ws.readyState !== WebSocket.OPEN) return; // closed because of the message before
    try {
      // Loaded anew: it sees what other requests have written, and a sign-out.
      const session = await sessions.load(req);
      const name = session.get('name');
      if (name === undefined) return ws.close(SIGNED_OUT, 'signed out');
      // Outside of a request nothing is saved by itself. This is stored before anybody hears the message; two sockets lose no count.
      await session.update((s) => s.set('sent', s.get('sent', 0) + 1));
      const message = JSON.stringify({ name, text: String(data), count: session.get('sent') });
      for (const each of open.keys()) each.send(message);
    } catch {
      ws.close(TRY_AGAIN_LATER, 'try again later');
    }
  }

  async function closeUnlessStored(ws: WebSocket, session: Session): Promise<void> {
    try {
      if (!(await session.exists(session.sessionKey ?? ''))) ws.close(SIGNED_OUT, 'signed out');
    } catch {
      // A store that is down signs nobody out.
    }
  }

  return {
    async closeEnded(sessionKey) {
      const asked = [...open].filter(([, session]) => sessionKey === undefined || session.sessionKey === sessionKey);
      await Promise.all(asked.map(([ws, session]) => closeUnlessStored(ws, session)));
    },
    close() {
      for (const ws of open.keys()) ws.close(GOING_AWAY);
    },
  };
}

/** What can only be an HTTP response: the connection is no WebSocket yet. */
function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
