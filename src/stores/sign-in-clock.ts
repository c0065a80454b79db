/** A clock that was this much further on, in milliseconds, was wrong and has been put right: what it said doesn't count. */
const PUT_RIGHT = 1000;

/**
 * Times of sign-ins and of the end of all sessions of an owner, in whole milliseconds. In one process what comes later has the later time,
 * even within a millisecond or while the clock stands still; between processes, whoever signs in in the same millisecond in
 * which all sessions end counts as earlier.
 */
export class SignInClock {
  readonly #clock: () => number;
  #lastSignIn = 0;
  #lastEnd = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  signIn(): number {
    this.#lastSignIn = this.#notBefore(this.#lastSignIn, this.#lastEnd + 1);
    return this.#lastSignIn;
  }

  end(): number {
    this.#lastEnd = this.#notBefore(this.#lastSignIn);
    return this.#lastEnd;
  }

  #notBefore(...times: readonly number[]): number {
    const now = Math.floor(this.#clock());
    return Math.max(now, ...times.filter((time) => time - now <= PUT_RIGHT));
  }
}
