import { endedError, usageError } from '../errors.js';
import type { Session, SessionRequest } from './session.js';
import type { Callback, Store, StoredData } from './store.js';

/** What a session lets others do: the request it belongs to, or without one its store. */
export interface Host {
  /** `isHeard`: the application gets to know of a failure. Else it comes up again as the response is committed. */
  save(session: Session, isHeard: boolean): Promise<void>;
  reload(session: Session): Promise<void>;
  destroy(session: Session): Promise<void>;
  regenerate(session: Session): Promise<void>;
  cycleKey(session: Session): void;
  flush(session: Session): void;
}

/** A session without a request, by `store.load(sid)`: all it has is the store. */
export class StoreHost implements Host {
  readonly #req: SessionRequest;

  constructor(req: SessionRequest) {
    this.#req = req;
  }

  save(session: Session): Promise<void> {
    return this.#ask((store, done) => store.set(session.id, session as unknown as StoredData, done));
  }

  reload(): Promise<void> {
    return this.#ask((store, done) =>
      store.get(this.#req.sessionID as string, (error, data) => {
        if (!error && data) store.createSession(this.#req, data);
        done(error ?? (data ? null : notFound()));
      }),
    );
  }

  destroy(): Promise<void> {
    Reflect.deleteProperty(this.#req, 'session');
    return this.#ask((store, done) => store.destroy(this.#req.sessionID as string, done));
  }

  regenerate(): Promise<void> {
    return this.#ask((store, done) => store.regenerate(this.#req, done));
  }

  cycleKey(): never {
    throw usageError('A session without a request has no response that could carry a new key');
  }

  flush(): never {
    throw usageError('A session without a request has no response that could wait for its end: call destroy()');
  }

  #ask(call: (store: Store, done: Callback) => void): Promise<void> {
    return new Promise((resolve, reject) => call(this.#req.sessionStore, (error) => (error ? reject(error) : resolve())));
  }
}

/** What `reload()` of a deleted session fails with; the message is express-session's. */
export function notFound(): Error {
  return endedError('failed to load session');
}
