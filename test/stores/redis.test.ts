import { Cluster, type Redis } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis5';
import { createClientPool, createCluster, createSentinel, RESP_TYPES } from 'redis';
import { createCluster as createCluster5, createSentinel as createSentinel5 } from 'redis5';
import { RedisStore } from 'sojourn';
import { HARDENED_NODE_REDIS } from '../faults/clients.js';
import { MASTER_NAME, type Cluster as Nodes, type SentinelGroup, startCluster, startSentinelGroup } from '../faults/groups.js';
import { Lab } from '../faults/lab.js';
import {
  closedLater,
  commandsDuring,
  connect,
  connect5,
  connectResp3,
  type NodeRedis,
  nodeRedis,
  nodeRedis5,
  ownPrefix,
  testRedisUrl,
} from '../helpers/redis-client.js';
import { openNearForContract } from './near.js';
import { type OpenStore, storeContract } from './store-contract.js';

type Client = ConstructorParameters<typeof RedisStore>[0];

/** `look` sees the keys as Redis has them. */
async function openRedis(client: Client, prefix: string, look: Redis | Cluster, lookPrefix = prefix): Promise<OpenStore> {
  return {
    store: new RedisStore(client, { prefix }),
    elsewhere: new RedisStore(look, { prefix: lookPrefix }),
    outlives: async (key, seconds) => (await look.pttl(lookPrefix + key)) > seconds * 1000,
    async expire(key) {
      await look.pexpire(lookPrefix + key, 0);
    },
  };
}

function openIoredis(client: Redis): Promise<OpenStore> {
  return openRedis(client, ownPrefix(), client);
}

async function openNodeRedis(client: NodeRedis): Promise<OpenStore> {
  await client.connect();
  return openRedis(client, ownPrefix(), connect());
}

describe('one Redis:', () => {
  storeContract('RedisStore on ioredis 6', () => openIoredis(connect()));
  storeContract('RedisStore on ioredis 5', () => openIoredis(connect5()));
  storeContract('RedisStore on an ioredis with the replies of RESP3', () => openIoredis(connectResp3()));
  storeContract('RedisStore on an ioredis that gives numbers as texts and pipelines by itself', () =>
    openIoredis(connect({ stringNumbers: true, enableAutoPipelining: true })),
  );
  storeContract('RedisStore on an ioredis that connects with its first command', () => openIoredis(connect({ lazyConnect: true })));
  storeContract('RedisStore on an ioredis with a keyPrefix', () => {
    const keyPrefix = ownPrefix();
    return openRedis(connect({ keyPrefix }), 'sessions:', connect(), `${keyPrefix}sessions:`);
  });

  storeContract('RedisStore on node-redis 6', () => openNodeRedis(nodeRedis()));
  storeContract('RedisStore on node-redis 6 with RESP2', () => openNodeRedis(nodeRedis({ RESP: 2 })));
  storeContract('RedisStore on node-redis 5', () => openNodeRedis(nodeRedis5()));
  storeContract('RedisStore on node-redis 5 with RESP3', () => openNodeRedis(nodeRedis5({ RESP: 3 })));
  storeContract('RedisStore on a node-redis that gives Buffers and numbers as texts', () => {
    const typeMapping = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer, [RESP_TYPES.NUMBER]: String };
    return openNodeRedis(nodeRedis({ commandOptions: { typeMapping } }));
  });
  storeContract('RedisStore on a node-redis with a keyPrefix', async () => {
    const keyPrefix = ownPrefix();
    const client = nodeRedis({ keyPrefix });
    await client.connect();
    return openRedis(client, 'sessions:', connect(), `${keyPrefix}sessions:`);
  });
  storeContract('RedisStore on a pool of node-redis', async () => {
    const pool = closedLater(createClientPool({ url: testRedisUrl() }));
    await pool.connect();
    return openRedis(pool, ownPrefix(), connect());
  });
});

