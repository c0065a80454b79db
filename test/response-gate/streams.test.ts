import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:http2';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { deferred, suspend, WatchedStore } from '../helpers/stores.ts';
import { type Handler, TRANSPORTS, type Transported } from '../helpers/transports.ts';
import { parseReply, requestText, Wire } from '../helpers/wire.ts';

let store: WatchedStore;
let running: Transported | undefined;

beforeEach(() => {
  store = new WatchedStore();
});
afterEach(() => running?.close());

async function serve(handler: Handler, transport = 'node:http'): Promise<Transported> {
  running = await (TRANSPORTS[transport] as NonNullable<(typeof TRANSPORTS)[string]>)({ options: { store }, handler });
  return running;
}

const MEGABYTE = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'sojourn ');
const CHUNKS = (50 * MEGABYTE) / CHUNK.length;

/** 50 MB that count how far they were read. */
class LargeSource extends Readable {
  reads = 0;

  constructor() {
    super({ highWaterMark: CHUNK.length });
  }

  override _read(): void {
    this.reads += 1;
    this.push(this.reads > CHUNKS ? null : CHUNK);
  }
}

const hashOfAll = (() => {
  const hash = createHash('sha256');
  for (let index = 0; index < CHUNKS; index += 1) hash.update(CHUNK);
  return hash.digest('hex');
})();

async function hashOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

describe('50 MB under a changed session', () => {
  const WRITERS: [name: string, write: (source: LargeSource, res: Parameters<Handler>[1]) => unknown][] = [
    ['through a pipe', (source, res) => source.pipe(res)],
    ['through a pipeline', (source, res) => pipeline(source, res)],
    [
      'written by a loop that waits for drain',
      async (source, res) => {
        for await (const chunk of source) if (!res.write(chunk)) await once(res, 'drain');
        res.end();
      },
    ],
  ];

  const CLIENTS: Record<string, (port: number) => Promise<string>> = {
    'node:http': async (port) => {
      const [response] = await once(get({ port, host: '127.0.0.1' }), 'response');
      return hashOf(response);
    },
    'http2 in clear text': async (port) => {
      const session = connect(`http://127.0.0.1:${port}`);
      const hash = await hashOf(session.request({ ':path': '/' }));
      session.close();
      return hash;
    },
  };

  const cases = WRITERS.flatMap(([name, write]) =>
    Object.entries(CLIENTS).map(([transport, fetch]) => ({ name, write, transport, fetch })),
  );

  test.each(cases)('arrive $name over $transport, unchanged and in bounded memory', async ({ write, transport, fetch }) => {
    const source = new LargeSource();
    const creation = suspend(store, 'create');
    let queued = 0;
    const { port, roundTrips } = await serve((req, res) => {
      req.session.set('name', 'Ada');
      source.on('data', () => {
        queued = Math.max(queued, res.writableLength);
      });
      source.pause();
      void write(source, res);
    }, transport);
    const arriving = fetch(port);
    await creation.reached;
    await roundTrips();
    // One chunk is kept, one waits in the source.
    expect(source.reads).toBeLessThanOrEqual(3);
    creation.release();
    expect(await arriving).toBe(hashOfAll);
    expect(queued).toBeLessThan(MEGABYTE);
  });
});

test('write answers false while the response is held, and drain follows', async () => {
  const creation = suspend(store, 'create');
  const order: unknown[] = [];
  const server = await serve(async (req, res) => {
    req.session.set('name', 'Ada');
    order.push(res.write('a'), res.write('b'));
    res.once('drain', () => {
      order.push('drain', res.write('c'));
      res.end();
    });
  });
  const arriving = server.send('/');
  await creation.reached;
  order.push('stored');
  creation.release();
  expect((await arriving).body).toBe('abc');
  expect(order).toEqual([false, false, 'stored', 'drain', true]);
});

test('events stream as soon as the session is stored, with its cookie, and what they change is stored at the end', async () => {
  const next = [deferred(), deferred()] as const;
  const server = await serve(async (req, res) => {
    req.session.set('events', 0);
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.flushHeaders();
    await next[0].promise;
    res.write('data: one\n\n');
    await next[1].promise;
    req.session.set('events', 1);
    res.end('data: two\n\n');
  });
  const wire = new Wire(server.port).send(requestText('/'));
  expect(await wire.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 200 OK\r\n.*Set-Cookie: sessionid=/s);
  next[0].resolve();
  await wire.until(/data: one/);
  expect(store.calls).toEqual(['create']);
  const update = suspend(store, 'update');
  next[1].resolve();
  await update.reached;
  await server.roundTrips();
  expect(wire.text).not.toContain('data: two');
  update.release();
  expect(await wire.closed).toContain('data: two');
});

test('the callbacks of a held response are called, in order', async () => {
  const called: unknown[] = [];
  const server = await serve((req, res) => {
    req.session.set('name', 'Ada');
    res.write('a', () => called.push('a'));
    res.write('b', 'latin1', () => called.push('b'));
    res.end('c', () => called.push('c'));
  });
  expect((await server.send('/')).body).toBe('abc');
  expect(called).toEqual(['a', 'b', 'c']);
});

test('requests in one pipeline are answered in their order, each by its own session', async () => {
  const creation = suspend(store, 'create');
  let handled = 0;
  const allHandled = deferred();
  const server = await serve((req, res) => {
    if (req.url !== '/read') req.session.set('url', req.url);
    handled += 1;
    if (handled === 3) allHandled.resolve();
    res.end(`[${req.url}]`);
  });
  const keep = { headers: { Connection: 'keep-alive' } };
  const wire = new Wire(server.port).send(requestText('/one', keep) + requestText('/read', keep) + requestText('/two'));
  await allHandled.promise;
  await server.roundTrips();
  expect(wire.text).toBe('');
  creation.release();
  const text = await wire.closed;
  expect(text.match(/\[\/\w+\]/g)).toEqual(['[/one]', '[/read]', '[/two]']);
  expect(text.match(/Set-Cookie/g)).toHaveLength(2);
  expect(parseReply(text).body).toBe('[/one]');
});

describe('a client that goes away while its response is held', () => {
  const disconnectors: Record<string, (port: number) => Promise<() => Promise<unknown>>> = {
    'node:http': async (port) => {
      const wire = new Wire(port).send(requestText('/'));
      return () => {
        wire.socket.destroy();
        return wire.closed;
      };
    },
    'http2 in clear text': async (port) => {
      const session = connect(`http://127.0.0.1:${port}`);
      session.request({ ':path': '/' }).on('error', () => {});
      return () => {
        session.destroy();
        return Promise.resolve();
      };
    },
  };

  test.each(
    Object.entries(disconnectors).flatMap(([transport, start]) => ['release', 'fail'].map((how) => ({ transport, start, how }) as const)),
  )('does no harm: $transport, $how', async ({ transport, start, how }) => {
    const creation = suspend(store, 'create');
    const gone = deferred();
    const server = await serve((req, res) => {
      if (req.url !== '/') return res.end('still here');
      req.session.set('name', 'Ada');
      res.once('close', () => gone.resolve());
      res.write('hello');
      return res.end('world');
    }, transport);
    const disconnect = await start(server.port);
    await creation.reached;
    await disconnect();
    await gone.promise;
    if (how === 'release') creation.release();
    else creation.fail(new Error('the disk is full'));
    store.clearFaults();
    expect((await server.send('/again')).body).toBe('still here');
  });
});
