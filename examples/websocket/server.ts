import { listen, onEnd, openStore, PORT } from '../shared/serve.js';
import { createChat } from './app.js';

const { name, store, leave } = openStore('websocket');
const { server, sockets } = createChat({ store });
console.log(`Sessions in ${name}. Open ${await listen(server, PORT)}`);

// What a sign-out on another process or an expiry has ended. One look at the store for each socket.
const everyMinute = setInterval(() => void sockets.closeEnded(), 60_000);

server.once('close', leave);
onEnd(() => {
  clearInterval(everyMinute);
  sockets.close();
  server.close();
});
