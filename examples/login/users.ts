import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

export interface User {
  readonly id: string;
  readonly fullName: string;
}

interface Account {
  readonly user: User;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const COST = { N: 2 ** 14, r: 8, p: 5 };
const HASH_LENGTH = 32;

const accounts = new Map<string, Account>();
addAccount({ id: 'ada', fullName: 'Ada Lovelace' }, 'NQGTuz8n8mTCxWfmrDwD1Q.SKCvBh5wIyZ2K8kx7UlkGp-haF8isTRElHyJPDf8fxM');
addAccount({ id: 'grace', fullName: 'Grace Hopper' }, 'n4iEI2-W9mT8wIHji63gPg.n-0arFf2HHILS7gFIvVheDnTG0GWjERA_MxruzBLX4w');

/** The passwords belong to the demo and are shown on its sign-in page; above are only their hashes, as in a real app. */
export const DEMO_PASSWORDS = [
  { name: 'ada', password: 'analytical engine' },
  { name: 'grace', password: 'first actual bug' },
] as const;

const NOBODY = { user: undefined, salt: randomBytes(16), hash: randomBytes(HASH_LENGTH) };

export function findUser(id: string | undefined): User | undefined {
  return id === undefined ? undefined : accounts.get(id)?.user;
}

/** The user of this name and password. An unknown name takes as long as a wrong password: the time tells nobody who has an account. */
export async function authenticate(name: string, password: string): Promise<User | undefined> {
  const { user, salt, hash } = accounts.get(name.trim().toLowerCase()) ?? NOBODY;
  return timingSafeEqual(await hashPassword(password, salt), hash) ? user : undefined;
}

function addAccount(user: User, saltAndHash: string): void {
  const [salt = '', hash = ''] = saltAndHash.split('.');
  accounts.set(user.id, { user, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') });
}

/** In the thread pool, so that one sign-in doesn't hold up everybody else's requests. */
function hashPassword(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_LENGTH, COST, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}
