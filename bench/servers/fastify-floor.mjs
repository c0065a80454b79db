import fastify from 'fastify';
import { serve } from './serve.mjs';

// Fastify alone: the floor of @fastify/session.
const app = fastify();
app.get('/untouched', async () => 'ok');
app.get('/read', async () => 'user 42');
app.post('/count', async () => 'views 1');
app.post('/login', async () => 'welcome');
await app.ready();
serve(app.server);
