import { failedExample, type RunningExample, startExample } from '../../test/helpers/example.js';
import { type WireReply, wireRequest } from '../../test/helpers/wire.js';

const REQUESTS = 30;

let cluster: RunningExample;
let port: number;
let cookie = '';

beforeAll(async () => {
  // Without a secret from outside: the primary makes one for all processes, those that come later as well.
  cluster = await startExample('cluster', { REDIS_URL: process.env.REDIS_URL, WORKERS: '3', SESSION_SECRET: undefined });
  port = Number(new URL(cluster.origin).port);
});
afterAll(() => cluster.stop());

beforeEach(async () => {
  const { headers } = await send('POST', '/login/ada');
  cookie = /^[^;]+/.exec(headers.get('set-cookie')?.[0] ?? '')?.[0] as string;
});
afterEach(async () => {
  await send('POST', '/logout');
  cookie = '';
});

/** Over a connection of its own, which the primary hands to the next process in turn. */
function send(method: string, path: string): Promise<WireReply> {
  return wireRequest(port, path, { method, headers: { ...(cookie && { Cookie: cookie }), 'Content-Length': '0' } });
}

const processOf = ({ headers }: WireReply) => Number(headers.get('x-process')?.[0]);
const data = async () => JSON.parse((await send('GET', '/')).body);

/** The processes that answer at the moment. */
async function processes(): Promise<Set<number>> {
  return new Set((await Promise.all(Array.from({ length: 12 }, () => send('GET', '/')))).map(processOf));
}

test('parallel writes on three processes are all kept: of different keys, and of one that is counted up', async () => {
  const numbers = Array.from({ length: REQUESTS }, (_, index) => index);
  const replies = await Promise.all(numbers.flatMap((number) => [send('PUT', `/notes/${number}/text-${number}`), send('POST', '/visits')]));
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(replies.map(processOf)).size).toBe(3);
  const notes = Object.fromEntries(numbers.map((number) => [`note:${number}`, `text-${number}`]));
  expect(await data()).toEqual({ name: 'ada', visits: REQUESTS, ...notes });
});

test('a rolling restart leaves no new connection unanswered, and logs nobody out', async () => {
  const before = await processes();
  const [, primary] = await cluster.printed(/kill -USR2 (\d+)/);
  let restarted = false;
  const end = cluster.printed(/All processes are new\./).then(() => {
    restarted = true;
  });
  process.kill(Number(primary), 'SIGUSR2');
  let count = 0;
  const keepCounting = async () => {
    while (!restarted) {
      const { status } = await send('POST', '/visits');
      expect(status).toBe(200);
      count += 1;
    }
  };
  await Promise.all([end, keepCounting(), keepCounting()]);

  const after = await processes();
  expect(after.size).toBe(3);
  expect([...after].filter((id) => before.has(id))).toEqual([]);
  expect(await data()).toEqual({ name: 'ada', visits: count });
});

test('a process that is killed gets a successor, and its visitors are still signed in', async () => {
  const [victim] = await processes();
  process.kill(victim as number, 'SIGKILL');
  await cluster.printed(new RegExp(`Process ${victim} is gone`));
  expect(await data()).toEqual({ name: 'ada' });
  let serving = await processes();
  while (serving.size < 3) serving = await processes();
  expect(serving).not.toContain(victim);
});

test('a form of another site is refused', async () => {
  const headers = { Cookie: cookie, Origin: 'http://elsewhere.example', 'Content-Length': '0' };
  expect((await wireRequest(port, '/logout', { method: 'POST', headers })).status).toBe(403);
  expect(await data()).toEqual({ name: 'ada' });
});

test('without a Redis it says what it needs, and ends', async () => {
  const { code, output } = await failedExample('cluster', { REDIS_URL: '' });
  expect(code).toBe(1);
  expect(output).toContain('REDIS_URL=redis://127.0.0.1:6379 npx tsx examples/cluster/server.ts');
});
