import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { RedisStore } from 'sojourn';
import { listen, onEnd, PORT } from '../shared/serve.js';
import { createApp } from './app.js';

const { REDIS_URL = '' } = process.env;

const redis = REDIS_URL === '' ? undefined : new Redis(REDIS_URL);
redis?.on('error', (error: Error) => console.error(`Redis: ${error.message}`));

const server = createServer(createApp(redis && { store: new RedisStore(redis, { prefix: 'sojourn-demo:' }) }));
const origin = await listen(server, PORT);
console.log(`Sessions in ${redis ? 'Redis' : 'memory'}. Open ${origin}`);

// Requests under way are answered first, for which they need Redis.
server.once('close', () => redis?.disconnect());
onEnd(() => server.close());
