import { Session, type StandaloneOptions } from 'sojourn';

/** A session that is stored with these data, as one request sees it; more of them are parallel requests. */
export async function storedSession(
  options: StandaloneOptions,
  data: Record<string, unknown> = {},
): Promise<{ sessionKey: string; open: () => Promise<Session> }> {
  const session: Session = new Session(options);
  await session.update(data).save();
  const sessionKey = session.sessionKey as string;
  return { sessionKey, open: () => openSession(options, sessionKey) };
}

export function openSession(options: StandaloneOptions, sessionKey: string | null): Promise<Session> {
  return new Session({ ...options, sessionKey: sessionKey as string }).load();
}

/** What is stored under a session key, or null if there is no session. */
export async function storedData(options: StandaloneOptions, sessionKey: string | null): Promise<Record<string, unknown> | null> {
  const session = await openSession(options, sessionKey);
  return session.sessionKey === null ? null : Object.fromEntries(session.entries() as Iterable<[string, unknown]>);
}
