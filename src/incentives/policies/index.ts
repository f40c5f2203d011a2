/** The policies that are compared. Adding one: its file here beside this one, and one line below. */
import type { Policy } from '../policy.js';
import { equalPerRow } from './equalPerRow.js';
import { lowerConfidenceBound } from './lowerConfidenceBound.js';
import { pooledInNats } from './pooledInNats.js';
import { pooledLowerBound } from './pooledLowerBound.js';
import { pooledPerBatch } from './pooledPerBatch.js';
import { pooledPerBlock } from './pooledPerBlock.js';
import { pooledPerRow } from './pooledPerRow.js';
import { pooledWithBonds } from './pooledWithBonds.js';
import { positivePartPerContributor } from './positivePartPerContributor.js';
import { positivePartPerRow } from './positivePartPerRow.js';

export const POLICIES: readonly Policy[] = [
  positivePartPerRow,
  positivePartPerContributor,
  lowerConfidenceBound,
  pooledPerBatch,
  pooledInNats,
  pooledLowerBound,
  pooledPerRow,
  pooledPerBlock,
  pooledWithBonds,
  equalPerRow,
];
