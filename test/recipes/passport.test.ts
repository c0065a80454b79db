import { createServer, type RequestListener } from 'node:http';
import { listen, type Running } from '../helpers/app.js';
import { kitchen } from './recipes.js';

const open: Running[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()));
});

async function serve(recipe: string) {
  const kit = kitchen();
  const running = await listen(createServer(kit.run(recipe).app as RequestListener));
  open.push(running);
  return { kit, running };
}
const form = (fields: Record<string, string>): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) });

test('passport’s strategies work on session(): a new key with the login, and the old one is dead', async () => {
  const { kit, running } = await serve('passport (2)');
  const client = running.client();
  const { cookie } = await kit.sessions.issue({ cart: ['pen'] });
  client.jar.set('sessionid', cookie.slice('sessionid='.length));
  expect((await client.get('/login', form({ username: 'ada', password: 'wrong' }))).headers.get('location')).toBe('/login');
  expect(client.cookie).toBe(cookie);
  expect((await client.get('/login', form({ username: 'ada', password: 'lovelace' }))).headers.get('location')).toBe('/account');
  expect(client.cookie).not.toBe(cookie);
  expect((await client.get('/account')).body).toBe('42');
  expect((await kit.open(cookie)).sessionKey).toBeNull();
});

test('a message without connect-flash is there after the redirect, once', async () => {
  const { running } = await serve('Without it');
  const client = running.client();
  expect((await client.get('/cart', { method: 'POST' })).status).toBe(303);
  expect((await client.get('/cart')).body).toBe('It is in the cart.');
  expect((await client.get('/cart')).body).toBe('');
});
