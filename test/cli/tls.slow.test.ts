import { writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { Redis } from 'ioredis';
import { RedisStore, session } from 'sojourn';
import { until } from '../faults/experiment.js';
import { clusterPort } from '../faults/groups.js';
import { Lab } from '../faults/lab.js';
import { SECRET } from '../helpers/app.js';
import { certificate } from '../helpers/certificate.js';
import { freePort } from '../helpers/programs.js';
import { testRedisUrl } from '../helpers/redis-client.js';
import { lines, Site, sojournProcess } from './cli.js';

// The command line over TLS, in processes of its own: Node takes its authorities when it starts.

const lab = new Lab();
afterAll(() => lab.close());

test('rediss:// is TLS, with an authority of NODE_EXTRA_CA_CERTS', async () => {
  const { key, cert } = certificate();
  const file = join(lab.folder(), 'authority.pem');
  writeFileSync(file, cert);
  const { port } = new URL(testRedisUrl());
  const server = createServer({ key, cert }, (socket: TLSSocket) => {
    const redis = connectSocket(Number(port), '127.0.0.1');
    socket.pipe(redis).pipe(socket);
    for (const end of [socket, redis]) end.on('error', () => {});
  });
  const own = await freePort();
  await new Promise<void>((resolve) => server.listen(own, resolve));
  lab.later(() => server.close());
  const site = new Site();
  await site.signIn({ userId: 'ann' });
  const args = ['list', '--redis', `rediss://localhost:${own}`, '--prefix', site.prefix];
  expect(lines((await sojournProcess(args, { NODE_EXTRA_CA_CERTS: file })).stdout)).toHaveLength(1);
  const { code, stderr } = await sojournProcess(args);
  expect([code, stderr]).toEqual([1, expect.stringContaining('NODE_EXTRA_CA_CERTS')]);
});

test.each([
  ['ioredis', 'src/cli/bin.ts'],
  ['node-redis', 'test/cli/bin-on-node-redis.ts'],
])('rediss:// of a Cluster is TLS on all nodes, with user and password, on %s', async (_, program) => {
  const { key, cert } = certificate();
  const folder = lab.folder();
  for (const [name, text] of Object.entries({ key, cert })) writeFileSync(join(folder, name), text);
  const [port, plainPort] = [await clusterPort(lab), await freePort()];
  const files = [
    '--tls-cert-file',
    join(folder, 'cert'),
    '--tls-key-file',
    join(folder, 'key'),
    '--tls-ca-cert-file',
    join(folder, 'cert'),
  ];
  const tls = ['--tls-port', `${port}`, ...files, '--tls-auth-clients', 'no', '--tls-cluster', 'yes'];
  const named = ['--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname'];
  await lab.redis(['--cluster-enabled', 'yes', '--requirepass', 'a/word', ...tls, ...named], plainPort);
  const admin = new Redis({ port: plainPort, password: 'a/word' });
  lab.later(() => admin.disconnect());
  await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
  await until(async () => (await admin.cluster('INFO')).includes('cluster_state:ok'), 'the Cluster is ready');
  await session({ secret: SECRET, store: new RedisStore(admin) }).issue({ userId: 'ann' });
  const args = ['list', '--cluster', '--redis', `rediss://default:a%2Fword@localhost:${port}`];
  const { code, stdout, stderr } = await sojournProcess(args, { NODE_EXTRA_CA_CERTS: join(folder, 'cert') }, program);
  expect([code, stderr, lines(stdout).length]).toEqual([0, '', 1]);
});
