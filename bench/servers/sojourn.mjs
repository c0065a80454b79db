import { createServer } from 'node:http';
import express from 'express';
import { Redis } from 'ioredis';
// As it is shipped: the result of `npm run build`.
import { RedisStore, session } from '../../dist/index.js';
import { LOGIN, seedData, total } from './data.mjs';
import { serve } from './serve.mjs';

const lazy = process.argv.includes('lazy');
// A prefix of its own: Redis tells a near cache of every write below its prefix, in whatever database, and that of other
// peers is none of its business.
const nearCache = process.argv.includes('near') ? { prefix: 'nearest:', nearCache: { max: 10_000, maxAge: 1 } } : {};

// All sessions are those of one user, which is the most an index can have to do.
const user = process.argv.includes('users') ? { user: (s) => s.get('userId') } : {};

const app = express();
const store = new RedisStore(new Redis(process.env.REDIS_URL), nearCache);
app.use(session({ secret: process.env.SESSION_SECRET, store, lazy, ...user }));
const loaded = lazy ? [(req, _res, next) => req.session.load().then(() => next(), next)] : [];

app.get('/untouched', (_req, res) => res.send('ok'));
app.get('/read', ...loaded, (req, res) => res.send(`user ${req.session.get('userId')}`));
app.post('/count', ...loaded, (req, res) => {
  const views = req.session.get('views', 0) + 1;
  req.session.set('views', views);
  res.send(`views ${views}`);
});
app.post('/login', ...loaded, (req, res) => {
  req.session.cycleKey();
  req.session.update(LOGIN);
  res.send('welcome');
});

app.post('/seed', ...loaded, (req, res) => {
  req.session.update(seedData(req.query));
  res.send('seeded');
});
app.post('/own/:writer', ...loaded, (req, res) => {
  const key = `own${req.params.writer}`;
  req.session.set(key, req.session.get(key, 0) + 1);
  res.send('written');
});
app.get('/total', ...loaded, (req, res) => res.send(`total ${total((key) => req.session.get(key))}`));
app.post('/tally', ...loaded, async (req, res) => {
  await req.session.update((s) => s.set('tally', s.get('tally', 0) + 1));
  res.send(`tally ${req.session.get('tally')}`);
});

serve(createServer(app));
