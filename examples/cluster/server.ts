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
  // Closing ends connections that are idle; browsers and proxies send again what they had just begun to send on one. Those in use are told to end
  // with their next answer, or a busy client would keep this process for ever.
  server.prependListener('request', (_req, res) => {
    if (!server.listening) res.setHeader('Connection', 'close');
  });
  // Node's cluster closes the server when the primary, or this, disconnects the process.
  server.once('close', leave);
  onEnd(() => server.listening && cluster.worker?.disconnect());
  await listen(server, PORT);
}
