import { join } from 'node:path';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { SessionInterrupted, type SessionOptions, StoreUnavailableError, session } from 'sojourn';
import { accountRoutes } from './account.js';
import { addToCart, type CartLine, findProduct, MAX_QUANTITY, setQuantity } from './cart.js';
import { deviceOf } from './device.js';
import { loginPage, messagePage, shopPage } from './pages.js';
import { field, hasLostSession, SESSION_COOKIE, signedInUser } from './request.js';
import { authenticate } from './users.js';

// Every req.session of this program knows its keys: another key, or a value of another type, doesn't compile.
declare module 'sojourn' {
  interface SessionData {
    userId: string;
    /** What the browser called itself at the sign-in. */
    device: string;
    cart: CartLine[];
    views: number;
    // Messages for the next page: whoever shows one takes it out.
    loginError: { name: string };
    notice: string;
  }
}

const DAYS_SIGNED_IN = 30;

/** A little shop. Everybody has a cart, and takes it along when signing in. */
export function createApp(options: SessionOptions = {}): Express {
  const sessions = session({
    user: (visit) => visit.get('userId'),
    device: (visit) => visit.get('device'),
    cookie: { name: SESSION_COOKIE },
    ...options,
  });
  const app = express();
  app.disable('x-powered-by');
  // Before the session: a style sheet needs none.
  app.use(express.static(join(import.meta.dirname, 'public'), { index: false }));
  app.use(setHeaders, refuseOtherOrigins);
  app.use(sessions);
  app.use(express.urlencoded({ extended: false, limit: '4kb' }));

  app.get('/', (req, res) => {
    const views = req.session.get('views', 0) + 1;
    req.session.set('views', views);
    res.send(shopPage({ user: signedInUser(req), cart: req.session.get('cart', []), views }));
  });

  app.post('/cart', (req, res) => {
    const product = findProduct(field(req, 'product'));
    if (product === undefined) return res.status(400).send(messagePage('We have no such thing.'));
    addToCart(req.session.setDefault('cart', []), product.id);
    res.redirect(303, '/');
  });

  app.post('/cart/:product', (req, res) => {
    const quantity = Number(field(req, 'quantity') || Number.NaN);
    if (!Number.isInteger(quantity) || quantity < 0 || quantity > MAX_QUANTITY) {
      return res.status(400).send(messagePage(`A quantity is a whole number up to ${MAX_QUANTITY}.`));
    }
    setQuantity(req.session.get('cart', []), req.params.product, quantity);
    res.redirect(303, '/#cart');
  });

  app.get('/login', (req, res) => {
    if (signedInUser(req) !== undefined) return res.redirect(303, '/account');
    res.send(loginPage({ error: req.session.pop('loginError'), hasLostSession: hasLostSession(req) }));
  });

  app.post('/login', async (req, res) => {
    const name = field(req, 'name');
    const user = await authenticate(name, field(req, 'password'));
    if (user === undefined) {
      req.session.set('loginError', { name });
      return res.redirect(303, '/login');
    }
    const before = req.session.get('userId', user.id);
    // A new key either way, so that a key from before the sign-in opens nothing. What another user left here isn't ours.
    if (before === user.id) req.session.cycleKey();
    else req.session.flush();
    req.session.update({ userId: user.id, device: deviceOf(req.headers['user-agent']) });
    // In seconds, counted from the last change; 0 is until the browser closes.
    req.session.setExpiry(field(req, 'stay') === 'yes' ? DAYS_SIGNED_IN * 24 * 60 * 60 : 0);
    res.redirect(303, '/');
  });

  app.use('/account', accountRoutes(sessions, options.clock ?? Date.now));

  app.post('/logout', (req, res) => {
    req.session.flush();
    res.redirect(303, '/');
  });

  app.use((_req, res) => res.status(404).send(messagePage('There is no such page.')));
  app.use(showError);
  return app;
}

const setHeaders: RequestHandler = (_req, res, next) => {
  res.set({
    // Every page shows who is signed in: after signing out, the Back button must ask for it anew.
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};

/** SameSite=Lax keeps the cookie out of other sites' forms. This refuses our own site's other origins, and forged sign-ins. */
const refuseOtherOrigins: RequestHandler = (req, res, next) => {
  const { origin, host } = req.headers;
  const isOwn = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
  if (req.method === 'GET' || req.method === 'HEAD' || isOwn) next();
  else res.status(403).send(messagePage('This form was sent from another site.'));
};

const showError: ErrorRequestHandler = (error: { status?: number }, _req, res, next) => {
  if (res.headersSent) return next(error);
  const { status = 500 } = error;
  if (status >= 500) console.error(error);
  res.status(status).send(messagePage(apologyFor(error)));
};

function apologyFor(error: unknown): string {
  if (error instanceof SessionInterrupted) return 'You signed in or out elsewhere meanwhile. Nothing was changed here.';
  if (error instanceof StoreUnavailableError) return 'We can’t look up who you are at the moment. Try again soon.';
  return 'That didn’t work.';
}
