/** Something to be measured many times over. */
export interface Case {
  /** The letter of a workload, or empty. */
  readonly name: string;
  readonly title: string;
  /** At most so many microseconds. */
  readonly target?: number;
  /** How often in a round. */
  readonly count: number;
  /** Carries it out so many times. */
  run(count: number): Promise<void> | void;
  /** What is taken off: the same without Sojourn. */
  harness(count: number): Promise<void> | void;
}

/** What a process says of its case at the start; after that it answers each message with microseconds. */
export type Introduction = Pick<Case, 'name' | 'title' | 'target'> & { readonly cases: number };
