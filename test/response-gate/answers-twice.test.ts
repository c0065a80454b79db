import type { Express, NextFunction, Request, Response } from 'express';
import type { Running } from '../helpers/app.ts';
import { EXPRESS, startExpress } from '../helpers/express.ts';
import { suspend, WatchedStore } from '../helpers/stores.ts';
import { parseReply, requestText, Wire, wireRequest } from '../helpers/wire.ts';

type Route = (req: Request, res: Response, next: NextFunction) => unknown;

/** What a handler may do after its answer; without sessions, the client gets the answer all the same. */
const AFTERTHOUGHTS: [name: string, act: Route][] = [
  ['sends again', (_req, res) => res.status(500).send('again')],
  ['sends JSON', (_req, res) => res.json({ again: true })],
  ['redirects', (_req, res) => res.redirect('/again')],
  ['calls next()', (_req, _res, next) => next()],
  ['calls next(error)', (_req, _res, next) => next(new Error('late'))],
  ['calls writeHead', (_req, res) => res.writeHead(500, 'Again', { 'X-Again': 'yes' })],
  ['calls flushHeaders', (_req, res) => res.flushHeaders()],
  ['sets headers', (_req, res) => res.set('X-Again', 'yes').append('X-Again', 'no').removeHeader('Content-Type')],
  ['writes', (_req, res) => res.write('again')],
  ['ends again', (_req, res) => res.end('again')],
  [
    'throws',
    () => {
      throw new Error('late');
    },
  ],
];

describe.each(Object.entries(EXPRESS))('under %s, a handler that has answered', (_name, make) => {
  let running: Running | undefined;
  let store: WatchedStore;

  const serve = async (route: Route, more: (app: Express) => void = () => {}) => {
    running = await startExpress(make, { store }, (app) => {
      app.all('/', route as Parameters<Express['all']>[1]);
      more(app);
    });
    return running;
  };

  beforeEach(() => {
    store = new WatchedStore();
  });
  afterEach(() => running?.close());

  const expectTheAnswer = (text: string) => {
    const reply = parseReply(text);
    expect(reply).toMatchObject({ status: 201, reason: 'Created', body: 'first' });
    expect(reply.headers.get('set-cookie')).toHaveLength(1);
    expect(reply.headers.has('x-again')).toBe(false);
    expect(reply.headers.get('content-type')).toEqual(['text/html; charset=utf-8']);
  };

  test.each(AFTERTHOUGHTS)('and %s, has answered', async (_what, act) => {
    const { port } = await serve((req, res, next) => {
      req.session.set('name', 'Ada');
      res.status(201).send('first');
      return act(req, res, next);
    });
    expectTheAnswer(await new Wire(port).send(requestText('/')).closed);
  });

  test.each(AFTERTHOUGHTS)('and %s, has answered, even if an error handler has its own idea', async (_what, act) => {
    const { port } = await serve(
      (req, res, next) => {
        req.session.set('name', 'Ada');
        res.status(201).send('first');
        return act(req, res, next);
      },
      (app) =>
        app.use((error: Error, _req: Request, res: Response, next: NextFunction) => {
          if (res.headersSent) next(error);
          else res.status(500).json({ message: error.message });
        }),
    );
    expectTheAnswer(await new Wire(port).send(requestText('/')).closed);
  });

  test('and throws while the request is still coming in, has answered', async () => {
    const creation = suspend(store, 'create');
    const { port } = await serve((req, res) => {
      req.session.set('name', 'Ada');
      res.status(201).send('first');
      throw new Error('late');
    });
    const wire = new Wire(port).send(requestText('/', { method: 'POST', headers: { Connection: 'keep-alive', 'Content-Length': '4' } }));
    await creation.reached;
    // By the time of this reply, Express' last error handler has had its turn, and waits for the request.
    await wireRequest(port, '/ping');
    creation.release();
    expectTheAnswer(await wire.until(/first$/));
    wire.send(`body${requestText('/ping')}`);
    const { length } = wire.text;
    expect(parseReply((await wire.closed).slice(length))).toMatchObject({ status: 404 });
  });

  test('gets the callback of a second end with an error', async () => {
    const errors: unknown[] = [];
    const { port } = await serve((req, res) => {
      req.session.set('name', 'Ada');
      res.status(201).send('first');
      res.write('again', (error) => errors.push(error));
      res.end('again', (...given: unknown[]) => errors.push(...given));
    });
    expectTheAnswer(await new Wire(port).send(requestText('/')).closed);
    expect(errors).toMatchObject([{ code: 'ERR_STREAM_WRITE_AFTER_END' }, { code: 'ERR_STREAM_WRITE_AFTER_END' }]);
  });
});

test('a response with nothing to commit may be ended twice, as without sessions', async () => {
  const running = await startExpress(EXPRESS['Express 5'] as () => Express, {}, (app) => {
    app.get('/', (_req, res) => {
      res.end('first');
      res.end();
    });
  });
  expect((await wireRequest(running.port, '/')).body).toBe('first');
  await running.close();
});

describe.each(Object.entries(EXPRESS))('under %s, a handler that has only begun', (_name, make) => {
  const seen: unknown[] = [];
  let running: Running;

  beforeEach(async () => {
    seen.length = 0;
    running = await startExpress(make, { store: new WatchedStore() }, (app) => {
      app.get('/throws', (req, res) => {
        req.session.set('name', 'Ada');
        res.write('half');
        throw new Error('in the middle');
      });
      app.get('/sets', (req, res) => {
        req.session.set('name', 'Ada');
        res.write('whole');
        seen.push(res.headersSent);
        for (const act of [
          () => res.setHeader('X-Late', 'yes'),
          () => res.appendHeader('X-Late', 'yes'),
          () => res.removeHeader('Vary'),
          () => res.writeHead(500),
        ]) {
          try {
            act();
          } catch (error) {
            seen.push((error as { code: string }).code);
          }
        }
        res.flushHeaders();
        res.statusCode = 500;
        res.statusMessage = 'Late';
        res.end();
      });
    });
  });
  afterEach(() => running.close());

  test('and throws, leaves no response that looks whole', async () => {
    const text = await new Wire(running.port).send(requestText('/throws')).closed;
    expect(() => parseReply(text)).toThrow();
  });

  test('meets what Node answers after the headers', async () => {
    const reply = await wireRequest(running.port, '/sets');
    expect(seen).toEqual([true, ...Array(4).fill('ERR_HTTP_HEADERS_SENT')]);
    expect(reply).toMatchObject({ status: 200, reason: 'OK', body: 'whole' });
    expect(reply.headers.has('x-late')).toBe(false);
  });
});
