import { createServer } from 'node:http';
import { listen, onEnd, openStore, PORT } from '../shared/serve.js';
import { createApi } from './api.js';
import { createShop } from './shop.js';

const { name, store, leave } = openStore('cart-api');
const [shopServer, apiServer] = [createServer(), createServer()];

// Each must know the other's origin, so both have theirs before they answer.
const shop = await listen(shopServer, PORT);
const api = await listen(apiServer, PORT + 1);
shopServer.on('request', createShop(api));
apiServer.on('request', createApi({ shop, store }));
console.log(`Sessions in ${name}, the API on ${api}. Open ${shop}`);

apiServer.once('close', leave);
onEnd(() => {
  shopServer.close();
  apiServer.close();
});
