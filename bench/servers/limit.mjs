import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { parseCookie, stringifySetCookie } from 'cookie';
import { sign, unsign } from 'cookie-signature';
import express from 'express';
import { Redis } from 'ioredis';
import { LOGIN, seedData, total } from './data.mjs';
import { serve } from './serve.mjs';

// The least that sessions in Redis take, by hand: no expiry rules, no merging, no protection of anything but the cookie.
const redis = new Redis(process.env.REDIS_URL);
const secret = process.env.SESSION_SECRET;
const MAX_AGE = 14 * 86_400;

async function load(req, _res, next) {
  const value = req.headers.cookie === undefined ? undefined : parseCookie(req.headers.cookie).sid;
  const id = value === undefined ? false : unsign(value, secret);
  const text = id === false ? null : await redis.get(`session:${id}`);
  if (text === null) {
    req.session = {};
  } else {
    req.id = id;
    req.session = JSON.parse(text);
  }
  next();
}

/** Stores the session, and sets the cookie if it is new. */
async function save(req, res) {
  if (req.id === undefined) {
    req.id = randomBytes(32).toString('base64url');
    const cookie = { name: 'sid', value: sign(req.id, secret), path: '/', httpOnly: true, sameSite: 'lax', maxAge: MAX_AGE };
    res.setHeader('Set-Cookie', stringifySetCookie(cookie));
  }
  await redis.set(`session:${req.id}`, JSON.stringify(req.session), 'EX', MAX_AGE);
}

const app = express();
app.use(load);

app.get('/untouched', (_req, res) => res.send('ok'));
app.get('/read', (req, res) => res.send(`user ${req.session.userId}`));
app.post('/count', async (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  await save(req, res);
  res.send(`views ${req.session.views}`);
});
app.post('/login', async (req, res) => {
  req.id = undefined;
  Object.assign(req.session, LOGIN);
  await save(req, res);
  res.send('welcome');
});

app.post('/seed', async (req, res) => {
  Object.assign(req.session, seedData(req.query));
  await save(req, res);
  res.send('seeded');
});
app.post('/own/:writer', async (req, res) => {
  const key = `own${req.params.writer}`;
  req.session[key] = (req.session[key] ?? 0) + 1;
  await save(req, res);
  res.send('written');
});
app.get('/total', (req, res) => res.send(`total ${total((key) => req.session[key])}`));
app.post('/tally', async (req, res) => {
  req.session.tally = (req.session.tally ?? 0) + 1;
  await save(req, res);
  res.send(`tally ${req.session.tally}`);
});

serve(createServer(app));
