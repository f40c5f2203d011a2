export { columnScales, quantiseQuery, quantiseRow, roundHalfEven } from '../../foundation/index.js';
export {
  offsetEntry,
  packWords,
  queryBatchCommitment,
  shardCommitment,
  vectorCommitment,
  wordCount,
} from './commitments.js';
export * from './constants.js';
export { fieldOfHash, type IndexLeaf, indexLeaf, indexRoot } from './indexTree.js';
export { type Hasher, loadHasher } from './poseidon.js';
export { newSaltSecret, type SaltPurpose, saltOf } from './salts.js';
export { type ChallengeInput, challenge, contributorsHash, evaluateScores, scoreMatrix } from './scores.js';
export {
  BASIS_POINTS,
  type FeeParts,
  type FeePolicy,
  type PoolSplit,
  splitFee,
  splitPool,
  sumByContributor,
} from './settlement.js';
export { assertTiling, cutSlots, prefixSums, type Slot } from './slots.js';
