import { join } from 'node:path';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import { SessionInterrupted, type SessionOptions, StoreUnavailableError, session } from 'sojourn';
import { addToCart, type CartLine, findProduct, MAX_QUANTITY, setQuantity } from './cart.js';
import { accountPage, loginPage, messagePage, shopPage } from './pages.js';
import { authenticate, findUser, type User } from './users.js';

// Every req.session of this program knows its keys: another key, or a value of another type, doesn't compile.
declare module 'sojourn' {
  interface SessionData {
    userId: string;
    cart: CartLine[];
    views: number;
    /** A message for the next page: whoever shows it takes it out. */
    loginError: { name: string };
  }
}

const DAYS_SIGNED_IN = 30;

/** A little shop. Everybody has a cart, and takes it along when signing in. */
export function createApp(options: SessionOptions = {}): Express {
  const app = express();
  app.disable('x-powered-by');
  // Before the session: a style sheet needs none.
  app.use(express.static(join(import.meta.dirname, 'public'), { index: false }));
  app.use(setHeaders, refuseOtherOrigins);
  app.use(session(options));
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
    res.send(loginPage(req.session.pop('loginError')));
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
    req.session.set('userId', user.id);
    // In seconds, counted from the last change; 0 is until the browser closes.
    req.session.setExpiry(field(req, 'stay') === 'yes' ? DAYS_SIGNED_IN * 24 * 60 * 60 : 0);
    res.redirect(303, '/');
  });

  app.get('/account', (req, res) => {
    const user = signedInUser(req);
    if (user === undefined) return res.redirect(303, '/login');
    const expires = req.session.getExpireAtBrowserClose() ? undefined : req.session.getExpiryDate();
    res.send(accountPage({ user, cart: req.session.get('cart', []), expires }));
  });

  app.post('/logout', (req, res) => {
    req.session.flush();
    res.redirect(303, '/');
  });

  app.use((_req, res) => res.status(404).send(messagePage('There is no such page.')));
  app.use(showError);
  return app;
}

function signedInUser(req: Request): User | undefined {
  return findUser(req.session.get('userId'));
}

/** A field of the form; '' if it is missing or there are several. */
function field(req: Request, name: string): string {
  const value: unknown = (req.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' ? value : '';
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
  if (error instanceof SessionInterrupted) return 'You signed in or out in another tab meanwhile. Nothing was changed here.';
  if (error instanceof StoreUnavailableError) return 'We can’t look up who you are at the moment. Try again soon.';
  return 'That didn’t work.';
}
