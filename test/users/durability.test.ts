import { Cluster as IoredisCluster, type Redis } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import { createCluster as createCluster5 } from 'redis5';
import { NotDurableError, OptionError, RedisStore } from 'sojourn';
import { until } from '../faults/experiment.js';
import { type Cluster, clusterPort, startCluster } from '../faults/groups.js';
import { Lab } from '../faults/lab.js';
import type { Running } from '../helpers/app.js';
import { closedLater, connect } from '../helpers/redis-client.js';
import type { RedisServer } from '../helpers/redis-server.js';
import { KINDS } from '../stores/clients.js';
import { signedInClient, startUserApp } from './app.js';

// `durability`: what ends a session waits for a real replica, which can be stopped so that it hears of nothing.

const lab = new Lab();
let url: string;
let follower: RedisServer;
let replica: Redis;
let primary: Redis;
const opened: RedisStore[] = [];

beforeAll(async () => {
  const server = await lab.redis();
  url = server.url;
  primary = lab.admin(server.port);
  follower = await lab.redis(['--replicaof', '127.0.0.1', String(server.port)]);
  replica = lab.admin(follower.port);
  await replicaFollows(primary);
});
afterEach(async () => {
  follower.child.kill('SIGCONT');
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await replicaFollows(primary);
});
afterAll(() => lab.close());

/** The replica has all of it. `foo` is of the slots of the Cluster's third node. */
async function replicaFollows(client: Redis): Promise<void> {
  // What was written before the replica came counts as confirmed although it doesn't listen yet; what is written after, doesn't.
  for (const write of ['perhaps before', 'after']) {
    await client.set('foo', write);
    await until(async () => (await client.wait(1, 1000)) === 1, 'the replica has all of it');
  }
}

function stopReplica(): void {
  follower.child.kill('SIGSTOP');
}

/** The usual timeout is short, since most of these tests wait it out. */
function storeWith(client: ConstructorParameters<typeof RedisStore>[0], replicas = 1, timeout = 100): RedisStore {
  const store = new RedisStore(client, { durability: { replicas, timeout } });
  opened.push(store);
  return store;
}

describe.each(KINDS)('with %s', (_, open) => {
  let app: Running & { sessions: Awaited<ReturnType<typeof startUserApp>>['sessions'] };
  const start = async (timeout?: number) => {
    const { client, ping } = open(url);
    await ping();
    app = await startUserApp({ store: storeWith(client, 1, timeout) }, (routes) => {
      routes.get('/destroy', async (req, res) => void res.json(await req.session.destroy()));
    });
  };
  beforeEach(() => start());
  afterEach(() => app.close());

  /** Where a session of the user is on the replica. */
  const onReplica = async () => (await replica.keys('*')).filter((key) => /:[\w-]{43}$/.test(key));

  test.each(['/logout', '/revoke-others', '/revoke-all', '/destroy'])('%s is answered when the replica has it', async (path) => {
    // The replica answers at once, the machine may have other things to do.
    await app.close();
    await start(5000);
    await primary.flushall();
    await signedInClient(app, 'ann');
    const client = await signedInClient(app, 'ann');
    expect((await client.get(path)).status).toBe(200);
    // At once: that is what was waited for.
    expect(await onReplica()).toHaveLength(path === '/revoke-all' ? 0 : 1);
  });

  test.each(['/logout', '/revoke-others', '/revoke-all', '/destroy'])('%s says so when the replica hasn’t', async (path) => {
    const client = await signedInClient(app, 'ann');
    stopReplica();
    const reply = await client.get(path);
    expect([reply.status, JSON.parse(reply.body).code, reply.setCookies]).toEqual([503, 'ERR_SESSION_NOT_DURABLE', []]);
    expect(JSON.parse(reply.body).message).toContain('only 0 of 1 replicas have confirmed it within 100 ms');
  });

  test('what was written on another connection is waited for, too: the marker that a flush may leave', async () => {
    const { store } = app.sessions;
    const version = (await store.create('marked', 'a session', 60)) as string;
    stopReplica();
    await store.retire('marked', version, 60);
    await expect(store.confirm?.('marked')).rejects.toBeInstanceOf(NotDurableError);
  });

  test('what ends no session doesn’t wait', async () => {
    stopReplica();
    const client = await signedInClient(app, 'ann');
    expect((await client.get('/set/1')).status).toBe(200);
    expect((await client.get('/cycle')).status).toBe(200);
  });

  test('a logout that failed can be tried again by the same request', async () => {
    const visit = await app.sessions.load({ headers: {} } as never);
    await visit.set('n', 1).save();
    stopReplica();
    visit.flush();
    await expect(visit.save()).rejects.toBeInstanceOf(NotDurableError);
    follower.child.kill('SIGCONT');
    await replicaFollows(primary);
    await visit.save();
  });

  test('many who wait at once wait no longer than two', async () => {
    const clients = [];
    for (let n = 0; n < 30; n += 1) clients.push(await signedInClient(app, `user ${n}`));
    stopReplica();
    // One after the other these would take 3 seconds, which is longer than a call may.
    const statuses = await Promise.all(clients.map(async (client) => JSON.parse((await client.get('/logout')).body).code));
    expect(new Set(statuses)).toEqual(new Set(['ERR_SESSION_NOT_DURABLE']));
  });

  test('waiting holds nobody else up', async () => {
    const [leaving, staying] = [await signedInClient(app, 'ann'), await signedInClient(app, 'bob')];
    stopReplica();
    const order: string[] = [];
    const logout = leaving.get('/logout').then(() => order.push('logout'));
    // The connection of the logout is blocked for 100 ms; these take another.
    for (let n = 0; n < 3; n += 1) await staying.get('/').then(() => order.push('page'));
    await logout;
    expect(order).toEqual(['page', 'page', 'page', 'logout']);
  });
});

