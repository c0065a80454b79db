import { createServer } from 'node:http';
import express from 'express';
import { getIronSession } from 'iron-session';
import { LOGIN, seedData, total } from './data.mjs';
import { serve } from './serve.mjs';

// iron-session on Express: the whole session, encrypted, in the cookie. No store at all, and at most 4 KB.
const options = { password: process.env.SESSION_SECRET, cookieName: 'iron', cookieOptions: { secure: false } };

const app = express();
const loaded = async (req, res, next) => {
  req.session = await getIronSession(req, res, options);
  next();
};

app.get('/untouched', (_req, res) => res.send('ok'));
app.get('/read', loaded, (req, res) => res.send(`user ${req.session.userId}`));
app.post('/count', loaded, async (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  await req.session.save();
  res.send(`views ${req.session.views}`);
});
app.post('/login', loaded, async (req, res) => {
  Object.assign(req.session, LOGIN);
  await req.session.save();
  res.send('welcome');
});

app.post('/seed', loaded, async (req, res) => {
  Object.assign(req.session, seedData(req.query));
  await req.session.save();
  res.send('seeded');
});
app.post('/own/:writer', loaded, async (req, res) => {
  const key = `own${req.params.writer}`;
  req.session[key] = (req.session[key] ?? 0) + 1;
  await req.session.save();
  res.send('written');
});
app.get('/total', loaded, (req, res) => res.send(`total ${total((key) => req.session[key])}`));
app.post('/tally', loaded, async (req, res) => {
  req.session.tally = (req.session.tally ?? 0) + 1;
  await req.session.save();
  res.send(`tally ${req.session.tally}`);
});

serve(createServer(app));
