import type { Experiment } from '../experiment.js';
import { compareExpressSession } from './compare-express-session.js';
import { cycleKey } from './cycle-key.js';
import { ghostWrite } from './f1-ghost-write.js';
import { hung } from './f2-hung.js';
import { killed } from './f3-killed.js';
import { downAtStart } from './f4-down-at-start.js';
import { refusedWrites } from './f5-refused-writes.js';
import { sentinelFailover } from './f6-sentinel.js';
import { lostRevocation } from './f8-lost-revocation.js';
import { clusterChanges } from './f9-cluster.js';
import { torture } from './f10-torture.js';
import { nearCache } from './near-cache.js';
import { parallelWrites } from './parallel-writes.js';
import { scriptsFlushed } from './scripts-flushed.js';
import { slowReplies } from './slow.js';

/** All experiments, in the order they are run. A new one is added here. */
export const EXPERIMENTS: readonly Experiment[] = [
  parallelWrites,
  compareExpressSession,
  cycleKey,
  scriptsFlushed,
  nearCache,
  ghostWrite,
  slowReplies,
  hung,
  killed,
  downAtStart,
  refusedWrites,
  sentinelFailover,
  lostRevocation,
  clusterChanges,
  torture,
];