test('more replicas than there are is never enough', async () => {
  const store = storeWith(connect({}, url), 2);
  await store.delete('anything');
  await expect(store.confirm('anything')).rejects.toThrow('only 1 of 2 replicas');
});

test('a Redis that is gone is unavailable, not merely not durable', async () => {
  const server = await lab.redis();
  const store = new RedisStore(connect({ maxRetriesPerRequest: 0 }, server.url), {
    durability: { replicas: 1, timeout: 50 },
    timeout: 200,
  });
  opened.push(store);
  expect(await store.delete('anything')).toBe(false);
  await server.stop();
  await expect(store.delete('anything')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
  await expect(store.confirm('anything')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
});

describe('on a Cluster', () => {
  /** The slots from here on are the third node's, the only one that has a replica. */
  const FIRST_SLOT_OF_THIRD = 10_923;
  let nodes: Cluster;
  let rootNodes: { host: string; port: number }[];

  beforeAll(async () => {
    nodes = await startCluster(lab);
    const third = lab.admin(nodes.ports[2] as number);
    const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500', '--dir', lab.folder()];
    const replicaOfThird = lab.admin((await lab.redis(args, await clusterPort(lab))).port);
    await replicaOfThird.cluster('MEET', '127.0.0.1', nodes.ports[0] as number);
    const id = String(await third.cluster('MYID'));
    await until(async () => (await replicaOfThird.call('CLUSTER', 'REPLICATE', id).catch(() => '')) === 'OK', 'the node is a replica');
    await replicaFollows(third);
    rootNodes = nodes.ports.map((port) => ({ host: '127.0.0.1', port }));
  });

  const open = {
    async ioredis() {
      const cluster = new IoredisCluster(rootNodes);
      lab.later(() => cluster.disconnect());
      return cluster;
    },
    'node-redis 6': () => openNodeRedis(createCluster),
    'node-redis 5': () => openNodeRedis(createCluster5 as unknown as typeof createCluster),
  };
  async function openNodeRedis(create: typeof createCluster) {
    const cluster = closedLater(create({ rootNodes: rootNodes.map((socket) => ({ socket })) }));
    await cluster.connect();
    return cluster;
  }

  test.each(Object.entries(open))('%s asks the node of the session', async (_, connectCluster) => {
    const first = lab.admin(nodes.ports[0] as number);
    // Long enough for a replica that shares its machine.
    const store = storeWith(await connectCluster(), 1, 300);
    const results: { confirmed: boolean; isOnThird: boolean }[] = [];
    for (let index = 0; index < 6; index += 1) {
      const key = `key-${index}`;
      const slot = await first.cluster('KEYSLOT', `sojourn:${key}`);
      await store.create(key, 'x', 60);
      await store.delete(key);
      const shortfall = await store.confirm(key).catch((error: unknown) => error);
      if (shortfall !== undefined && !(shortfall instanceof NotDurableError)) throw shortfall;
      results.push({ confirmed: shortfall === undefined, isOnThird: Number(slot) >= FIRST_SLOT_OF_THIRD });
    }
    expect(results.filter(({ confirmed, isOnThird }) => confirmed !== isOnThird)).toEqual([]);
    expect(results.some(({ isOnThird }) => isOnThird)).toBe(true);
    expect(results.some(({ isOnThird }) => !isOnThird)).toBe(true);
  });
});

describe('the option', () => {
  test.each([
    [{ replicas: 0, timeout: 100 }, 'durability.replicas'],
    [{ replicas: 1.5, timeout: 100 }, 'durability.replicas'],
    [{ replicas: 1, timeout: 0 }, 'durability.timeout'],
    [{ replicas: 1 }, 'durability.timeout'],
    [true, 'durability.replicas'],
  ])('%j is refused, naming %s', (durability, option) => {
    expect(() => new RedisStore(connect(), { durability: durability as never })).toThrow(expect.objectContaining({ option }));
  });

  test('needs a client of which one connection can be told from another', () => {
    const sentinel = closedLater(createSentinel({ name: 'sessions', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }));
    expect(() => new RedisStore(sentinel, { durability: { replicas: 1, timeout: 100 } })).toThrow(OptionError);
  });
});
