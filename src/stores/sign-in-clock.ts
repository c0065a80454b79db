/**
 * Times of sign-ins and of the end of all sessions of an owner, in whole milliseconds. In one process what comes later has the later time,
 * even within a millisecond or while the clock stands still; between processes, whoever signs in in the same millisecond in
 * which all sessions end counts as earlier.
 */
export class SignInClock {
  readonly #clock: () => number;
  #earliest = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  signIn(): number {
    this.#earliest = Math.max(this.#earliest, Math.floor(this.#clock()));
    return this.#earliest;
  }

  end(): number {
    const now = this.signIn();
    this.#earliest = now + 1;
    return now;
  }
}
