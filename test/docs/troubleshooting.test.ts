import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import express, { type Express, type Request } from 'express';
import { MemoryStore, Session, type SessionOptions, session } from 'sojourn';
import { Client, listen, SECRET, startApp } from '../helpers/app.js';
import { type CodeBlock, codeBlocksOf, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';
import { EVENT_NAMES } from '../helpers/events.js';
import { recordWarnings } from '../helpers/warnings.js';
import { errorOf, quoted } from './quoted.js';
import { storeErrors } from './store-errors.js';

// Every message that docs/troubleshooting.md quotes is brought about, and compared with the quotation.

const text = readFileSync('docs/troubleshooting.md', 'utf8');

/** The quotations: a label and a message, over as many lines as it takes. */
const quotations = [...text.matchAll(/^> `(\w+)` (.*(?:\n> .*)*)$/gm)].map(
  ([, label = '', message = '']): string => `${label} ${message.replaceAll('\n> ', ' ')}`,
);

const warnings = recordWarnings();

/** What the error handler gets from a request. */
async function errorFrom(
  options: SessionOptions,
  handler: (req: Request, res: express.Response) => unknown,
  before = '/none',
): Promise<string> {
  let seen: unknown;
  const running = await startApp(options, (app) => {
    app.get('/none', (_req, res) => void res.end());
    app.get('/before', (req, res) => {
      req.session.set('a', 1);
      res.end();
    });
    // Express 4 takes no promise.
    app.get('/', (req, res, next) => void (async () => handler(req, res))().catch(next));
    app.use((error: unknown, _req: Request, _res: express.Response, next: express.NextFunction) => {
      seen = error;
      next(error);
    });
  });
  const client = running.client();
  await client.get(before);
  // A response that had begun is cut off.
  await client.get('/').catch(() => {});
  await running.close();
  return quoted(seen);
}

/** The warning that a request to `path` gives. */
async function warningFrom(options: SessionOptions, handler: (req: Request, res: express.Response) => void): Promise<string> {
  const before = warnings.length;
  const running = await startApp(options, (app) => void app.get('/', handler));
  await running.client().get('/');
  await running.close();
  return warningsSince(before);
}

function warningsSince(before: number): string {
  return warnings
    .slice(before)
    .map(({ code, message }) => `${code} ${message}`)
    .join();
}

async function inProduction<Result>(act: () => Result | Promise<Result>): Promise<Result> {
  const { NODE_ENV, SESSION_SECRET } = process.env;
  process.env.NODE_ENV = 'production';
  delete process.env.SESSION_SECRET;
  try {
    return await act();
  } finally {
    process.env.NODE_ENV = NODE_ENV;
    if (SESSION_SECRET !== undefined) process.env.SESSION_SECRET = SESSION_SECRET;
  }
}

const change = (req: Request, res: express.Response) => {
  req.session.set('a', 1);
  res.end();
};
const optionError = (options: Record<string, unknown>) => errorOf(() => session({ secret: SECRET, ...options } as SessionOptions));
const inSession = (act: (session: Session) => unknown) => errorOf(() => act(new Session({ store: new MemoryStore() })));

/** Another request ends the session while this one is at work. */
const interruptedBy =
  (finish: (req: Request, res: express.Response) => unknown) =>
  async (req: Request, res: express.Response): Promise<unknown> => {
    const other = session({ secret: SECRET, store: shared });
    const same = await other.load({ headers: { cookie: req.headers.cookie } } as IncomingMessage);
    same.flush();
    await same.save();
    req.session.set('late', true);
    return finish(req, res);
  };
const shared = new MemoryStore();

const causes: readonly (() => Promise<string>)[] = [
  () => warningFrom({ cookie: { secure: true } }, change),
  () =>
    warningFrom({}, (req, res) => {
      res.write('begun');
      change(req, res);
    }),
  () => warningFrom({ cookie: { path: '/app' } }, change),
  async () => {
    let seen: unknown;
    const app = express();
    app.get('/', (req, res) => change(req, res));
    app.use(session({ secret: SECRET }));
    app.use((error: unknown, _req: Request, res: express.Response, _next: express.NextFunction) => {
      seen = error;
      res.end();
    });
    await visit(app);
    return quoted(seen);
  },
  async () => {
    const before = warnings.length;
    const { SESSION_SECRET } = process.env;
    delete process.env.SESSION_SECRET;
    session();
    if (SESSION_SECRET !== undefined) process.env.SESSION_SECRET = SESSION_SECRET;
    return warningsSince(before);
  },
  () =>
    inProduction(() => {
      const before = warnings.length;
      session({ secret: SECRET });
      return warningsSince(before);
    }),
  () => inProduction(() => errorOf(() => session({ store: new MemoryStore() }))),
  () => storeErrors['Redis did not answer within 1000 ms']?.() ?? Promise.reject(new Error('no such cause')),
  () =>
    errorFrom(
      { store: shared },
      interruptedBy((_req, res) => res.end()),
      '/before',
    ),
  () =>
    errorFrom(
      { store: shared },
      interruptedBy((req) => req.session.save()),
      '/before',
    ),
  () => optionError({ secret: 'short' }),
  () => optionError({ maxAge: 14 * 86_400_000 }),
  () => optionError({ cookie: { sameSite: 'none' } }),
  () => optionError({ cookie: { name: '__Host-id', secure: true, path: '/app' } }),
  () =>
    errorFrom({}, (req, res) => {
      req.session.set('a', 1);
      res.write('begun');
      res.setHeader('X-Late', 'true');
    }),
  () =>
    errorFrom({}, (req, res) => {
      req.session.set('report', 'x'.repeat(70_000));
      res.end();
    }),
  () =>
    errorFrom({}, (req, res) => {
      req.session.set('user', { born: new Date() });
      res.end();
    }),
  () => inSession((one) => Object.assign(one, { userId: 5 })),
  () => errorFrom({}, (req) => Object.assign(req, { session: null })),
  () => inSession((one) => one.save((() => {}) as never)),
  () => inSession((one) => one.destroy((() => {}) as never)),
  async () => {
    let seen: unknown;
    const app = express();
    app.use((req, _res, next) => {
      Object.defineProperty(req, 'session', { value: {} });
      next();
    });
    app.use(session({ secret: SECRET }));
    app.use((error: unknown, _req: Request, res: express.Response, _next: express.NextFunction) => {
      seen = error;
      res.end();
    });
    await visit(app);
    return quoted(seen);
  },
  () => inSession((one) => one.update((async () => {}) as never)),
  () => inSession((one) => one.set(1 as never, 1 as never)),
  () => errorFrom({ lazy: true }, (req) => req.session.get('a'), '/before'),
  () => inSession((one) => one.setExpiry(14 * 86_400_000)),
  () =>
    warningFrom({}, (req, res) => {
      res.set('Cache-Control', 'public, max-age=60');
      change(req, res);
    }),
];

async function visit(app: Express): Promise<void> {
  const { createServer } = await import('node:http');
  const running = await listen(createServer(app));
  await new Client(running.origin).get('/');
  await running.close();
}

describe('docs/troubleshooting.md', () => {
  test('quotes what is really said, word for word, and nothing else', async () => {
    const said: string[] = [];
    // One after another: each looks at the warnings since it began.
    for (const cause of causes) said.push(await cause());
    expect(said.sort()).toEqual([...quotations].sort());
  });

  const rows = [...text.matchAll(/^\| `((?:Redis|the Redis)[^`]+)`/gm)].map(([, said = '']) => said);

  test('lists what a store says with a 503', () => {
    expect(rows.sort()).toEqual(Object.keys(storeErrors).sort());
  });

  test.each(Object.entries(storeErrors))('says of a 503 “%s” where that is so', async (said, cause) => {
    expect(await cause()).toBe(`ERR_STORE_UNAVAILABLE The session store is not available: ${said}. Check that it runs and can be reached.`);
  });

  test('names every warning that docs/errors.md lists', () => {
    const listed = readFileSync('docs/errors.md', 'utf8').split('## Warnings')[1] ?? '';
    const codes = [...listed.matchAll(/SOJOURN_\w+/g)].map(([code]) => code);
    expect(codes.length).toBeGreaterThan(5);
    // Those of the drop-in are explained in its own document.
    const explained = text + readFileSync('docs/express-session.md', 'utf8');
    expect(codes.filter((code) => !explained.includes(code))).toEqual([]);
  });

  test('has a block that compiles, and prints each event', async () => {
    const [block] = codeBlocksOf('docs/troubleshooting.md').filter(({ language }) => language === 'ts') as [CodeBlock];
    expect(compile('troubleshooting', { 'block.ts': block.code })).toBe('');
    const subscribed: Parameters<typeof subscribe>[] = [];
    runBlock(block, (id) =>
      id === 'node:diagnostics_channel'
        ? { subscribe: (...args: Parameters<typeof subscribe>) => void subscribed.push(args) }
        : requireFromRoot(id),
    );
    expect(subscribed.map(([name]) => name).sort()).toEqual(EVENT_NAMES.map((name) => `sojourn:${name}`).sort());

    const error = jest.spyOn(console, 'error').mockImplementation(() => {});
    for (const args of subscribed) subscribe(...args);
    await session({ secret: SECRET }).issue({ a: 1 });
    for (const args of subscribed) unsubscribe(...args);
    expect(error.mock.calls).toEqual([['created', { session: expect.any(String), duration: expect.any(Number) }]]);
    error.mockRestore();
  });
});
