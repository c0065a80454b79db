import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { createClient } from 'redis';
import { fromExpressSessionStore } from '../../src/express-session/from-store.js';
import { type PostgresServer, startPostgres } from '../helpers/postgres.js';
import { connect, ownPrefix, testRedisUrl } from '../helpers/redis-client.js';
import { storeContract } from '../stores/store-contract.js';

storeContract(
  "fromExpressSessionStore on express-session's MemoryStore",
  async () => {
    const memory = new session.MemoryStore();
    const expiresOf = (key: string) => {
      const text = memory.sessions[key];
      return text === undefined ? 0 : Date.parse(JSON.parse(text).cookie.expires);
    };
    return {
      store: fromExpressSessionStore(memory),
      outlives: async (key, seconds) => expiresOf(key) > Date.now() + seconds * 1000,
      async expire(key) {
        const record = JSON.parse(memory.sessions[key] as string);
        memory.sessions[key] = JSON.stringify({ ...record, cookie: { ...record.cookie, expires: new Date(Date.now() - 1) } });
      },
    };
  },
  { noOwners: true },
);

describe('on Redis through connect-redis', () => {
  const prefix = ownPrefix();
  const look = connect();
  const client = createClient({ url: testRedisUrl() });
  beforeAll(() => client.connect());
  afterAll(() => client.close());

  storeContract(
    'fromExpressSessionStore on connect-redis',
    async () => ({
      store: fromExpressSessionStore(new RedisStore({ client, prefix })),
      elsewhere: fromExpressSessionStore(new RedisStore({ client, prefix })),
      outlives: async (key, seconds) => (await look.pttl(prefix + key)) > seconds * 1000,
      async expire(key) {
        await look.pexpire(prefix + key, 0);
      },
    }),
    { notAtomic: true, noOwners: true },
  );
});

describe('on a real PostgreSQL', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  storeContract(
    'fromExpressSessionStore on connect-pg-simple',
    async () => {
      const PgStore = connectPgSimple(session);
      const { pool } = postgres;
      const pgStore = new PgStore({ pool, createTableIfMissing: true, pruneSessionInterval: false });
      return {
        store: fromExpressSessionStore(pgStore),
        elsewhere: fromExpressSessionStore(new PgStore({ pool, pruneSessionInterval: false })),
        async outlives(key, seconds) {
          const { rows } = await pool.query('SELECT 1 FROM session WHERE sid = $1 AND expire > to_timestamp($2)', [
            key,
            Date.now() / 1000 + seconds,
          ]);
          return rows.length > 0;
        },
        async expire(key) {
          await pool.query('UPDATE session SET expire = to_timestamp(0) WHERE sid = $1', [key]);
        },
      };
    },
    // No compare-and-swap in `get` and `set`; connect-pg-simple rounds the time of the end up to a whole second.
    { notAtomic: true, noOwners: true, lateBy: 1 },
  );
});
