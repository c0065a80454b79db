import { createServer } from 'node:http';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';
import { LOGIN, seedData, total } from './data.mjs';
import { serve } from './serve.mjs';

// express-session, connect-redis and node-redis as their documentation shows them together.
const client = createClient({ url: process.env.REDIS_URL });
await client.connect();
const rolling = process.argv.includes('rolling');

const app = express();
app.use(
  session({
    store: new RedisStore({ client }),
    resave: false,
    saveUninitialized: false,
    secret: process.env.SESSION_SECRET,
    // A rolling cookie is one with an age.
    ...(rolling ? { rolling, cookie: { maxAge: 14 * 86_400_000 } } : {}),
  }),
);

app.get('/untouched', (_req, res) => res.send('ok'));
app.get('/read', (req, res) => res.send(`user ${req.session.userId}`));
app.post('/count', (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  res.send(`views ${req.session.views}`);
});
app.post('/login', (req, res, next) => {
  req.session.regenerate((error) => {
    if (error) return next(error);
    Object.assign(req.session, LOGIN);
    req.session.save((error) => (error ? next(error) : res.send('welcome')));
  });
});

app.post('/seed', (req, res) => {
  Object.assign(req.session, seedData(req.query));
  res.send('seeded');
});
app.post('/own/:writer', (req, res) => {
  const key = `own${req.params.writer}`;
  req.session[key] = (req.session[key] ?? 0) + 1;
  res.send('written');
});
app.get('/total', (req, res) => res.send(`total ${total((key) => req.session[key])}`));
app.post('/tally', (req, res) => {
  req.session.tally = (req.session.tally ?? 0) + 1;
  res.send(`tally ${req.session.tally}`);
});

serve(createServer(app));
