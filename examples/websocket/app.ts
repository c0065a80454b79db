import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import express, { type Request, type Response } from 'express';
import { type SessionOptions, session } from 'sojourn';
import { page, pageHeaders, refuseOtherOrigins, style } from '../shared/pages.js';
import { acceptSockets, type Sockets } from './sockets.js';

declare module 'sojourn' {
  interface SessionData {
    name: string;
    /** How many messages were sent, on all sockets of the session. */
    sent: number;
  }
}

export interface Chat {
  readonly server: Server;
  readonly sockets: Sockets;
}

/** A chat: who you are comes from the session, what is said goes over a WebSocket. */
export function createChat(options: SessionOptions = {}): Chat {
  const sessions = session(options);
  const app = express();
  const server = createServer(app);
  const sockets = acceptSockets(server, sessions);

  app.disable('x-powered-by');
  app.use(pageHeaders({ connect: "'self'" }), style, express.static(join(import.meta.dirname, 'public'), { index: false }));
  app.use(refuseOtherOrigins, sessions, express.urlencoded({ extended: false, limit: '1kb' }));

  app.get('/', (req, res) => {
    res.send(page('Chat', req.session.has('name') ? CHAT : SIGN_IN));
  });
  app.post('/login', (req, res) => {
    // Whoever says a name is it: examples/login asks for a password.
    const name = String(req.body?.name ?? '').trim();
    if (name === '' || name.length > 40) return res.status(400).send(page('Sorry', '<p>A name has 1 to 40 letters.</p>'));
    endSession(req, res);
    req.session.set('name', name);
    res.redirect(303, '/');
  });
  app.post('/logout', (req, res) => {
    endSession(req, res);
    res.redirect(303, '/');
  });
  return { server, sockets };

  /** What is set afterwards is a new session, under a new key. */
  function endSession(req: Request, res: Response): void {
    const { sessionKey } = req.session;
    req.session.flush();
    // When the response is done the record is gone. The other tabs of this visitor are to hear nothing any more.
    res.once('close', () => void sockets.closeEnded(sessionKey));
  }
}

const SIGN_IN = `<form method="post" action="/login">
        <label>Name <input name="name" maxlength="40" required></label>
        <button>Come in</button>
      </form>`;
const CHAT = `<ol aria-label="What was said"></ol>
      <form id="say"><label>Message <input name="text" maxlength="500" autocomplete="off" required></label><button>Say</button></form>
      <p role="status">Connecting …</p>
      <form method="post" action="/logout"><button>Sign out</button></form>
      <script type="module" src="/chat.js"></script>`;
