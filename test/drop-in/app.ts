import { createServer } from 'node:http';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import session, { type SessionOptions } from 'sojourn/express-session';
import { type Client, listen, type Reply, type Running } from '../helpers/app.js';
import { deferred, WatchedStore } from '../helpers/stores.js';

export const SECRET = 'keyboard cat';
export const ID = 'connect.sid';

declare module 'sojourn/express-session' {
  interface SessionData {
    user: string;
    views: number;
    cart: string[];
  }
}

/** What a request does: what it returns is the answer, as JSON, unless it has answered by itself. */
export type Act = (req: Request, res: Response) => unknown;

export interface DropIn<Store = WatchedStore> extends Running {
  readonly store: Store;
  /** Sends a request that does this. Rejects with what an `expect` in it says, which would be a 500 that nobody looks at. */
  ask(client: Client, act: Act): Promise<Reply>;
  /** Sends a request that has its session and waits until it is told to go on. */
  suspended(client: Client, act: Act): Promise<{ goOn: () => void; reply: Promise<Reply> }>;
  /** What another request with this Cookie header sees in its session. */
  dataOf(cookie: string): Promise<Record<string, unknown>>;
}

export interface Setting<Store> {
  readonly options?: SessionOptions;
  readonly store?: Store;
  readonly make?: () => Express;
  /** What stands before the session. */
  readonly before?: RequestHandler;
  readonly routes?: (app: Express) => void;
}

const open: Running[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()));
});

/** An app on the drop-in, with the options that express-session's documents advise: no `resave`, no `saveUninitialized`. */
export async function startDropIn(
  options: SessionOptions = {},
  routes: (app: Express) => void = () => {},
  setting: Setting<WatchedStore> = {},
): Promise<DropIn> {
  return start(new WatchedStore(), { ...setting, options, routes });
}

/** The same on another store. */
export async function start<Store extends NonNullable<SessionOptions['store']>>(
  store: Store,
  { options = {}, make = express, before, routes }: Setting<Store> = {},
): Promise<DropIn<Store>> {
  const acts = new Map<string, Act>();
  let count = 0;
  const app = make();
  if (before) app.use(before);
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store, ...options }));
  routes?.(app);
  app.get('/act/:number', (req, res, next) => {
    const act = acts.get(req.params.number) as Act;
    Promise.resolve()
      .then(() => act(req, res))
      .then((answer) => void (res.writableEnded || res.headersSent || isLeft(answer) || res.json(answer ?? null)))
      .catch(next);
  });
  app.use((error: Error & { status?: number; code?: string }, _req: Request, res: Response, next: express.NextFunction) => {
    if (res.headersSent) next(error);
    else res.status(error.status ?? 500).json({ code: error.code, message: error.message });
  });
  const running = await listen(createServer(app));
  open.push(running);
  const ask = async (client: Client, act: Act) => {
    count += 1;
    let failed: unknown;
    acts.set(String(count), async (req, res) => {
      try {
        return await act(req, res);
      } catch (error) {
        if (error instanceof Error && 'matcherResult' in error) failed = error;
        throw error;
      }
    });
    const reply = await client.get(`/act/${count}`);
    if (failed !== undefined) throw failed;
    return reply;
  };
  return {
    ...running,
    store,
    ask,
    async suspended(client, act) {
      const arrived = deferred();
      const gate = deferred();
      const reply = ask(client, async (req, res) => {
        arrived.resolve();
        await gate.promise;
        return act(req, res);
      });
      await arrived.promise;
      return { goOn: () => gate.resolve(), reply };
    },
    async dataOf(cookie) {
      const { body } = await ask(withCookie(running, cookie), (req) => dataIn(req));
      return JSON.parse(body) as Record<string, unknown>;
    },
  };
}

/** An answer that the act gives by itself, later. */
export const LEFT = Symbol('left');
function isLeft(answer: unknown): boolean {
  return answer === LEFT;
}

export function withCookie(running: Running, cookie: string): Client {
  const client = running.client();
  for (const pair of cookie.split('; ')) {
    const equals = pair.indexOf('=');
    client.jar.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return client;
}

export function dataIn(req: Request): Record<string, unknown> {
  const { cookie: _, ...data } = req.session;
  return data;
}

/** The session as what it is for JavaScript: any property may be set. */
export function bagOf(req: Request): Record<string, unknown> {
  return req.session as unknown as Record<string, unknown>;
}

/** An act that sets these properties. */
export function setting(values: Record<string, unknown>): Act {
  return (req) => {
    Object.assign(req.session, values);
  };
}

/** The ID in a client's cookie. */
export function idOf(client: Client): string {
  return decodeURIComponent(client.jar.get(ID) ?? '')
    .slice(2)
    .replace(/\.[^.]*$/, '');
}

/** A client that is signed in. */
export async function signIn(app: DropIn<unknown>, user = 'ada'): Promise<Client> {
  const client = app.client();
  await app.ask(client, async (req) => {
    await req.session.regenerate();
    req.session.user = user;
  });
  return client;
}
