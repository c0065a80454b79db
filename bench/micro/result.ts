export interface MicroResult {
  /** The letter of a workload; empty for a part of the hot path. */
  readonly name: string;
  readonly title: string;
  /** CPU time of one, over the harness. */
  readonly microseconds: number;
  /** At most so many microseconds. */
  readonly target?: number;
  /** Of the rounds: the middle half, relative to the median. */
  readonly spread: number;
}
