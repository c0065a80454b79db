import express, { type Express, type RequestHandler } from 'express';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { type SessionOptions, session } from 'sojourn';
import { page, pageHeaders, refuseOtherOrigins, style } from '../shared/pages.js';
import { authenticate, DEMO, findUser } from './users.js';

declare module 'sojourn' {
  interface SessionData {
    userId: string;
    /** Where somebody wanted to go who had to sign in first. */
    returnTo: Page;
  }
}

/** The pages that want a user. A list, because a redirect to whatever a visitor asks for leads to other sites, too. */
const PAGES = ['/account', '/orders'] as const;
type Page = (typeof PAGES)[number];

passport.use(
  new Strategy((username, password, done) => {
    authenticate(username, password).then((user) => done(null, user ?? false), done);
  }),
);

/** A strategy only finds the user. With `session: true` passport would want express-session's `req.session`, which `sojourn/express-session` is. */
const findUserOf = (strategy: string): RequestHandler =>
  passport.authenticate(strategy, { session: false, failureRedirect: '/login?failed' });

/** Passport asks for the password, Sojourn keeps who is signed in. */
export function createApp(options: SessionOptions = {}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(pageHeaders(), style, refuseOtherOrigins);
  app.use(session(options));
  app.use(express.urlencoded({ extended: false, limit: '4kb' }));

  app.get('/', (_req, res) => {
    res.send(page('Passport', '<p><a href="/account">Account</a> · <a href="/orders">Orders</a></p>'));
  });

  app.get('/login', (req, res) => {
    const passwords = DEMO.map(({ username, password }) => `${username}: “${password}”`);
    const alert = 'failed' in req.query ? '<p role="alert">Wrong name or password.</p>' : '';
    res.send(page('Sign in', `${alert}${FORM}<p>This is a demo. ${passwords.join(' · ')}</p>`));
  });

  app.post('/login', findUserOf('local'), (req, res) => {
    const { id } = req.user as Express.User;
    const returnTo = req.session.pop('returnTo', '/account');
    // A new key either way, so that a key from before the sign-in opens nothing. What another user left here isn't ours.
    if (req.session.get('userId', id) === id) req.session.cycleKey();
    else req.session.flush();
    req.session.set('userId', id);
    res.redirect(303, returnTo);
  });

  // By POST: a link or an image of another site signs nobody out.
  app.post('/logout', (req, res) => {
    req.session.flush();
    res.redirect(303, '/');
  });

  for (const path of PAGES) {
    app.get(path, requireUser(path), (req, res) => {
      res.send(page(path === '/orders' ? 'Orders' : 'Account', `<p>Signed in as ${req.user?.fullName}</p>${SIGN_OUT}`));
    });
  }
  return app;
}

/** Goes on with `req.user`, or to the sign-in and back. Only on pages that want a user: the others ask nothing of the store. */
function requireUser(path: Page): RequestHandler {
  return (req, res, next) => {
    const user = findUser(req.session.get('userId'));
    if (user) {
      req.user = user;
      return next();
    }
    req.session.set('returnTo', path);
    res.redirect(303, '/login');
  };
}

const FORM = `<form method="post" action="/login">
        <label>Name <input name="username" autocomplete="username" required></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
        <button>Sign in</button>
      </form>`;
const SIGN_OUT = '<form method="post" action="/logout"><button>Sign out</button></form>';
