import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { suspend, WatchedStore } from '../helpers/stores.ts';
import { type Request, TRANSPORTS, type Transported } from '../helpers/transports.ts';

/** Every way a response begins and ends without a framework; all of them say 201, `X-Handler: yes` and `hello`. */
const STYLES: Record<string, (res: ServerResponse) => unknown> = {
  'end with the body': (res) => begin(res).end('hello'),
  'end with an encoding and a callback': (res) => begin(res).end('68656c6c6f', 'hex', () => {}),
  'write and end': (res) => {
    begin(res).write('hel');
    res.write('bG8=', 'base64');
    res.end();
  },
  'writeHead with an object of headers': (res) => res.writeHead(201, { 'X-Handler': 'yes', 'X-List': ['a', 'b'] }).end('hello'),
  'writeHead with a flat list of headers': (res) => res.writeHead(201, ['X-Handler', 'yes', 'X-List', 'a', 'X-List', 'b']).end('hello'),
  'writeHead with a list of pairs': (res) =>
    res
      .writeHead(201, [
        ['X-Handler', 'yes'],
        ['X-List', 'a'],
        ['X-List', 'b'],
      ] as unknown as string[])
      .end('hello'),
  'writeHead with a status message': (res) => res.writeHead(201, 'Made', { 'X-Handler': 'yes', 'X-List': ['a', 'b'] }).end('hello'),
  'writeHead with a place left out': (res) =>
    (res as Untyped).writeHead(201, undefined, { 'X-Handler': 'yes', 'X-List': ['a', 'b'] }).end('hello'),
  'writeHead over headers that were set': (res) => {
    res.setHeader('X-Handler', 'no');
    res.setHeader('X-List', ['c', 'd', 'e']);
    res.writeHead(201, ['X-Handler', 'yes', 'X-List', 'a', 'X-List', 'b']).end('hello');
  },
  'flushHeaders, then the body': (res) => {
    begin(res).flushHeaders();
    res.end('hello');
  },
  'a stream in a pipe': (res) => Readable.from(['he', 'l', 'lo']).pipe(begin(res)),
  'a stream in a pipeline': (res) => pipeline(Readable.from(['he', 'l', 'lo']), begin(res)),
};

/** As JavaScript may call it. */
type Untyped = { writeHead(status: number, message: undefined, headers: object): ServerResponse };

function begin(res: ServerResponse): ServerResponse {
  res.statusCode = 201;
  res.setHeader('X-Handler', 'yes');
  res.setHeader('X-List', ['a', 'b']);
  return res;
}

