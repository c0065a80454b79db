import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import Koa from 'koa';
import session from 'koa-session';
import { LOGIN, seedData, total } from './data.mjs';
import { routes } from './koa-routes.mjs';
import { serve } from './serve.mjs';

// koa-session with sessions in Redis: it asks for a store of three methods, and this is the shortest one.
const redis = new Redis(process.env.REDIS_URL);
const store = {
  get: async (key) => JSON.parse(await redis.get(`koa:${key}`)),
  set: (key, data, maxAge) => redis.set(`koa:${key}`, JSON.stringify(data), 'PX', maxAge),
  destroy: (key) => redis.del(`koa:${key}`),
};

const count = (data, key) => {
  data[key] = (data[key] ?? 0) + 1;
  return data[key];
};
const own =
  (writer) =>
  ({ session }) => {
    count(session, `own${writer}`);
    return 'written';
  };

const app = new Koa();
app.keys = [process.env.SESSION_SECRET];
app.use(session({ store, maxAge: 14 * 86_400_000 }, app));
app.use(
  routes({
    'GET /untouched': () => 'ok',
    'GET /read': ({ session }) => `user ${session.userId}`,
    'POST /count': ({ session }) => `views ${count(session, 'views')}`,
    async 'POST /login'(ctx) {
      await ctx.session.regenerate();
      Object.assign(ctx.session, LOGIN);
      return 'welcome';
    },

    'POST /seed'({ session, query }) {
      Object.assign(session, seedData(query));
      return 'seeded';
    },
    ...Object.fromEntries(Array.from({ length: 8 }, (_, writer) => [`POST /own/${writer}`, own(writer)])),
    'GET /total': ({ session }) => `total ${total((key) => session[key])}`,
    'POST /tally': ({ session }) => `tally ${count(session, 'tally')}`,
  }),
);
serve(createServer(app.callback()));
