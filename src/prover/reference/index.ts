export { columnScales, quantiseQuery, quantiseRow, roundHalfEven } from '../../foundation/index.js';
export {
  checkedSalt,
  offsetEntry,
  packWords,
  queryBatchCommitment,
  shardCommitment,
  vectorCommitment,
  wordCount,
} from './commitments.js';
export * from './constants.js';
export { type RangeFault, rangeFault, wrongElement, wrongWord } from './disputes.js';
export {
  blockLeaf,
  type DocumentShape,
  documentBlocks,
  documentCommitment,
  spanCommitment,
  symbolsPerBlock,
  symbolsPerWord,
} from './documents.js';
export {
  evaluateReceipts,
  evaluateVector,
  type FoldChallengeInput,
  type FoldedReceipt,
  type FoldPlace,
  firstLink,
  foldChallenge,
  normMax,
  type RoundedMean,
  receiptLink,
  remainderCommitment,
  roundedMean,
  squaredNorm,
  type WeightedSum,
  weightedSum,
} from './folding.js';
export { fieldOfHash, type IndexLeaf, indexLeaf, indexRoot } from './indexTree.js';
export { type MerkleTree, merklePath, merkleTree, rootOfPath, treeDepth } from './merklePath.js';
export {
  entriesOf,
  type OpenedRow,
  type OpenedVector,
  openedCommitment,
  openedLeaf,
  openVector,
} from './openings.js';
export { type Hasher, loadHasher } from './poseidon.js';
export { publishedRowScore, ROW_SCORE_OFFSET } from './rowScore.js';
export { newSaltSecret, type SaltPurpose, saltOf } from './salts.js';
export {
  type ChallengeInput,
  challenge,
  contributorsHash,
  evaluateScores,
  packScores,
  packSums,
  scoreMatrix,
  unpackScores,
  unpackSums,
} from './scores.js';
export {
  BASIS_POINTS,
  FEE_QUANTUM,
  type FeeParts,
  type FeePolicy,
  type PoolSplit,
  splitFee,
  splitPool,
  splitPooled,
  sumByContributor,
  type TokenRates,
  tokenFee,
} from './settlement.js';
export { emptySlotList, extendSlotList } from './slotList.js';
export { assertTiling, cutSlots, prefixSums, type Slot, slotSums } from './slots.js';
