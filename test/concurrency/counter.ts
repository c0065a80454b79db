import { Redis } from 'ioredis';
import { RedisStore, Session } from 'sojourn';

// One of several processes that count in one session: UPDATES at a time.

const { REDIS_URL, PREFIX, SESSION_KEY, UPDATES } = process.env as { [name: string]: string };
const client = new Redis(REDIS_URL as string);
const store = new RedisStore(client, { prefix: PREFIX as string });
const sessions = await Promise.all(
  Array.from({ length: Number(UPDATES) }, () => new Session({ store, sessionKey: SESSION_KEY as string }).load()),
);
await Promise.all(sessions.map((session) => session.update((each) => void each.set('n', each.get('n', 0) + 1))));
client.disconnect();
