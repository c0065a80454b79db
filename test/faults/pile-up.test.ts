import { once } from 'node:events';
import { Redis } from 'ioredis';
import { RedisStore } from 'sojourn';
import { startRedis } from '../helpers/redis-server.js';

const LIMIT = 10_000;

it('hands a client that queues for ever no more than it can bear, and goes on when Redis does', async () => {
  const server = await startRedis();
  const client = new Redis(server.url);
  await once(client, 'ready');
  const store = new RedisStore(client, { timeout: 200 });
  server.child.kill('SIGSTOP');

  const calls = Array.from({ length: LIMIT }, () => store.read('key'));
  // At once: the deadline of the others has not passed yet.
  await expect(store.read('key')).rejects.toMatchObject({
    code: 'ERR_STORE_UNAVAILABLE',
    message: expect.stringContaining(`${LIMIT} calls`),
  });
  await expect(Promise.race([...calls, Promise.resolve('waiting')])).resolves.toBe('waiting');

  for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
  // The client still holds them all.
  await expect(store.read('key')).rejects.toThrow(`${LIMIT} calls`);

  server.child.kill('SIGCONT');
  await client.ping();
  expect(await store.read('key')).toBeNull();
  client.disconnect();
  await server.stop();
});