describe('a Cluster of three nodes:', () => {
  const lab = new Lab();
  let nodes: Nodes;
  let look: Cluster;
  beforeAll(async () => {
    nodes = await startCluster(lab);
    look = openCluster(Cluster);
  });
  afterAll(() => lab.close());

  const addresses = () => nodes.ports.map((port) => ({ host: '127.0.0.1', port }));
  function openCluster(Client: typeof Cluster): Cluster {
    const cluster = new Client(addresses());
    lab.later(() => cluster.disconnect());
    return cluster;
  }
  async function openNodeCluster(create: typeof createCluster, options: object = {}): Promise<OpenStore> {
    const cluster = closedLater(create({ rootNodes: addresses().map((socket) => ({ socket })), ...options }));
    lab.later(() => cluster.destroy());
    await cluster.connect();
    return openRedis(cluster, ownPrefix(), look);
  }

  storeContract('RedisStore on a Cluster of ioredis 6', () => openRedis(openCluster(Cluster), ownPrefix(), look));
  storeContract('RedisStore on a Cluster of ioredis 5', () =>
    openRedis(openCluster(Cluster5 as unknown as typeof Cluster), ownPrefix(), look),
  );
  storeContract('RedisStore on a cluster of node-redis 6', () => openNodeCluster(createCluster));
  storeContract('RedisStore on a cluster of node-redis with the settings of docs/redis.md', () =>
    openNodeCluster(createCluster, { defaults: HARDENED_NODE_REDIS }),
  );
  storeContract('RedisStore on a cluster of node-redis 5', () => openNodeCluster(createCluster5 as unknown as typeof createCluster));
});

describe('a primary and a replica behind Sentinel:', () => {
  const lab = new Lab();
  let group: SentinelGroup;
  let look: Redis;
  beforeAll(async () => {
    group = await startSentinelGroup(lab, 1);
    look = lab.admin(group.master.port);
  });
  afterAll(() => lab.close());

  const sentinels = () => group.sentinels.map((port) => ({ host: '127.0.0.1', port }));
  /** One that would read from the replica. */
  async function openSentinel(create: typeof createSentinel, options: object = {}) {
    const sentinel = closedLater(create({ name: MASTER_NAME, sentinelRootNodes: sentinels(), replicaPoolSize: 1, ...options }));
    // Before its Sentinels go, of which it would complain.
    lab.later(() => sentinel.destroy());
    await sentinel.connect();
    return sentinel;
  }
  const create5 = createSentinel5 as unknown as typeof createSentinel;

  storeContract('RedisStore on ioredis 6', () => {
    const client = connect({ sentinels: sentinels(), name: MASTER_NAME }, '');
    return openRedis(client, ownPrefix(), look);
  });
  storeContract('RedisStore with a near cache on ioredis 6', () => {
    const client = connect({ sentinels: sentinels(), name: MASTER_NAME }, '');
    return openNearForContract(client, look, ownPrefix());
  });
  storeContract('RedisStore on node-redis 6', async () => openRedis(await openSentinel(createSentinel), ownPrefix(), look));
  storeContract('RedisStore on node-redis 5', async () => openRedis(await openSentinel(create5), ownPrefix(), look));
  storeContract('RedisStore on a node-redis with the settings of docs/redis.md', async () =>
    openRedis(await openSentinel(createSentinel, { nodeClientOptions: HARDENED_NODE_REDIS }), ownPrefix(), look),
  );
  storeContract('RedisStore on a node-redis with a keyPrefix that gives Buffers', async () => {
    const keyPrefix = ownPrefix();
    const commandOptions = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };
    return openRedis(await openSentinel(createSentinel, { keyPrefix, commandOptions }), 'sessions:', look, `${keyPrefix}sessions:`);
  });

  test.each([
    ['6', createSentinel],
    ['5', create5],
  ])('node-redis %s reads from the primary even where it has replicas to read from', async (_, create) => {
    const store = new RedisStore(await openSentinel(create));
    const counts = await commandsDuring(look, async () => {
      await store.read('key');
      await store.exists('key');
    });
    expect(counts).toMatchObject({ get: 1, getrange: 1 });
  });
});
