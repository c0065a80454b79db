import { join } from 'node:path';
import express, { type Express } from 'express';
import { page, pageHeaders, style } from '../shared/pages.js';
import { MAX_QUANTITY, PRODUCTS } from './api.js';

/** The shop's page. It has no session of its own: its script talks to the API, which is another origin. */
export function createShop(api: string): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(pageHeaders({ connect: api }), style, express.static(join(import.meta.dirname, 'public'), { index: false }));
  const inputs = PRODUCTS.map(
    (product) =>
      `<label>${product} <input type="number" name="${product}" value="0" min="0" max="${MAX_QUANTITY}" required readonly></label>`,
  );
  app.get('/', (_req, res) => {
    res.send(
      page(
        'A cart on another origin',
        `<form data-api="${api}">${inputs.join('')}<button type="button">Forget me</button></form>
      <p role="status"></p>
      <script type="module" src="/cart.js"></script>`,
      ),
    );
  });
  return app;
}
