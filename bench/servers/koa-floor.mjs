import { createServer } from 'node:http';
import Koa from 'koa';
import { routes } from './koa-routes.mjs';
import { serve } from './serve.mjs';

// Koa alone: the floor of koa-session.
const app = new Koa();
app.use(
  routes({
    'GET /untouched': () => 'ok',
    'GET /read': () => 'user 42',
    'POST /count': () => 'views 1',
    'POST /login': () => 'welcome',
  }),
);
serve(createServer(app.callback()));
