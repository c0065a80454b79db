import { createServer } from 'node:http';
import { type Client, listen, type Reply, type Running, SECRET } from '../../test/helpers/app.js';
import { TestClock } from '../../test/helpers/clock.js';
import { WatchedStore } from '../../test/helpers/stores.js';
import { createApp } from './app.js';
import { timeSince } from './sessions-page.js';
import { DEMO_PASSWORDS } from './users.js';

const LAPTOP = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';
const PHONE = 'Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0';
const PAGE = '/account/sessions';
const EXPLANATION = 'not signed in here any more';

let clock: TestClock;
let running: Running;

beforeEach(async () => {
  clock = new TestClock(Date.parse('2025-10-20T09:30:00Z'));
  const store = new WatchedStore({ clock: clock.read });
  running = await listen(createServer(createApp({ secret: SECRET, store, clock: clock.read })));
});
afterEach(() => running.close());

const [ada, grace] = DEMO_PASSWORDS;

function post(client: Client, path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Reply> {
  return client.get(path, { method: 'POST', body: new URLSearchParams(fields), headers });
}

async function signIn(userAgent: string, user: Record<string, string> = ada): Promise<Client> {
  const client = running.client();
  await post(client, '/login', user, { 'user-agent': userAgent });
  return client;
}

function redirectsTo(path: string, reply: Reply): void {
  expect({ status: reply.status, location: reply.headers.get('location') }).toEqual({ status: 303, location: path });
}

interface Item {
  device: string | undefined;
  isThis: boolean;
  lastSeen: string | undefined;
  signedIn: string | undefined;
  ref: string | undefined;
}

/** What the page lists, as one reads it. */
async function listOf(client: Client): Promise<Item[]> {
  const { body } = await client.get(PAGE);
  const items = body.match(/<li class="card session">[\s\S]*?<\/li>/g) ?? [];
  const textAfter = (item: string, term: string) =>
    new RegExp(`<dt>${term}</dt><dd>(.*?)</dd>`).exec(item)?.[1]?.replace(/<time datetime="[\d-]+T[\d:.]+Z">(.*)<\/time>/, '$1');
  return items.map((item) => ({
    device: /<h2>([^<]*?)\s*</.exec(item)?.[1],
    isThis: item.includes('This browser'),
    lastSeen: textAfter(item, 'Last seen'),
    signedIn: textAfter(item, 'Signed in'),
    ref: /name="session" value="(.*?)"/.exec(item)?.[1],
  }));
}

async function refOf(device: string, seenBy: Client): Promise<string> {
  const item = (await listOf(seenBy)).find((one) => one.device === device);
  return item?.ref as string;
}

describe('where you are signed in', () => {
  test('lists this browser first, then the others by when they were last seen', async () => {
    const phone = await signIn(PHONE);
    clock.advance(3 * 86_400);
    await signIn('curl/8.14.1');
    clock.advance(2 * 3600);
    const laptop = await signIn(LAPTOP);
    await signIn(LAPTOP, grace);

    const unseen = expect.any(String);
    expect(await listOf(laptop)).toEqual([
      { device: 'Chrome on Linux', isThis: true, lastSeen: 'now', signedIn: '23 Oct 2025, 11:30\u00a0UTC', ref: undefined },
      { device: 'An unknown device', isThis: false, lastSeen: '2 hours ago', signedIn: '23 Oct 2025, 09:30\u00a0UTC', ref: unseen },
      { device: 'Firefox on Android', isThis: false, lastSeen: '3 days ago', signedIn: '20 Oct 2025, 09:30\u00a0UTC', ref: unseen },
    ]);
    expect((await listOf(phone)).map(({ device, isThis }) => [device, isThis])).toEqual([
      ['Firefox on Android', true],
      ['Chrome on Linux', false],
      ['An unknown device', false],
    ]);
  });

  test('holds nothing that opens a session', async () => {
    const [laptop, phone] = [await signIn(LAPTOP), await signIn(PHONE)];
    const { body } = await laptop.get(PAGE);
    for (const { cookie } of [laptop, phone])
      for (const part of cookie.split(/[=.~]/)) if (part.length > 20) expect(body).not.toContain(part);
  });

  test('is for who is signed in', async () => {
    const visitor = running.client();
    redirectsTo('/login', await visitor.get(PAGE));
    redirectsTo('/login', await post(visitor, `${PAGE}/end`, { session: 'x' }));
    redirectsTo('/login', await post(visitor, `${PAGE}/end-others`));
    expect((await visitor.get('/login')).body).not.toContain(EXPLANATION);
  });

  test('shows a lonely session no button for the others', async () => {
    const { body } = await (await signIn(LAPTOP)).get(PAGE);
    expect(body).toContain('signed in nowhere else');
    expect(body).not.toContain('Sign out all others');
  });
});

describe('signing out another device', () => {
  test('ends it, is said once, and is explained to who sits there', async () => {
    const [laptop, phone, tablet] = [await signIn(LAPTOP), await signIn(PHONE), await signIn('an odd one')];
    redirectsTo(PAGE, await post(laptop, `${PAGE}/end`, { session: await refOf('Firefox on Android', laptop) }));
    expect((await laptop.get(PAGE)).body).toContain('<p class="notice" role="status">Signed out: Firefox on Android.</p>');
    expect((await laptop.get(PAGE)).body).not.toContain('role="status"');

    redirectsTo('/login', await phone.get('/account'));
    expect((await phone.get('/login')).body).toContain(EXPLANATION);
    expect((await tablet.get('/account')).status).toBe(200);

    await post(phone, '/login', ada, { 'user-agent': PHONE });
    expect((await phone.get('/account')).status).toBe(200);
  });

  test('twice, or from an old page, harms nothing', async () => {
    const [laptop, phone] = [await signIn(LAPTOP), await signIn(PHONE)];
    const session = await refOf('Firefox on Android', laptop);
    await post(phone, '/logout');
    redirectsTo(PAGE, await post(laptop, `${PAGE}/end`, { session }));
    expect((await laptop.get(PAGE)).body).toContain('signed out already');
    redirectsTo(PAGE, await post(laptop, `${PAGE}/end`));
    expect(await listOf(laptop)).toHaveLength(1);
  });

  test('of somebody else is refused', async () => {
    const [laptop, hers] = [await signIn(LAPTOP), await signIn(PHONE, grace)];
    await signIn(LAPTOP, grace);
    const session = await refOf('Chrome on Linux', hers);
    await post(laptop, `${PAGE}/end`, { session });
    expect(await listOf(hers)).toHaveLength(2);
  });

  test('from another site is refused', async () => {
    const [laptop, phone] = [await signIn(LAPTOP), await signIn(PHONE)];
    const session = await refOf('Firefox on Android', laptop);
    for (const path of [`${PAGE}/end`, `${PAGE}/end-others`]) {
      expect((await post(laptop, path, { session }, { origin: 'http://elsewhere.example' })).status).toBe(403);
    }
    expect((await phone.get('/account')).status).toBe(200);
  });

  test('by a list that has this one as another signs out here', async () => {
    const [laptop, phone] = [await signIn(LAPTOP), await signIn(PHONE)];
    redirectsTo('/', await post(laptop, `${PAGE}/end`, { session: await refOf('Chrome on Linux', phone) }));
    expect(laptop.jar.size).toBe(0);
    expect(await listOf(phone)).toHaveLength(1);
  });
});

describe('signing out all others', () => {
  test('leaves this one as it is', async () => {
    const [laptop, phone, tablet] = [await signIn(LAPTOP), await signIn(PHONE), await signIn('an odd one')];
    const hers = await signIn(LAPTOP, grace);
    await post(laptop, '/cart', { product: 'lantern' });
    const { cookie } = laptop;

    redirectsTo(PAGE, await post(laptop, `${PAGE}/end-others`));
    const { body } = await laptop.get(PAGE);
    expect(body).toContain('Signed out: 2 others.');
    expect(body).toContain('signed in nowhere else');
    expect(body).toContain('<span class="badge">1</span>');
    expect(laptop.cookie).toBe(cookie);

    for (const other of [phone, tablet]) redirectsTo('/login', await other.get('/account'));
    expect((await hers.get('/account')).status).toBe(200);
  });

  test('is not for who was signed out', async () => {
    const [laptop, phone] = [await signIn(LAPTOP), await signIn(PHONE)];
    await post(laptop, `${PAGE}/end-others`);
    redirectsTo('/login', await post(phone, `${PAGE}/end-others`));
    expect((await laptop.get('/account')).status).toBe(200);
  });
});

test.each([
  [-5, 'in the last ten minutes'],
  [599, 'in the last ten minutes'],
  [600, '10 minutes ago'],
  [3599, '59 minutes ago'],
  [3600, '1 hour ago'],
  [86_399, '23 hours ago'],
  [86_400, '1 day ago'],
  [13.9 * 86_400, '13 days ago'],
])('what was %d seconds ago was %s', (seconds, words) => {
  expect(timeSince(new Date(1_700_000_000_000), 1_700_000_000_000 + seconds * 1000)).toBe(words);
});
