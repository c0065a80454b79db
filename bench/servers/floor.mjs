import { createServer } from 'node:http';
import express from 'express';
import { serve } from './serve.mjs';

// Express alone: what a request costs without any session.
const app = express();
app.get('/untouched', (_req, res) => res.send('ok'));
app.get('/read', (_req, res) => res.send('user 42'));
app.post('/count', (_req, res) => res.send('views 1'));
app.post('/login', (_req, res) => res.send('welcome'));
serve(createServer(app));
