import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { needProgram, startProgram, stopProgram } from '../helpers/programs.js';
import type { RedisServer } from '../helpers/redis-server.js';
import { until } from './experiment.js';
import type { Lab } from './lab.js';

export const MASTER_NAME = 'sessions';

export interface SentinelGroup {
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  readonly sentinels: readonly number[];
}

/** A primary, its replicas and three Sentinels that know all of them. `args`: settings of every Redis. */
export async function startSentinelGroup(lab: Lab, replicas: number, args: string[] = []): Promise<SentinelGroup> {
  const master = await lab.redis(args);
  const followers: RedisServer[] = [];
  for (let index = 0; index < replicas; index += 1) {
    followers.push(await lab.redis(['--replicaof', '127.0.0.1', String(master.port), ...args]));
  }
  await until(async () => (await infoOf(lab.admin(master.port), 'connected_slaves')) === String(replicas), 'the replicas follow');
  const ports: number[] = [];
  for (let index = 0; index < 3; index += 1) ports.push(await startSentinel(lab, master.port));
  for (const port of ports) await untilInformed(lab.admin(port), replicas);
  return { master, replicas: followers, sentinels: ports };
}

async function startSentinel(lab: Lab, masterPort: number): Promise<number> {
  const program = needProgram(['redis-server', 'valkey-server'], 'redis-server');
  const port = await lab.freePort();
  const file = join(lab.folder(), 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = await startProgram(program, [file, '--sentinel'], /\+monitor master/);
  lab.later(() => stopProgram(child));
  return port;
}

/** A Sentinel hears of the others and of the replicas within some ten seconds. */
async function untilInformed(sentinel: Redis, replicas: number): Promise<void> {
  await until(async () => {
    const reply = (await sentinel.call('SENTINEL', 'MASTER', MASTER_NAME)) as string[];
    const value = (name: string) => reply[reply.indexOf(name) + 1];
    return value('num-other-sentinels') === '2' && value('num-slaves') === String(replicas);
  }, 'the Sentinels know each other');
  await until(async () => {
    const reply = (await sentinel.call('SENTINEL', 'REPLICAS', MASTER_NAME)) as string[][];
    return reply.length === replicas && reply.every((fields) => fields[fields.indexOf('master-link-status') + 1] === 'ok');
  }, 'the Sentinels know the replicas');
}

export interface Cluster {
  readonly nodes: readonly RedisServer[];
  readonly ports: readonly number[];
  /** Moves slots from one node to another while everything goes on. Resolves when they are there. */
  reshard(slots: number, from: RedisServer, to: RedisServer): Promise<void>;
}

/** Three primaries without replicas. */
export async function startCluster(lab: Lab): Promise<Cluster> {
  const program = needProgram(['redis-cli', 'valkey-cli'], 'redis-tools');
  const cli = async (...args: string[]) => (await promisify(execFile)(program, args)).stdout;
  const nodes: RedisServer[] = [];
  for (let index = 0; index < 3; index += 1) {
    const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500', '--dir', lab.folder()];
    nodes.push(await lab.redis(args, await clusterPort(lab)));
  }
  const ports = nodes.map(({ port }) => port);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  await cli('--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes');
  for (const port of ports) {
    const node = lab.admin(port);
    await until(async () => (await node.cluster('INFO')).includes('cluster_state:ok'), 'the Cluster is ready');
  }
  return {
    nodes,
    ports,
    async reshard(slots, from, to) {
      const ids = await Promise.all([from, to].map(({ port }) => lab.admin(port).cluster('MYID')));
      const range = ['--cluster-from', String(ids[0]), '--cluster-to', String(ids[1]), '--cluster-slots', String(slots)];
      await cli('--cluster', 'reshard', addresses[0] as string, ...range, '--cluster-yes');
    },
  };
}

/** A free port for a node of a Cluster, which also listens on that port plus 10000. */
export async function clusterPort(lab: Lab): Promise<number> {
  for (;;) {
    const port = await lab.freePort();
    if (port + 10_000 <= 65_535 && !(await isTaken(port + 10_000))) return port;
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** One field of INFO. */
export async function infoOf(redis: Redis, field: string): Promise<string | undefined> {
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(await redis.info())?.[1];
}
