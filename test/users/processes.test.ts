import { Browser } from '../faults/browser.js';
import { until } from '../faults/experiment.js';
import { Lab } from '../faults/lab.js';

// Two real processes of one application, on one real Redis.

const lab = new Lab();
afterAll(() => lab.close());

test('5 sessions on 2 processes: all but one end everywhere at once, and no list holds a token', async () => {
  const { port } = await lab.redis();
  const start = () => lab.app({ place: { kind: 'single', port }, profile: 'hardened', timeout: 1000, users: true });
  const apps = await Promise.all([start(), start()]);
  const origins = apps.map(({ origin }) => origin) as [string, string];
  // An app listens before its client is connected, and that client refuses calls until then.
  const serves = async (origin: string) => (await new Browser(origin).get('/login?user=zoe')).status === 200;
  await Promise.all(origins.map((origin) => until(() => serves(origin), `${origin} has its Redis`)));
  const browsers = await Promise.all(
    [0, 1, 0, 1, 0].map(async (index) => {
      const browser = new Browser(origins[index] as string);
      expect((await browser.get('/login?user=ann')).status).toBe(200);
      return browser;
    }),
  );
  const others = new Browser(origins[1]);
  await others.get('/login?user=bob');
  /** Whom each cookie belongs to, asked on both processes. */
  const users = async () =>
    Promise.all(
      browsers.flatMap(({ cookie }) =>
        origins.map(async (origin) => {
          const response = await fetch(`${origin}/data`, { headers: { cookie } });
          return ((await response.json()) as { user?: string }).user ?? null;
        }),
      ),
    );
  expect(await users()).toEqual(Array(10).fill('ann'));

  const list = (await browsers[1]?.get('/sessions?user=ann'))?.body ?? '';
  expect(JSON.parse(list)).toHaveLength(5);
  expect(JSON.parse(list).filter(({ current }: { current: boolean }) => current)).toHaveLength(1);
  for (const { cookie } of browsers) for (const part of cookie.split(/[=.~]/)) expect(list).not.toContain(part);
  const everything = await lab.admin(port).keys('*');
  for (const { ref } of JSON.parse(list)) {
    expect(everything.join()).not.toContain(ref);
    for (const cookie of [`sessionid=${ref}`, `sessionid=${ref}.${ref}`]) {
      expect(await (await fetch(`${origins[0]}/data`, { headers: { cookie } })).json()).toEqual({});
    }
  }

  expect((await browsers[1]?.get('/revoke-others?user=ann'))?.body).toBe('4');
  expect(await users()).toEqual([null, null, 'ann', 'ann', ...Array(6).fill(null)]);
  expect(JSON.parse((await browsers[1]?.get('/sessions?user=ann'))?.body ?? '')).toHaveLength(1);
  expect((await others.get('/data')).body).toBe('{"user":"bob"}');
});
