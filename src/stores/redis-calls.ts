import { setImmediate } from 'node:timers';
import { StoreUnavailableError } from '../errors.js';
import { publish } from '../events.js';
import { isMoving, isNoScript, isWrongType, type RedisClient, tellOf } from './redis-client.js';
import type { Script } from './redis-scripts.js';

/**
 * With so many commands in the client, further calls are refused at once. A client that queues for ever would otherwise
 * fill the memory during an outage (some 3 KB for each), and Redis would first have to work off all of it afterwards.
 */
const MAX_UNANSWERED = 10_000;

/** How long a command waits that a Cluster can't carry out while it moves a part of its keys, in milliseconds. */
const MOVING_PAUSE = 20;

type Command<Reply> = () => Promise<Reply>;

/**
 * Commands to Redis, each with a deadline of its own, after which its promise rejects with `StoreUnavailableError`. The
 * client may still carry it out later.
 */
export class RedisCalls {
  readonly client: RedisClient;
  /** Milliseconds. */
  readonly timeout: number;
  #unanswered = 0;

  constructor(client: RedisClient, timeout: number) {
    this.client = client;
    this.timeout = timeout;
  }

  /**
   * One command, and what is made of its reply: null if there is a value of another type under the key, which is no
   * session. One promise for all of it, since every request waits for one of these. `storeKey` is for what is published.
   */
  call<Reply, Result>(
    storeKey: string,
    command: Command<Reply>,
    result: (reply: Reply | null) => Result,
    withoutScript?: Command<Reply>,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.client.wake();
      if (this.#unanswered >= MAX_UNANSWERED) throw new StoreUnavailableError(`${MAX_UNANSWERED} calls are without an answer`);
      const timer = setTimeout(giveUp, this.timeout, reject, this.timeout);
      // What the client keeps counts until it answers, which may be long after the deadline here.
      this.#unanswered += 1;
      const settle = () => {
        this.#unanswered -= 1;
        clearTimeout(timer);
      };
      const succeed = (reply: Reply | null) => {
        settle();
        try {
          resolve(result(reply));
        } catch (error) {
          // An application's clock, say. Nobody else would hear of it.
          reject(error);
        }
      };
      const fail = (error: unknown) => {
        if (isWrongType(error)) {
          publish('corrupt', { storeKey });
          succeed(null);
          return;
        }
        settle();
        reject(new StoreUnavailableError(tellOf(error)));
      };
      let pauses = 0;
      const failOrSendAgain = (error: unknown) => {
        if (withoutScript && isNoScript(error)) {
          send(withoutScript);
        } else if (isMoving(error) && pauses * MOVING_PAUSE < this.timeout) {
          pauses += 1;
          setTimeout(send, MOVING_PAUSE, command);
        } else {
          fail(error);
        }
      };
      const send = (attempt: Command<Reply>) => {
        ask(attempt).then(succeed, failOrSendAgain);
      };
      send(command);
    });
  }

  /** Runs a script by its hash, and by its text if Redis doesn't know it (any more). */
  run<Result>(storeKey: string, script: Script, keys: string[], args: string[], result: (reply: unknown) => Result): Promise<Result> {
    const { client } = this;
    return this.call(
      storeKey,
      () => client.evalsha(script.sha, keys, args),
      result,
      () => client.eval(script.lua, keys, args),
    );
  }
}

/** A client may throw instead of rejecting. */
function ask<Reply>(command: Command<Reply>): Promise<Reply> {
  try {
    return command();
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * After what has come in meanwhile was looked at: in a process that was busy for longer than the deadline, the reply is
 * there already, and a timer would come before it.
 */
function giveUp(reject: (error: StoreUnavailableError) => void, timeout: number): void {
  setImmediate(() => reject(new StoreUnavailableError(`Redis did not answer within ${timeout} ms`)));
}

/** A client with `stringNumbers: true` makes a text of it. */
export function isOne(reply: unknown): boolean {
  return Number(reply) === 1;
}
