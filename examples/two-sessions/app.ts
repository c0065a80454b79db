import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type Application, type RequestHandler, type Router } from 'express';
import { type Session, type SessionOptions, session, type UserOptions } from 'sojourn';
import { page, pageHeaders, refuseOtherOrigins, style } from '../shared/pages.js';

const LANGUAGES = ['English', 'Deutsch', 'Français'] as const;
type Language = (typeof LANGUAGES)[number];

// What the public's session holds: the type of every `req.session`.
declare module 'sojourn' {
  interface SessionData {
    visits: number;
    language: Language;
  }
}

/** What an administrator's session holds: the type of `req.admin`, and of nothing else. */
interface AdminData {
  adminId: string;
  /** When the password was given, as `Date.toISOString()` writes it. */
  since: string;
}

declare global {
  namespace Express {
    interface Request {
      /** On requests under /admin. */
      readonly admin: Session<AdminData>;
    }
  }
}

/** The demo's password, shown on its page. examples/login keeps hashes, as a real app must. */
export const ADMIN_PASSWORD = 'mind the gap';

/** Whatever the data are: those that look at them are not among them. */
type AnySessionOptions = Omit<SessionOptions, keyof UserOptions>;

/** The public's pages, and those of administrators under /admin: one app, one store, two sessions that know nothing of each other. */
export function createApp(options: AnySessionOptions = {}): Application {
  const app = express();
  app.disable('x-powered-by');
  app.use(pageHeaders(), style, refuseOtherOrigins, express.urlencoded({ extended: false, limit: '4kb' }));

  // The visitor's: two weeks after the last change, and links from other sites bring it along (SameSite=Lax).
  app.use(session({ ...options, maxAge: { days: 14 } }));
  app.get('/', (req, res) => {
    const visits = req.session.get('visits', 0) + 1;
    req.session.set('visits', visits);
    const buttons = LANGUAGES.map((language) => `<button name="language" value="${language}">${language}</button>`);
    res.send(
      page(
        'Two sessions',
        `<p>Visit ${visits}, in ${req.session.get('language', 'English')}</p>
      <form method="post" action="/language">${buttons.join('')}</form>
      <form method="post" action="/forget"><button>Forget me</button></form>
      <p><a href="/admin">Administration</a></p>`,
      ),
    );
  });
  app.post('/language', (req, res) => {
    const language = LANGUAGES.find((each) => each === req.body?.language);
    if (language) req.session.set('language', language);
    res.redirect(303, '/');
  });
  app.post('/forget', (req, res) => {
    req.session.flush();
    res.redirect(303, '/');
  });

  app.use('/admin', administration(options));
  return app;
}

function administration(options: AnySessionOptions): Router {
  const router = express.Router();
  // Half an hour after the last request, eight hours at most, and no link from elsewhere opens a page with it. It may share the visitors' store: a
  // cookie is signed for its own name, so the value of one is worthless as the other. The path keeps the cookie at home where it isn't needed. It
  // is no wall: a script of the public pages may call /admin.
  router.use(
    session<AdminData>({
      ...options,
      property: 'admin',
      cookie: { name: 'adminid', path: '/admin', sameSite: 'strict' },
      maxAge: { minutes: 30 },
      saveEveryRequest: true,
      absoluteTimeout: { hours: 8 },
    }),
  );

  router.get('/', requireAdmin, (req, res) => {
    // The visitor's session is here as well: its path is '/'.
    res.send(page('Administration', `<p>Signed in since ${req.admin.get('since')}, visit ${req.session.get('visits', 0)}</p>${SIGN_OUT}`));
  });
  router.get('/login', (_req, res) => {
    res.send(page('Sign in', `${SIGN_IN}<p>This is a demo: “${ADMIN_PASSWORD}”</p>`));
  });
  router.post('/login', (req, res) => {
    if (!isSame(String(req.body?.password ?? ''), ADMIN_PASSWORD)) return res.redirect(303, '/admin/login');
    // This one's key changes. The visitor's session is another, and stays.
    req.admin.cycleKey();
    req.admin.update({ adminId: 'root', since: new Date().toISOString() });
    res.redirect(303, '/admin');
  });
  router.post('/logout', (req, res) => {
    req.admin.flush();
    res.redirect(303, '/');
  });
  return router;
}

const requireAdmin: RequestHandler = (req, res, next) => {
  if (req.admin.has('adminId')) next();
  else res.redirect(303, '/admin/login');
};

/** In the same time whatever is given: hashes are of one length. */
function isSame(given: string, secret: string): boolean {
  const [one, other] = [given, secret].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(one, other);
}

const SIGN_IN = `<form method="post" action="/admin/login">
        <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
        <button>Sign in</button>
      </form>`;
const SIGN_OUT = '<form method="post" action="/admin/logout"><button>Sign out</button></form>';
