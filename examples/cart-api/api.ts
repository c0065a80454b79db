import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { type SessionOptions, session } from 'sojourn';

export const PRODUCTS = ['socks', 'bread', 'lantern'] as const;
export type Product = (typeof PRODUCTS)[number];
export const MAX_QUANTITY = 99;

declare module 'sojourn' {
  interface SessionData {
    cart: Partial<Record<Product, number>>;
  }
}

export interface ApiOptions extends SessionOptions {
  /** The origin of the pages that may use the API: `https://shop.example.com`. */
  readonly shop: string;
}

/**
 * A cart behind a JSON API, for the pages of one other origin.
 *
 * The two origins are of one site (shop.example.com and api.example.com; here two ports of one host), so the cookie stays SameSite=Lax
 * and `fetch(url, { credentials: 'include' })` brings it along. Between two sites it would have to be `{ sameSite: 'none', secure: true }`, which
 * many browsers block: give the API a sub-domain of the shop's instead.
 */
export function createApi({ shop, ...options }: ApiOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // Before the session: a preflight and what is refused cost no call of the store. What is set before it also stays on its errors, and without
  // CORS headers the page couldn't read them.
  app.use(allow(shop), refuseForgeries(shop), express.json({ limit: '1kb' }));
  app.use(session(options));

  app.get('/cart', (req, res) => {
    res.json(req.session.get('cart', {}));
  });

  app.put('/cart/:product', async (req, res) => {
    const product = PRODUCTS.find((each) => each === req.params.product);
    const { quantity } = (req.body ?? {}) as { quantity?: unknown };
    if (product === undefined) return res.status(404).json({ error: 'NO_SUCH_PRODUCT' });
    if (!isQuantity(quantity)) return res.status(400).json({ error: 'BAD_QUANTITY' });
    // A page sends several of these at once. They change the same key, of which `set` would keep the last one only: `update` makes the change
    // anew on what another request has stored meanwhile.
    await req.session.update((s) => {
      s.setDefault('cart', {})[product] = quantity;
    });
    res.json({ product, quantity });
  });

  app.delete('/cart', (req, res) => {
    req.session.flush();
    res.status(204).end();
  });

  app.use((_req, res) => res.status(404).json({ error: 'NOT_FOUND' }));
  app.use(sendError);
  return app;
}

/** CORS, for one origin by its name: `*` isn't allowed together with cookies, and to send back whatever origin asks would let in all. */
function allow(shop: string): RequestHandler {
  return (req, res, next) => {
    res.vary('Origin').set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    if (req.headers.origin === shop) res.set({ 'Access-Control-Allow-Origin': shop, 'Access-Control-Allow-Credentials': 'true' });
    if (req.method !== 'OPTIONS') return next();
    // The preflight: the browser asks before it sends what no form could. Without the two headers above, the answer is no.
    res.set({ 'Access-Control-Allow-Methods': 'GET, PUT, DELETE', 'Access-Control-Allow-Headers': 'Content-Type' });
    res.set('Access-Control-Max-Age', '600').status(204).end();
  };
}

/**
 * Why there is no CSRF token. A form, a link or an image of another page can send GET and POST, and bodies that are text, form fields or files:
 * no PUT, no DELETE, no `application/json`. A script can, and then the browser asks first (above), and only the shop's pages get a yes. That alone
 * would do; but `Origin`, which no page can forge, is compared here as well, so that a mistake in the lines above opens nothing: a "simple"
 * request is sent without asking, whoever may read the answer. And SameSite=Lax leaves the cookie at home when another site asks. What remains is
 * a script within the shop's own pages, which could read a token, too.
 */
function refuseForgeries(shop: string): RequestHandler {
  return (req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD') next();
    else if (req.headers.origin !== shop) res.status(403).json({ error: 'OTHER_ORIGIN' });
    else if (req.method !== 'DELETE' && !req.is('application/json')) res.status(415).json({ error: 'NOT_JSON' });
    else next();
  };
}

/** Errors of Sojourn have a stable code, those of the body's parser a type. Clients match on it; a 503 also says when to try again. */
const sendError: ErrorRequestHandler = (error: Partial<ApiError>, _req, res, next) => {
  if (res.headersSent) return next(error);
  const { status = 500, headers = {}, code, type } = error;
  if (status >= 500) console.error(error);
  res
    .status(status)
    .set(headers)
    .json({ error: code ?? type ?? 'INTERNAL' });
};

interface ApiError {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly code: string;
  readonly type: string;
}

function isQuantity(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_QUANTITY;
}
