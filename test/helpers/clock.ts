/** A clock that a test moves by hand, in milliseconds. */
export class TestClock {
  constructor(public now = 1_700_000_000_000) {}

  readonly read = (): number => this.now;

  advance(seconds: number): void {
    this.now += seconds * 1000;
  }
}
