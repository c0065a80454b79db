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
    this.#lastSignIn = Math.max(this.#now(), this.#lastSignIn, this.#lastEnd + 1);
    return this.#lastSignIn;
  }

  end(): number {
    this.#lastEnd = Math.max(this.#now(), this.#lastSignIn);
    return this.#lastEnd;
  }

  #now(): number {
    return Math.floor(this.#clock());
  }
}
