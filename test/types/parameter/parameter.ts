// A type parameter gives one session its keys and leaves the rest of the program alone.
import { MemoryStore, Session, session } from 'sojourn';
import { sessionOf, signedIn } from 'sojourn/testing';

interface AdminData {
  adminId: number;
  roles: string[];
}

const admin = new Session<AdminData>({ store: new MemoryStore() });
const id: number | undefined = admin.get('adminId');
const roles: string[] = admin.setDefault('roles', []);
admin.set('adminId', 7).set('roles', ['root']);
for (const key of admin.keys()) {
  const known: 'adminId' | 'roles' = key;
  void known;
}
for (const [key, value] of admin) {
  const known: 'adminId' | 'roles' = key;
  const either: number | string[] = value;
  void [known, either];
}
// @ts-expect-error the value has another type
admin.set('adminId', '7');
// @ts-expect-error an unknown key
admin.get('userId');
// @ts-expect-error may be missing
const surely: number = admin.get('adminId');

const admins = session<AdminData>({ property: 'admin' });
admins.issue({ adminId: 7 });
// @ts-expect-error an unknown key
admins.issue({ userId: 7 });
async function inATest(response: Response) {
  const { cookie } = await signedIn(admins, { adminId: 7 });
  // @ts-expect-error an unknown key
  await signedIn(admins, { userId: 7 });
  const data = await sessionOf(admins, cookie);
  const mine: number | undefined = data?.adminId;
  // @ts-expect-error may be no session
  void data.adminId;
  await sessionOf(admins, response);
  // @ts-expect-error not awaited
  await sessionOf(admins, Promise.resolve(response));
  return mine;
}
async function upgrade(req: Parameters<typeof admins.load>[0]) {
  const loaded: Session<AdminData> = await admins.load(req);
  const mine: number = loaded.get('adminId', 0);
  await loaded.update((s) => s.set('adminId', mine + 1));
}

// Other sessions take any key, as before.
const other: Session = new Session({ store: new MemoryStore() });
other.set('anything', 1).set('userId', 'ada');
const unknown: unknown = other.get('anything');

void [id, roles, surely, inATest, upgrade, unknown];
