import { OptionError, usageError } from './errors.js';
import { publish } from './events.js';
import { ask, confirm, decodeRecord, type RecordSettings } from './record.js';
import { type Session, workOf } from './session.js';
import { fingerprintOf, ownedName, ownerIn, ownerOf } from './session-key.js';
import type { ListedSession, OwnedSessions } from './stores/store.js';
import { type UserSettings, userIn } from './user.js';

/** One session of a user, for a page "Where you are signed in". */
export interface SessionInfo {
  /** Names the session to `revoke`, and in events; of no use as a cookie. */
  readonly ref: string;
  readonly createdAt: Date;
  /** When it was last seen, to within five minutes. */
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  /** It is the one that `list` was told of. */
  readonly current: boolean;
  /** What the option `device` says of it, or null. */
  readonly device: string | null;
}

/** A session, whatever the types of its data. */
type AnySession = Pick<Session<never>, 'sessionKey' | 'modified' | 'accessed'>;

/** The sessions of one user: `sessions.of(userId)`. All methods reject with `StoreUnavailableError` if the store fails. */
export interface UserSessions {
  /** Those that are alive, the last seen first. `current`: the session of the request, which is marked. */
  list(options?: { current?: AnySession }): Promise<SessionInfo[]>;
  /**
   * Ends one session, by its `ref`. False if the user has no such session (any more). Rejects with `NotDurableError` if the store
   * waits for replicas in vain.
   */
  revoke(ref: string): Promise<boolean>;
  /**
   * Ends all sessions of the user at once, also those that a login, a save or a cycle under way is about to store, but for `except`:
   * the session of the request, whose login or other changes are then still to come. How many are known to have ended. Rejects with `NotDurableError` if the
   * store waits for replicas in vain.
   */
  revokeAll(options?: { except?: AnySession }): Promise<number>;
}

/** @internal */
export async function revokeEverything({ store }: RecordSettings): Promise<number> {
  const { owned } = store;
  if (owned === undefined) {
    throw new OptionError(
      'store',
      "can't end all sessions: that takes a RedisStore or a MemoryStore. Change the secret instead, and no cookie is good any more",
    );
  }
  const sessions = await ask(NOWHERE, () => owned.endEverything());
  publish('revoked', { reason: 'everything', sessions });
  return sessions;
}

const NOWHERE = { storeKey: '' };

/** @internal */
export function userSessions(settings: RecordSettings & UserSettings, id: string | number): UserSessions {
  if (settings.userOf === undefined) throw new OptionError('user', "is missing: session({ user: (session) => session.get('userId') })");
  const owned = settings.store.owned as OwnedSessions;
  const user = userIn(id);
  if (user === null) throw usageError('of() takes the ID of a user, as the option user gives it');
  const owner = ownerOf(user);
  const { store } = settings;
  const place = { storeKey: ownedName(owner, 'user') };
  const listed = () => ask(place, () => owned.list(owner));

  return {
    async list({ current } = {}) {
      const currentKeys = current === undefined ? [] : workOf(current as Session<never>).storedKeys;
      const found = await listed();
      return found.sort((one, other) => other.times.seenAt - one.times.seenAt).map((session) => infoOf(settings, session, currentKeys));
    },

    async revoke(ref) {
      const session = (await listed()).find(({ key }) => fingerprintOf(key) === ref);
      if (session === undefined) {
        // It may have ended a moment ago, without the replicas.
        await confirm(settings, place);
        return false;
      }
      const ended = await ask({ storeKey: session.key }, () => store.delete(session.key));
      if (ended) publish('revoked', { reason: 'session', sessions: 1 });
      await confirm(settings, { storeKey: session.key });
      return ended;
    },

    async revokeAll({ except } = {}) {
      const work = except === undefined ? undefined : workOf(except as Session<never>);
      await work?.load();
      const spared = work?.storedKeys.find((key) => ownerIn(key) === owner);
      const { ended, epoch } = await ask(place, () => owned.endAll(owner, spared));
      // A login that this request is about to store is spared as well.
      work?.signInAt(epoch, owner);
      publish('revoked', { reason: 'user', sessions: ended });
      await confirm(settings, place);
      return ended;
    },
  };
}

function infoOf(settings: RecordSettings & UserSettings, session: ListedSession, currentKeys: readonly string[]): SessionInfo {
  const { key, times, expiresAt, payload } = session;
  const record = decodeRecord(settings, { storeKey: key }, payload);
  return {
    ref: fingerprintOf(key),
    createdAt: new Date(times.createdAt),
    lastSeenAt: new Date(times.seenAt),
    expiresAt: new Date(expiresAt),
    current: currentKeys.includes(key),
    device: record && settings.deviceOf(record.data),
  };
}
