import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { listen, onEnd, openStore, PORT } from '../shared/serve.js';
import { createApp } from './app.js';
import { runPrimary } from './primary.js';

await (cluster.isPrimary ? runPrimary() : serve());

/** One of the processes: serves until it is told to end, and answers what is under way then. */
async function serve(): Promise<void> {
  const { store, leave } = openStore('cluster');
  const server = createServer(createApp({ store }));
  // A client that never lets go of its connection would keep this process for ever.
  server.prependListener('request', (_req, res) => {
    if (!server.listening) res.setHeader('Connection', 'close');
  });
  server.once('close', () => {
    leave();
    process.disconnect();
  });
  onEnd(() => server.close());
  await listen(server, PORT);
}
