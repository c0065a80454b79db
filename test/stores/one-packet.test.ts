import type { Writable } from 'node:stream';
import { RedisStore } from 'sojourn';
import { connect, connect5, ownPrefix } from '../helpers/redis-client.js';

/** How often the client's socket is handed something to send. Each time is a system call. */
function countWrites(stream: Writable): () => number {
  let writes = 0;
  for (const method of ['_write', '_writev'] as const) {
    const original = stream[method] as (...args: unknown[]) => void;
    stream[method] = (...args: unknown[]) => {
      writes += 1;
      original.apply(stream, args);
    };
  }
  return () => writes;
}

describe.each([
  ['6', connect],
  ['5', connect5],
])('on ioredis %s', (_, open) => {
  test('the commands of one turn of the event loop leave in one packet', async () => {
    const client = open();
    await client.ping();
    const store = new RedisStore(client, { prefix: ownPrefix() });
    const version = (await store.create('written', 'payload', 60)) as string;
    // From here on Redis knows the script.
    const update = await store.update('written', 'changed', version, 60);
    const writes = countWrites(client.stream);
    const [read, written, exists] = await Promise.all([
      store.read('written'),
      store.update('written', 'changed again', update.status === 'updated' ? update.version : '', 60),
      store.exists('missing'),
    ]);
    expect([read?.payload, written.status, exists]).toEqual(['changed', 'updated', false]);
    expect(writes()).toBe(1);
  });

  test('a lone command leaves in the turn it was made in, before any timer', async () => {
    const client = open();
    await client.ping();
    const store = new RedisStore(client, { prefix: ownPrefix() });
    const writes = countWrites(client.stream);
    const read = store.read('nothing');
    expect(writes()).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes()).toBe(1);
    expect(await read).toBeNull();
  });

  test('a command leaves though the timers of the application’s tests stand still', async () => {
    const client = open();
    await client.ping();
    const store = new RedisStore(client, { prefix: ownPrefix() });
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    try {
      expect(await store.read('nothing')).toBeNull();
    } finally {
      jest.useRealTimers();
    }
  });

  test('a connection that breaks before the turn is over loses nothing but what was on it', async () => {
    const client = open();
    await client.ping();
    const store = new RedisStore(client, { prefix: ownPrefix() });
    const reads = [store.read('a'), store.read('b')];
    client.stream.destroy();
    // ioredis sends them again over its next connection.
    expect(await Promise.all(reads)).toEqual([null, null]);
    expect(await store.create('c', 'payload', 60)).not.toBeNull();
  });
});
