import type { IncomingMessage } from 'node:http';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { RedisStore, type Session, type SessionMiddleware, session, UpdateError } from 'sojourn';
import { ownerOf } from '../../src/session-key.js';
import { type Cluster as Nodes, startCluster } from '../faults/groups.js';
import { Lab } from '../faults/lab.js';
import { SECRET } from '../helpers/app.js';
import { closedLater } from '../helpers/redis-client.js';

// The same on a real Cluster of which slots move from node to node meanwhile.

const user = (one: { get(key: string): unknown }) => one.get('userId');
const SLOTS = 500;
type Node = Nodes['nodes'][number];
const lab = new Lab();
let nodes: Nodes;
let redis: Cluster;
let processes: [SessionMiddleware, SessionMiddleware];

beforeAll(async () => {
  nodes = await startCluster(lab);
  const rootNodes = nodes.ports.map((port) => ({ host: '127.0.0.1', port }));
  redis = new Cluster(rootNodes);
  lab.later(() => redis.disconnect());
  const nodeRedis = closedLater(createCluster({ rootNodes: rootNodes.map((socket) => ({ socket })) }));
  await nodeRedis.connect();
  // A move of a slot may take its time: what is asked of it meanwhile must wait for that, not fail.
  const start = (client: ConstructorParameters<typeof RedisStore>[0]) =>
    session({
      secret: SECRET,
      user,
      maxPerUser: { sessions: 8, then: 'evict-oldest' },
      store: new RedisStore(client, { timeout: 10_000 }),
    });
  processes = [start(redis), start(nodeRedis)];
});
afterAll(() => lab.close());

const visit = (sessions: SessionMiddleware, cookie?: string) =>
  sessions.load({ headers: cookie === undefined ? {} : { cookie } } as IncomingMessage) as Promise<Session>;
const cookieOf = ({ sessionKey }: Session) => processes[0].cookie.pair(sessionKey as string);

/** Ten logins of a user on both processes, a revocation in their midst, a login afterwards: only that one is left. */
async function round(userId: string): Promise<void> {
  const logins = await Promise.all(Array.from({ length: 10 }, (_, index) => visit(processes[index % 2] as SessionMiddleware)));
  const save = (login: Session) => login.set('userId', userId).save();
  const acts = [...logins.slice(0, 5).map(save), processes[1].of(userId).revokeAll(), ...logins.slice(5).map(save)];
  for (const result of await Promise.allSettled(acts)) {
    if (result.status === 'rejected' && !(result.reason instanceof UpdateError)) throw result.reason;
  }
  const alive = await Promise.all(logins.map(async (login) => (await visit(processes[0], cookieOf(login))).sessionKey));
  if (alive.some((key) => key !== null)) throw new Error('a session survived the revocation');
  // In the process of the revocation: for another one, a millisecond decides what came first.
  const last = await visit(processes[1]);
  await save(last);
  const again = await visit(processes[1], cookieOf(last));
  again.cycleKey();
  await again.set('n', 1).save();
  const list = await processes[0].of(userId).list({ current: again });
  if (list.length !== 1 || !list[0]?.current) throw new Error(`${list.length} sessions are listed instead of one`);
  await endOthers(userId, again);
}

/** Four more sessions, of which the index is lost: all but the one that asks end nevertheless. */
async function endOthers(userId: string, current: Session): Promise<void> {
  const others = await Promise.all([0, 1, 0, 1].map((index) => visit(processes[index] as SessionMiddleware)));
  await Promise.all(others.map((login) => login.set('userId', userId).save()));
  await redis.del(`sojourn:{${ownerOf(userId)}}:index`);
  await processes[0].of(userId).revokeAll({ except: current });
  const found = await Promise.all([current, ...others].map(async (one) => (await visit(processes[1], cookieOf(one))).sessionKey !== null));
  if (found.join() !== 'true,false,false,false,false') throw new Error(`of five sessions these are alive: ${found}`);
}

test('while slots move, no session survives a revocation, none is lost, and nothing fails', async () => {
  let moving = true;
  let rounds = 0;
  const workers = Array.from({ length: 8 }, async (_, worker) => {
    while (moving) {
      await round(`user ${worker} ${rounds}`);
      rounds += 1;
    }
  });
  const [first, , third] = nodes.nodes as [Node, Node, Node];
  const move = async () => {
    // There and back, until enough has happened meanwhile.
    while (rounds < 60) {
      await nodes.reshard(SLOTS, first, third);
      await nodes.reshard(SLOTS, third, first);
    }
  };
  const moved = move().finally(() => {
    moving = false;
  });
  await Promise.all([moved, ...workers]);
});

test('all sessions end, on all nodes', async () => {
  const logins = await Promise.all(Array.from({ length: 60 }, () => visit(processes[0])));
  await Promise.all(logins.map((login, index) => login.set(index % 2 === 0 ? 'userId' : 'cart', `${index}`).save()));
  expect(await processes[1].revokeEverything()).toBeGreaterThanOrEqual(60);
  const found = await Promise.all(logins.map(async (login) => (await visit(processes[0], cookieOf(login))).sessionKey));
  expect(found.filter((key) => key !== null)).toEqual([]);
  for (const { port } of nodes.nodes) expect((await lab.admin(port).keys('*')).filter((key) => !key.endsWith(':user'))).toEqual([]);
});
