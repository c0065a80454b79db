/** One thing that is measured: a server in `servers/`. */
export interface Peer {
  readonly name: string;
  readonly label: string;
  readonly file: string;
  readonly args: readonly string[];
  /** The peer that shows what its framework costs alone; null for such a floor itself. */
  readonly floor: string | null;
  readonly keeps: 'in Redis' | 'in the cookie' | 'nothing';
}

const peer = (name: string, label: string, rest: Partial<Peer> = {}): Peer => ({
  name,
  label,
  file: `${name}.mjs`,
  args: [],
  floor: 'floor',
  keeps: 'in Redis',
  ...rest,
});
const floor = (name: string, label: string): Peer => peer(name, label, { floor: null, keeps: 'nothing' });

export const PEERS: readonly Peer[] = [
  floor('floor', 'Express alone'),
  peer('limit', 'written by hand'),
  peer('sojourn', 'Sojourn'),
  peer('sojourn-again', 'Sojourn, once more', { file: 'sojourn.mjs' }),
  peer('sojourn-lazy', 'Sojourn, lazy', { file: 'sojourn.mjs', args: ['lazy'] }),
  peer('sojourn-near', 'Sojourn, near cache', { file: 'sojourn.mjs', args: ['near'] }),
  peer('sojourn-users', 'Sojourn, with users', { file: 'sojourn.mjs', args: ['users'] }),
  peer('express-session', 'express-session'),
  peer('express-session-rolling', 'express-session, rolling', { file: 'express-session.mjs', args: ['rolling'] }),
  peer('iron-session', 'iron-session', { keeps: 'in the cookie' }),
  floor('fastify-floor', 'Fastify alone'),
  peer('fastify-session', '@fastify/session', { floor: 'fastify-floor' }),
  floor('koa-floor', 'Koa alone'),
  peer('koa-session', 'koa-session', { floor: 'koa-floor' }),
];

/** What is compared unless told; `sojourn-again` is the A/A pair that shows the noise. */
export const FULL: readonly string[] = PEERS.map(({ name }) => name);
export const QUICK: readonly string[] = ['floor', 'limit', 'sojourn', 'express-session'];

export function peerOf(name: string): Peer {
  const found = PEERS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`There is no peer ${name}. There are: ${PEERS.map((each) => each.name).join(', ')}`);
  return found;
}
