import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createSecureServer } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { listen } from '../helpers/app.js';
import { certificate } from '../helpers/certificate.js';
import { storedData } from '../helpers/sessions.js';
import { type Kitchen, kitchen } from './recipes.js';

const down = () => Promise.reject(new Error('down'));

let kit: Kitchen;
beforeEach(() => {
  kit = kitchen();
});

/** Over HTTP/2: one request, and all of its answer. */
async function http2Get(port: number): Promise<{ status: unknown; cookie: unknown; body: string }> {
  const client = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  const stream = client.request({ ':path': '/' }).setEncoding('utf8');
  const [headers] = await once(stream, 'response');
  let body = '';
  for await (const chunk of stream) body += chunk;
  client.close();
  return { status: headers[':status'], cookie: headers['set-cookie']?.[0], body };
}

describe.each([
  ['Connect', () => createServer(kit.run('Connect').app as RequestListener)],
  ['node:http', () => kit.run('node:http and http2').server as Server],
])('on %s', (name, makeServer) => {
  test('the session is stored, and its cookie comes with the answer', async () => {
    const running = await listen(makeServer());
    const client = running.client();
    expect((await client.get('/')).body).toBe('saved\n');
    const session = await kit.open(client.cookie);
    expect(session.get('name')).toBe('Ada');
    await running.close();
  });

  test('a failed save is a 503, without a cookie', async () => {
    kit.store.before('create', down);
    const running = await listen(makeServer());
    const { status, body, setCookies } = await running.client().get('/');
    expect({ status, setCookies }).toEqual({ status: 503, setCookies: [] });
    if (name === 'node:http') expect(body).toBe('Sorry.\n');
    await running.close();
  });
});

test('the same listener serves http2', async () => {
  const { listener } = kit.run('node:http and http2') as { listener: Parameters<typeof createSecureServer>[1] };
  const running = await listen(createSecureServer(certificate(), listener) as unknown as NetServer);
  expect(await http2Get(running.port)).toEqual({ status: 200, cookie: expect.stringMatching(/^sessionid=.*Secure/), body: 'saved\n' });
  kit.store.before('create', down);
  expect(await http2Get(running.port)).toEqual({ status: 503, cookie: undefined, body: 'Sorry.\n' });
  await running.close();
});

describe('a job', () => {
  const deliver = () => kit.run('Jobs and scripts').deliver as (sessionKey: string, report: string) => Promise<boolean>;

  test('leaves its result in the session that waits for it', async () => {
    const { sessionKey } = await kit.sessions.issue({ userId: 1 });
    expect(await deliver()(sessionKey, 'all is well')).toBe(true);
    expect(await storedData({ store: kit.store }, sessionKey)).toEqual({ userId: 1, report: 'all is well' });
  });

  test.each([
    ['logged out', 'flush'],
    ['logged in under a new key', 'cycleKey'],
  ] as const)('finds that its user has %s, and stores nothing', async (_, method) => {
    const { sessionKey, cookie } = await kit.sessions.issue({ userId: 1 });
    const session = await kit.open(cookie);
    session[method]();
    await session.save();
    kit.store.calls.length = 0;
    expect(await deliver()(sessionKey, 'too late')).toBe(false);
    expect(kit.store.calls).toEqual(['read']);
  });

  test('is told of a logout that comes between', async () => {
    const { sessionKey, cookie } = await kit.sessions.issue({ userId: 1 });
    kit.store.before('update', async () => (await kit.open(cookie)).destroy());
    await expect(deliver()(sessionKey, 'too late')).rejects.toMatchObject({ code: 'ERR_SESSION_UPDATE' });
    expect(await storedData({ store: kit.store }, sessionKey)).toBeNull();
  });
});

test('a script removes expired sessions, and says how many', async () => {
  const log = jest.spyOn(console, 'log').mockImplementation();
  await kit.sessions.issue({ userId: 1 });
  kit.clock.advance(15 * 86_400);
  await kit.sessions.issue({ userId: 2 });
  await (kit.run('Jobs and scripts').tidy as () => Promise<void>)();
  expect(log.mock.calls).toEqual([['1 expired sessions removed']]);
  log.mockRestore();
});
