import { createServer, type RequestListener } from 'node:http';
import { createTRPCUntypedClient, httpBatchLink, httpBatchStreamLink } from '@trpc/client';
import { type Client, listen, type Running } from '../helpers/app.js';
import { suspend } from '../helpers/stores.js';
import { recordWarnings } from '../helpers/warnings.js';
import { requestText, Wire, wireRequest } from '../helpers/wire.js';
import { type Kitchen, kitchen, recipeNamed } from './recipes.js';

/** What tRPC asks of a `fetch`: less exact types than TypeScript's own have. */
type FetchEsque = NonNullable<Parameters<typeof httpBatchLink>[0]['fetch']>;

const down = () => Promise.reject(new Error('down'));

let kit: Kitchen;
let running: Running;
let browser: Client;
/** How many requests the tRPC client has sent. */
let requests: number;

beforeEach(async () => {
  kit = kitchen();
  running = await listen(createServer(kit.run('tRPC').app as RequestListener));
  browser = running.client();
  requests = 0;
});
afterEach(() => running.close());

/** tRPC's own client on the browser's cookies. */
function client() {
  const fetchWithCookies = async (url: string, init?: RequestInit) => {
    requests += 1;
    const { status, headers, body } = await browser.get(url.slice(running.origin.length), init);
    return new Response(body, { status, headers });
  };
  return createTRPCUntypedClient({ links: [httpBatchLink({ url: `${running.origin}/trpc`, fetch: fetchWithCookies as FetchEsque })] });
}

/** The HTTP status and tRPC's code of a call that fails. */
async function failure(call: Promise<unknown>): Promise<{ status: unknown; code: unknown }> {
  const { data } = (await call.catch((error: unknown) => error)) as { data?: { httpStatus: number; code: string } };
  return { status: data?.httpStatus, code: data?.code };
}

test('a mutation logs in under a new key, and the next call knows the user', async () => {
  const { cookie } = await kit.sessions.issue({ name: 'Ada' });
  browser.jar.set('sessionid', cookie.slice('sessionid='.length));
  expect(await failure(client().query('me'))).toEqual({ status: 401, code: 'UNAUTHORIZED' });
  await client().mutation('login');
  expect(browser.cookie).not.toBe(cookie);
  expect(await client().query('me')).toEqual({ id: 42, name: 'Ada' });
  expect((await kit.open(cookie)).sessionKey).toBeNull();
});

test('the calls of a batch share a session, which is saved once', async () => {
  await client().mutation('login');
  [requests, kit.store.calls.length] = [0, 0];
  const trpc = client();
  await Promise.all([trpc.mutation('rename', 'Ada'), trpc.mutation('rename', 'Grace'), trpc.mutation('login')]);
  expect({ requests, calls: kit.store.calls }).toEqual({ requests: 1, calls: ['read', 'create', 'retire'] });
  expect(await trpc.query('me')).toEqual({ id: 42, name: 'Grace' });
});

test('no byte of the answer leaves before the session is saved', async () => {
  const creation = suspend(kit.store, 'create');
  const headers = { 'Content-Type': 'application/json' };
  const wire = new Wire(running.port).send(requestText('/trpc/login', { method: 'POST', headers }));
  await creation.reached;
  for (const _ of [1, 2]) await wireRequest(running.port, '/elsewhere');
  expect(wire.text).toBe('');
  creation.release();
  expect(await wire.closed).toMatch(/^HTTP\/1\.1 200 OK.*\r\nset-cookie: sessionid=/is);
});

test('a store that is down is a 503, for who reads and for who writes', async () => {
  await client().mutation('login');
  kit.store.before('update', down).before('create', down);
  // Saving comes after tRPC: what it had to say is dropped, and Express answers.
  const writing = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '"Ada"' };
  const { status, body, setCookies } = await browser.get('/trpc/rename', writing);
  expect({ status, setCookies }).toEqual({ status: 503, setCookies: [] });
  expect(body).not.toContain('result');
  kit.store.before('read', down);
  expect(await failure(client().query('me'))).toEqual({ status: 503, code: 'SERVICE_UNAVAILABLE' });
});

test('a stream sends its headers while a call still waits: a login by it is not stored, and a warning says why', async () => {
  const block = recipeNamed('tRPC');
  const login = 'login: call.mutation(({ ctx }) => {';
  expect(block.code).toContain(login);
  // A check of the password that takes its time.
  const slow = block.code.replace(login, "login: call.mutation(async ({ ctx }) => { await ctx.session.exists('A'.repeat(43));");
  const streaming = await listen(createServer(kit.run({ ...block, code: slow }).app as RequestListener));
  const check = suspend(kit.store, 'exists');
  const warnings = recordWarnings();
  const cookies: string[] = [];
  const fetchUntilHeaders: typeof fetch = async (...args) => {
    const response = await fetch(...args);
    cookies.push(...response.headers.getSetCookie());
    check.release();
    return response;
  };
  const link = httpBatchStreamLink({ url: `${streaming.origin}/trpc`, fetch: fetchUntilHeaders as FetchEsque });

  await createTRPCUntypedClient({ links: [link] }).mutation('login');
  await streaming.close();
  expect({ cookies, calls: kit.store.calls }).toEqual({ cookies: [], calls: ['exists'] });
  expect(warnings.map(({ code }) => code)).toEqual(['SOJOURN_HEADERS_SENT']);
});
