import { createServer, type RequestListener } from 'node:http';
import { listen, type Running } from '../helpers/app.js';
import { type Kitchen, kitchen } from './recipes.js';

let kit: Kitchen;
let running: Running;

beforeEach(async () => {
  kit = kitchen();
  running = await listen(createServer(kit.run('A password change ends the other sessions').app as RequestListener));
});
afterEach(() => running.close());

/** The Cookie header of a new session of a user. */
const signIn = async (userId: number) => (await kit.sessions.issue({ userId })).cookie;
const userOf = async (cookie: string) => (await kit.open(cookie)).get('userId');

async function changePassword(cookie: string, current: string, password: string) {
  const client = running.client();
  const { status, body } = await client.get('/password', {
    method: 'POST',
    headers: { cookie },
    body: new URLSearchParams({ current, password }),
  });
  return { status, body, cookie: client.cookie };
}

test('a password change ends the other sessions of the user, and the key this one had', async () => {
  const [mine, phone, tablet, another] = [await signIn(42), await signIn(42), await signIn(42), await signIn(7)];
  const { status, body, cookie } = await changePassword(mine, 'lovelace', 'analytical');
  expect({ status, body }).toEqual({ status: 200, body: 'Your password is changed. Signed out elsewhere: 2.' });
  expect(await Promise.all([cookie, mine, phone, tablet, another].map(userOf))).toEqual([42, undefined, undefined, undefined, 7]);
  expect((await changePassword(cookie, 'lovelace', 'again')).status).toBe(403);
  expect((await changePassword(cookie, 'analytical', 'again')).status).toBe(200);
});

test('a wrong password, or none, ends nothing', async () => {
  const [mine, phone] = [await signIn(42), await signIn(42)];
  expect((await changePassword(mine, 'guess', 'mine')).status).toBe(403);
  expect((await changePassword(mine, 'lovelace', '')).status).toBe(403);
  expect((await changePassword('', 'lovelace', 'mine')).status).toBe(403);
  expect(await Promise.all([mine, phone].map(userOf))).toEqual([42, 42]);
});
