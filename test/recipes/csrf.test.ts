import { createServer, type RequestListener } from 'node:http';
import { type Client, listen, type Reply, type Running, SECRET } from '../helpers/app.js';
import { type Kitchen, kitchen } from './recipes.js';

const TOKEN_COOKIE = '__Host-psifi.x-csrf-token';

let kit: Kitchen;
let running: Running;

beforeEach(async () => {
  process.env.CSRF_SECRET = SECRET;
  kit = kitchen();
  running = await listen(createServer(kit.run('Forms and csrf-csrf').app as RequestListener));
});
afterEach(() => running.close());

/** Opens the form, and returns the token in it. */
async function openForm(client: Client): Promise<string> {
  const { body } = await client.get('/login');
  return /name="csrf" value="([^"]+)"/.exec(body)?.[1] as string;
}

function post(client: Client, fields: Record<string, string>): Promise<Reply> {
  return client.get('/login', { method: 'POST', body: new URLSearchParams(fields) });
}

test('an anonymous visitor sends the form and is signed in, under a new key', async () => {
  const client = running.client();
  const csrf = await openForm(client);
  const before = client.jar.get('sessionid');
  expect((await post(client, { csrf })).status).toBe(303);
  expect(before).toBeDefined();
  expect(client.jar.get('sessionid')).not.toBe(before);
});

test('a request without the token, or with a wrong one, is refused and changes nothing', async () => {
  const client = running.client();
  const csrf = await openForm(client);
  kit.store.calls.length = 0;
  for (const fields of [{}, { csrf: '' }, { csrf: `${csrf}0` }] as Record<string, string>[])
    expect((await post(client, fields)).status).toBe(403);
  expect(kit.store.calls).toEqual(['read', 'read', 'read']);
});

test('a token of another visitor is refused, even if its cookie was planted in the browser', async () => {
  const [attacker, victim] = [running.client(), running.client()];
  const csrf = await openForm(attacker);
  await openForm(victim);
  victim.jar.set(TOKEN_COOKIE, attacker.jar.get(TOKEN_COOKIE) as string);
  expect((await post(victim, { csrf })).status).toBe(403);
});

test('so it is with a visitor who has no session yet', async () => {
  const attacker = running.client();
  const csrf = await openForm(attacker);
  const victim = running.client();
  victim.jar.set(TOKEN_COOKIE, attacker.jar.get(TOKEN_COOKIE) as string);
  expect((await post(victim, { csrf })).status).toBe(403);
});

test('a token from before the login is not good after it; the next form has another', async () => {
  const client = running.client();
  const csrf = await openForm(client);
  await post(client, { csrf });
  expect((await post(client, { csrf })).status).toBe(403);
  const next = await openForm(client);
  expect(next).not.toBe(csrf);
  expect((await post(client, { csrf: next })).status).toBe(303);
});

test('who opens no form gets no session', async () => {
  const { setCookies } = await running.client().get('/elsewhere');
  expect({ setCookies, calls: kit.store.calls }).toEqual({ setCookies: [], calls: [] });
});
