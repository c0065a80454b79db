import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
import { createClient, createClientPool, createCluster, createSentinel, RESP_TYPES } from 'redis';
import { createClient as createClient5, createCluster as createCluster5, createSentinel as createSentinel5 } from 'redis5';
import { RedisStore } from 'sojourn';

// Every client is taken under the types that its own package gives it.

const nodes = [{ host: '127.0.0.1', port: 6379 }];
new RedisStore(new Redis());
new RedisStore(new Redis({ replyMapping: 'resp3' }));
new RedisStore(new Redis({ sentinels: nodes, name: 'sessions' }), { prefix: 'app:' });
new RedisStore(new Cluster(nodes));
new RedisStore(new Redis5());
new RedisStore(new Cluster5(nodes));

const rootNodes = [{ url: 'redis://127.0.0.1:6379' }];
const sentinels = { name: 'sessions', sentinelRootNodes: nodes };
new RedisStore(createClient());
new RedisStore(createClient({ RESP: 2 }));
new RedisStore(createClient({ RESP: 3, commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } }));
new RedisStore(createClient().withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }), { timeout: 500 });
new RedisStore(await createClient().connect());
new RedisStore(createClientPool());
new RedisStore(createCluster({ rootNodes }));
new RedisStore(createSentinel(sentinels));
new RedisStore(createClient5());
new RedisStore(createClient5({ RESP: 3 }));
new RedisStore(createCluster5({ rootNodes }));
new RedisStore(createSentinel5(sentinels));

const client: Redis | ReturnType<typeof createClient> = Math.random() < 0.5 ? new Redis() : createClient();
new RedisStore(client);

// @ts-expect-error an address is no client
new RedisStore('redis://127.0.0.1:6379');
// @ts-expect-error nor are options
new RedisStore({ url: 'redis://127.0.0.1:6379' });
// @ts-expect-error callbacks instead of promises
new RedisStore(createClient().legacy());
// @ts-expect-error a queue of commands is no client
new RedisStore(new Redis().pipeline());
// @ts-expect-error
new RedisStore(createClient().multi());
