import fc from 'fast-check';
import { Redis } from 'ioredis';
import { MemoryStore, RedisStore, type Session, type Store } from 'sojourn';
import { type Client, type Running, startApp } from '../helpers/app.js';
import { TestClock } from '../helpers/clock.js';
import { deferred } from '../helpers/stores.js';
import { MAX_AGE, Model, type ModelRequest } from './model.js';

// Random operations of many parallel requests, through the real middleware over HTTP, against the model: no update is
// lost, nothing is brought back, nobody gets another one's data.

const BROWSERS = 3;
const KEYS = ['a', 'b', 'c'];

type OnKey<Type> = { type: Type; request: number; key: string; value: number };
type OnAll<Type> = { type: Type; request: number };
type Change = OnKey<'set'> | OnKey<'delete'> | OnKey<'push'> | OnAll<'clear'> | OnAll<'cycle'> | OnAll<'flush'>;
type Step = Change | OnAll<'end'> | { type: 'open'; browser: number } | { type: 'wait'; seconds: number };

const request = fc.nat({ max: 5 });
const key = fc.constantFrom(...KEYS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('open' as const), browser: fc.nat({ max: BROWSERS - 1 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom('set' as const, 'delete' as const, 'push' as const),
      request,
      key,
      value: fc.nat({ max: 99 }),
    }),
  },
  { weight: 7, arbitrary: fc.record({ type: fc.constant('end' as const), request }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('clear' as const, 'cycle' as const, 'flush' as const), request }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const), seconds: fc.constantFrom(10, 59, 61, 99, 100) }) },
);

interface OpenRequest {
  model: ModelRequest;
  session: Session;
  release: () => void;
  answer: Promise<{ status: number; setCookies: string[] }>;
}

/** Runs the steps against app and model, and compares after each end of a request, and all that is left at the end. */
async function check(
  app: Running,
  store: Store,
  clock: TestClock,
  waiting: Map<string, (session: Session, release: () => void) => void>,
  steps: Step[],
) {
  const model = new Model(clock.read);
  const clients = Array.from({ length: BROWSERS }, () => app.client());
  const open: OpenRequest[] = [];

  const end = async (index: number) => {
    const [ending] = open.splice(index, 1) as [OpenRequest];
    const { browser } = ending.model;
    const expected = model.expect(ending.model);
    ending.release();
    const { status, setCookies } = await ending.answer;
    const [line] = setCookies;
    const value = /^sessionid=([^;]*)/.exec(line ?? '')?.[1];
    const presented = model.held.get(browser);
    const newKey = value ? value.slice(0, 43) : null;
    const cookie = value === undefined ? 'none' : value === '' ? 'erased' : newKey === ending.model.key ? 'same' : 'new';
    expect({ status, cookie, presented }).toEqual({ ...expected, presented });
    model.commit(ending.model, expected, newKey);
  };

  for (const each of steps) {
    if (each.type === 'wait') clock.advance(each.seconds);
    else if (each.type === 'open') {
      if (open.length > 5) continue;
      const id = String(Math.random());
      const started = deferred<{ session: Session; release: () => void }>();
      waiting.set(id, (session, release) => started.resolve({ session, release }));
      const modelRequest = model.open(each.browser);
      const answer = (clients[each.browser] as Client).get(`/${id}`);
      answer.catch(() => undefined);
      open.push({ model: modelRequest, answer, ...(await started.promise) });
    } else {
      const index = each.request;
      const target = open[index];
      if (!target) continue;
      if (each.type === 'end') await end(index);
      else apply(each, target, model);
    }
  }
  while (open.length > 0) await end(0);

  // What is stored is what the model holds, no more and no less.
  const { storeKeyOf } = await import('../../src/session-key.js');
  for (const [sessionKey, record] of model.records) {
    const live = model.find(sessionKey)?.state === 'live';
    const stored = await store.read(storeKeyOf(sessionKey));
    if (live) expect(Object.entries(JSON.parse(stored?.payload ?? 'null')).sort()).toEqual([...record.data].sort());
    else expect(stored?.payload || null).toBeNull();
  }
}

const CHANGES: { [Type in Change['type']]: (step: Extract<Change, { type: Type }>, open: OpenRequest, model: Model) => void } = {
  set({ key, value }, { session, model: request }, model) {
    session.set(key, value);
    model.set(request, key, value);
  },
  delete({ key }, { session, model: request }, model) {
    session.delete(key);
    model.delete(request, key);
  },
  push({ key, value }, { session, model: request }, model) {
    // In place where there is a list, else a new list.
    const list = session.get(key);
    if (Array.isArray(list)) list.push(value);
    else session.set(key, [value]);
    const before = request.view.get(key);
    model.set(request, key, Array.isArray(before) ? [...before, value] : [value]);
  },
  clear(_step, { session, model: request }, model) {
    session.clear();
    model.clear(request);
  },
  cycle(_step, { session, model: request }, model) {
    session.cycleKey();
    model.cycle(request);
  },
  flush(_step, { session, model: request }, model) {
    session.flush();
    model.flush(request);
  },
};

function apply(step: Change, open: OpenRequest, model: Model): void {
  (CHANGES[step.type] as (step: Change, open: OpenRequest, model: Model) => void)(step, open, model);
}

async function explore(makeStore: (clock: TestClock) => Store, runs: number) {
  const clock = new TestClock();
  const store = makeStore(clock);
  const waiting = new Map<string, (session: Session, release: () => void) => void>();
  const app = await startApp({ store, clock: clock.read, maxAge: MAX_AGE }, (routes) => {
    routes.get('/:id', async (req, res) => {
      const gate = deferred();
      waiting.get(req.params.id)?.(req.session, () => gate.resolve());
      await gate.promise;
      res.end();
    });
  });
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), (steps) => check(app, store, clock, waiting, steps)),
      { numRuns: runs },
    );
  } finally {
    await app.close();
  }
}

test('on memory, parallel requests do what the model says', () => explore((clock) => new MemoryStore({ clock: clock.read }), 120));

test('on Redis, parallel requests do what the model says', async () => {
  const client = new Redis(process.env.REDIS_URL as string);
  try {
    // The records' own deadlines follow the moved clock; Redis' time to live only goes on top.
    await explore((clock) => new RedisStore(client, { prefix: `model-${process.pid}:`, clock: clock.read }), 60);
  } finally {
    client.disconnect();
  }
});
