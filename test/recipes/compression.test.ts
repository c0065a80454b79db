import { createServer, type RequestListener } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { listen } from '../helpers/app.js';
import { suspend } from '../helpers/stores.js';
import { parseReply, requestText, Wire, wireRequest } from '../helpers/wire.js';
import { kitchen, recipeNamed } from './recipes.js';

const block = recipeNamed('compression');

test.each(['compression(), sessions', 'sessions, compression()'])(
  'with app.use(%s) the session is saved, then the page leaves, compressed',
  async (order) => {
    const kit = kitchen();
    const { app } = kit.run({ ...block, code: block.code.replace('compression(), sessions', order) });
    const running = await listen(createServer(app as RequestListener));
    const creation = suspend(kit.store, 'create');

    const wire = new Wire(running.port).send(requestText('/', { headers: { 'Accept-Encoding': 'gzip' } }));
    await creation.reached;
    for (const _ of [1, 2]) await wireRequest(running.port, '/elsewhere');
    expect(wire.text).toBe('');

    creation.release();
    const { headers, body } = parseReply(await wire.closed);
    expect(headers.get('content-encoding')).toEqual(['gzip']);
    expect(headers.get('set-cookie')).toEqual([expect.stringMatching(/^sessionid=/)]);
    expect(gunzipSync(Buffer.from(body, 'latin1')).toString()).toBe('hello, '.repeat(5000));
    await running.close();
  },
);

test('both orders are orders of the recipe', () => {
  expect(block.code).toContain('app.use(compression(), sessions);');
});
