import { randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';

declare global {
  namespace Express {
    // The type of passport's `req.user`.
    interface User {
      readonly id: string;
      readonly fullName: string;
    }
  }
}

/** The demo's passwords, shown on its page. A real app has only a salt and a hash for each user, in its database. */
export const DEMO = [
  { username: 'ada', password: 'analytical engine', fullName: 'Ada Lovelace' },
  { username: 'grace', password: 'first actual bug', fullName: 'Grace Hopper' },
] as const;

const HASH_LENGTH = 32;
const NOBODY = { user: undefined, salt: randomBytes(16), hash: randomBytes(HASH_LENGTH) };

const accounts = new Map<string, { user: Express.User; salt: Buffer; hash: Buffer }>();
for (const { username, password, fullName } of DEMO) {
  const salt = randomBytes(16);
  accounts.set(username, { user: { id: username, fullName }, salt, hash: scryptSync(password, salt, HASH_LENGTH) });
}

export function findUser(id: string | undefined): Express.User | undefined {
  return id === undefined ? undefined : accounts.get(id)?.user;
}

/** The user of this name and password. An unknown name takes as long as a wrong password: the time tells nobody who has an account. */
export async function authenticate(username: string, password: string): Promise<Express.User | undefined> {
  const { user, salt, hash } = accounts.get(username) ?? NOBODY;
  const given = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, HASH_LENGTH, (error, key) => (error ? reject(error) : resolve(key)));
  });
  return timingSafeEqual(given, hash) ? user : undefined;
}