describe.each(Object.entries(TRANSPORTS))('under %s', (_name, start) => {
  let running: Transported | undefined;
  let store: WatchedStore;

  const serve = async (handler: (req: Request, res: ServerResponse) => unknown) => {
    running = await start({ options: { store }, handler });
    return running;
  };

  beforeEach(() => {
    store = new WatchedStore();
  });
  afterEach(() => running?.close());

  const styles = Object.entries(STYLES);

  test.each(styles)('no byte of a response leaves before the session is stored: %s', async (style, respond) => {
    const order: string[] = [];
    const creation = suspend(store, 'create');
    const server = await serve((req, res) => {
      req.session.set('name', 'Ada');
      void respond(res);
    });
    const arriving = server.send('/', { onBytes: () => order.push('bytes') });
    await creation.reached;
    await server.roundTrips();
    expect(order).toEqual([]);
    order.push('stored');
    creation.release();
    const reply = await arriving;

    expect(order.slice(0, 2)).toEqual(['stored', 'bytes']);
    expect(reply).toMatchObject({ status: 201, body: 'hello' });
    if (style === 'writeHead with a status message') expect(reply.reason).toMatch(/^(Made|)$/);
    expect(reply.headers.get('x-handler')).toEqual(['yes']);
    expect(reply.headers.get('x-list')?.join(', ')).toBe('a, b');
    expect(reply.headers.get('set-cookie')).toEqual([expect.stringContaining('sessionid=')]);
    expect(reply.headers.get('vary')).toEqual(['Cookie']);
    expect(reply.headers.get('cache-control')).toEqual(['no-store']);
    expect(store.calls).toEqual(['create']);
  });

  test.each(styles)('when the store fails, the client gets the error and nothing of the response: %s', async (_style, respond) => {
    store.before('create', () => {
      throw new Error('the disk is full');
    });
    let finished: Promise<unknown> | undefined;
    const server = await serve((req, res) => {
      req.session.set('name', 'Ada');
      finished = Promise.resolve(respond(res)).catch(() => {});
      return undefined;
    });
    const reply = await server.send('/');
    await finished;

    expect(reply).toMatchObject({ status: 503, body: 'failed: ERR_STORE_UNAVAILABLE' });
    for (const name of ['set-cookie', 'x-handler', 'x-list', 'vary']) expect([name, reply.headers.has(name)]).toEqual([name, false]);
    expect(reply.headers.get('x-before')).toEqual(['cors']);
    expect(reply.headers.get('retry-after')).toEqual(['1']);
  });

  test.each(styles)('a response with nothing to commit passes through at once: %s', async (_style, respond) => {
    const server = await serve((_req, res) => {
      void respond(res);
    });
    const reply = await server.send('/');
    expect(reply).toMatchObject({ status: 201, body: 'hello' });
    expect(reply.headers.get('x-list')?.join(', ')).toBe('a, b');
    expect(reply.headers.has('set-cookie')).toBe(false);
    expect(reply.headers.has('vary')).toBe(false);
    expect(store.calls).toEqual([]);
  });

  test('headers have left as soon as writeHead and write return, if there is nothing to commit', async () => {
    const sent: boolean[] = [];
    const server = await serve((req, res) => {
      if (req.url === '/head') res.writeHead(200, { 'X-Handler': 'yes' });
      else if (req.url === '/write') res.write('hel');
      else res.flushHeaders();
      sent.push(res.headersSent);
      res.end();
    });
    for (const path of ['/head', '/write', '/flush']) await server.send(path);
    expect(sent).toEqual([true, true, true]);
  });

  test('the answer to HEAD has its headers, its cookie and no body', async () => {
    const server = await serve((req, res) => {
      req.session.set('name', 'Ada');
      res.writeHead(200, { 'Content-Length': '5' }).end('hello');
    });
    const reply = await server.send('/', { method: 'HEAD' });
    expect(reply).toMatchObject({ status: 200, body: '' });
    expect(reply.headers.get('content-length')).toEqual(['5']);
    expect(reply.headers.get('set-cookie')).toHaveLength(1);
  });

  test.each([204, 304])('a %d has its cookie and no body', async (status) => {
    const server = await serve((req, res) => {
      req.session.set('name', 'Ada');
      res.writeHead(status).end();
    });
    const reply = await server.send('/');
    expect(reply).toMatchObject({ status, body: '' });
    expect(reply.headers.get('set-cookie')).toHaveLength(1);
  });

  test('a cookie of the application stays beside that of the session', async () => {
    const server = await serve((req, res) => {
      req.session.set('name', 'Ada');
      res.writeHead(200, { 'Set-Cookie': 'theme=dark' }).end();
    });
    const reply = await server.send('/');
    expect(reply.headers.get('set-cookie')).toEqual(['theme=dark', expect.stringContaining('sessionid=')]);
  });

  test('a session comes back with its cookie', async () => {
    const server = await serve((req, res) => {
      req.session.set('views', Number(req.session.get('views', 0)) + 1);
      res.end(`${req.session.get('views')}`);
    });
    const first = await server.send('/');
    const cookie = first.headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    expect((await server.send('/', { headers: { cookie } })).body).toBe('2');
    expect(first.headers.get('set-cookie')?.[0]?.includes('; Secure')).toBe(/TLS|https/.test(_name));
  });
});
