import type { Experiment } from '../experiment.js';
import { ghostWrite } from './f1-ghost-write.js';
import { hung } from './f2-hung.js';
import { killed } from './f3-killed.js';
import { downAtStart } from './f4-down-at-start.js';
import { refusedWrites } from './f5-refused-writes.js';

/** All experiments, in the order they are run. A new one is added here. */
export const EXPERIMENTS: readonly Experiment[] = [ghostWrite, hung, killed, downAtStart, refusedWrites];
