import { publish, warnOnce } from '../events.js';
import { INVALIDATIONS, isAnswer, type OwnConnection, type RedisClient, tellOf } from './redis-client.js';

/** Who wants to know what changes in Redis. */
export interface InvalidationListener {
  /** From now on every change is told. */
  start(): void;
  /** Changes may go untold from now on. */
  stop(): void;
  /** Somebody wrote or deleted the key, or it expired or was evicted. Without the prefix. */
  drop(key: string): void;
  /** All keys are gone. */
  clear(): void;
}

/** Milliseconds between an answer and the next PING: a connection that went silent without a word is noticed by it. */
const BEAT = 1000;
/** Milliseconds to connect and set up. Sentinels may take their time. */
const SET_UP_WITHIN = 10_000;
/** Milliseconds before the next attempt: the pause doubles with each that fails. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5000;

/**
 * Hears from Redis which keys under a prefix were changed, by whomever (`CLIENT TRACKING` in broadcasting mode), on a
 * connection of its own, so that the application's client needs no tracking and no setting.
 *
 * In RESP2, which all clients speak, a tracking connection names another one that subscribes to the messages. It may
 * name itself. Each connection lives once: when it is lost, or doesn't answer in time, it is ended and a new one is
 * made, which leaves no state of a client library between the two.
 */
export class InvalidationChannel {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #listener: InvalidationListener;
  readonly #timeout: number;
  #connection: OwnConnection | undefined;
  /** The deadline of an answer, or the pause before the next PING or the next connection: one at a time. */
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  /** `timeout`: milliseconds within which a PING must be answered. Throws an `OptionError` for a client that can't do it. */
  constructor(client: RedisClient, prefix: string, listener: InvalidationListener, timeout: number) {
    this.#client = client;
    this.#prefix = client.keyPrefix + prefix;
    this.#listener = listener;
    this.#timeout = timeout;
    this.#connect();
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    clearTimeout(this.#timer);
    this.#listener.stop();
    connection?.destroy();
  }

  #connect(): void {
    const connection = this.#client.connectOwn({
      invalidated: (keys) => this.#connection === connection && this.#tell(keys),
      lost: () => this.#lose(connection, 'the connection was lost'),
    });
    this.#connection = connection;
    this.#await(connection, this.#setUp(connection), SET_UP_WITHIN, () => {
      this.#failures = 0;
      this.#listener.start();
      publish('nearCache', { up: true });
      this.#rest(connection);
    });
  }

  async #setUp(connection: OwnConnection): Promise<void> {
    await connection.connect();
    const id = String(await connection.send(['CLIENT', 'ID']));
    await connection.send(['CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', this.#prefix]);
    // Last: a connection that subscribes can send nothing else any more.
    await connection.subscribe();
  }

  #tell(keys: readonly string[] | null): void {
    if (keys === null) this.#listener.clear();
    else for (const key of keys) this.#listener.drop(key.slice(this.#prefix.length));
  }

  #rest(connection: OwnConnection): void {
    this.#after(BEAT, () => this.#await(connection, connection.ping(), this.#timeout, () => this.#rest(connection)));
  }

  #await(connection: OwnConnection, answer: Promise<unknown>, within: number, next: () => void): void {
    this.#after(within, () => this.#lose(connection, `there was no answer within ${within} ms`));
    answer.then(
      () => this.#connection === connection && next(),
      (error: unknown) => {
        if (isAnswer(error)) warnThatItIsOff(tellOf(error));
        this.#lose(connection, tellOf(error));
      },
    );
  }

  #lose(connection: OwnConnection, reason: string): void {
    // A connection has several ways to say that it is lost.
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#listener.stop();
    connection.destroy();
    // Once for each time it goes down; the attempts after that are no news.
    if (this.#failures === 0) publish('nearCache', { up: false, reason });
    this.#after(Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE), () => this.#connect());
    this.#failures += 1;
  }

  #after(milliseconds: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, milliseconds).unref();
  }
}

function warnThatItIsOff(what: string): void {
  warnOnce(
    'SOJOURN_NEAR_CACHE',
    `Sessions are read without the near cache: ${what}. It needs CLIENT TRACKING, and for an ACL user ` +
      `+client|id +client|tracking +subscribe +ping &${INVALIDATIONS}.`,
  );
}
