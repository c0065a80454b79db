import { createServer } from 'node:http';
import { listen, onEnd, openStore, PORT } from '../shared/serve.js';
import { createApp } from './app.js';

const { name, store, leave } = openStore('two-sessions');
const server = createServer(createApp({ store }));
console.log(`Sessions in ${name}. Open ${await listen(server, PORT)}`);

// Requests under way are answered first, for which they need the store.
server.once('close', leave);
onEnd(() => server.close());
