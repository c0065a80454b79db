import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { RedisStore } from 'connect-redis';
import fastify from 'fastify';
import { createClient } from 'redis';
import { LOGIN, seedData, total } from './data.mjs';
import { serve } from './serve.mjs';

// @fastify/session with connect-redis, told to write only what has changed, as express-session is here.
const client = createClient({ url: process.env.REDIS_URL });
await client.connect();

const app = fastify();
app.register(fastifyCookie);
app.register(fastifySession, {
  secret: process.env.SESSION_SECRET,
  store: new RedisStore({ client }),
  cookie: { secure: false },
  saveUninitialized: false,
  rolling: false,
});

app.get('/untouched', async () => 'ok');
app.get('/read', async ({ session }) => `user ${session.userId}`);
app.post('/count', async ({ session }) => {
  session.views = (session.views ?? 0) + 1;
  return `views ${session.views}`;
});
app.post('/login', async (request) => {
  await request.session.regenerate();
  Object.assign(request.session, LOGIN);
  return 'welcome';
});

app.post('/seed', async ({ session, query }) => {
  Object.assign(session, seedData(query));
  return 'seeded';
});
app.post('/own/:writer', async ({ session, params }) => {
  const key = `own${params.writer}`;
  session[key] = (session[key] ?? 0) + 1;
  return 'written';
});
app.get('/total', async ({ session }) => `total ${total((key) => session[key])}`);
app.post('/tally', async ({ session }) => {
  session.tally = (session.tally ?? 0) + 1;
  return `tally ${session.tally}`;
});

await app.ready();
serve(app.server);
