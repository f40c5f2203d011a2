export {
  type AttributionIndex,
  buildIndex,
  calibrationOutputs,
  deriveIndexId,
  fitEncoder,
  heldOutOutputs,
  type IndexOptions,
  indexCommitments,
  indexRecipe,
  indexShards,
  publishedCommitments,
  readIndex,
  trainingSamples,
} from './attributionIndex.js';
export { invalidProofs, verifyBatch } from './batchVerify.js';
export {
  type Announcement,
  announceBeacon,
  applyBeacon,
  type CeremonyRecord,
  ceremonyKey,
  contribute,
  findVerified,
  ITERATIONS,
  LEAST_CONTRIBUTIONS,
  type PublishedCeremony,
  parseTranscript,
  publishCeremony,
  readPublished,
  readTranscript,
  requireStatedKey,
  type Stepped,
  sameSeal,
  sealOf,
  startCeremony,
  type Transcript,
  verifyCeremony,
} from './ceremony/index.js';
export { type CompiledCircuit, compileCircuit } from './circuit.js';
export { developmentKey } from './devkey/index.js';
export { type Encoder, encodeRows, encoderHash, quantiseRows } from './encoder.js';
export {
  type Batch,
  cutBatches,
  type Epoch,
  epochContent,
  epochRecipe,
  makeEpoch,
  type OpenBatch,
  openBatches,
  readEpoch,
} from './epoch.js';
export { type BatchHasher, openBatchHasher } from './fast/index.js';
export { type Groth16Proof, prove, proveAll, verify, witness } from './groth16.js';
export { contributorRanges, type RowRange, rowScores, shareWithIdentities } from './incentives.js';
export {
  type CircuitInstance,
  expectedConstraints,
  instanceName,
  type ListedInstance,
  listedInstances,
} from './instances.js';
export { type OpenedIndex, openedIndex, openRows } from './openedIndex.js';
export {
  challengeInput,
  type Proofs,
  proofsRecipe,
  proveEpoch,
  readProofs,
  type SettlementTarget,
  type ShardProof,
  scoreStatement,
  slotAddresses,
} from './proofs.js';
export type { CeremonyOrigin, KeySeal, ProvingKey } from './provingKey.js';
export { type PublishedWords, readWords, WORDS_KIND, writeWords } from './publishedWords.js';
export { type FoldedBatch, type QueryMeanStatement, queryMeanInput, queryMeanStatement } from './queryMean.js';
export {
  type Fold,
  type FoldStep,
  foldReceipts,
  foldSteps,
  type QuerySumStatement,
  querySumInput,
  querySumStatement,
} from './querySum.js';
export {
  makeReceipts,
  outputFigures,
  outputHash,
  queryOutputs,
  type Receipt,
  type ReceiptOptions,
  type Receipts,
  readReceipts,
  receiptsRecipe,
  scoreFigures,
} from './receipts.js';
export type { Instance } from './reference/index.js';
export { answeredRow, type RowAnswer, rowAnswer, wrongStep } from './rowAnswer.js';
export type { Shard } from './rowCommitments.js';
export { type OpenedBatch, rowOpeningInput, type ScorePosition } from './rowOpening.js';
export { type RowRangeClaim, rowRangeInput } from './rowRange.js';
export { rowsToSlotInputs } from './rowsToSlot.js';
export {
  type ScoreMatrixStatement,
  type ScoreMatrixWitness,
  scoreMatrixInput,
  scoreMatrixStatement,
} from './scoreMatrix.js';
export { attributionOf, DEFAULT_SCORER, openScorer, scorerNames } from './scorers.js';
export {
  capacityWithin,
  findRapidsnark,
  PROVER_NAMES,
  type ProvenStatements,
  type ProverChoice,
  type ProverName,
  type ProvingOptions,
  proverBytes,
  proveStatements,
  type Statement,
} from './service/index.js';
export { type SlotClaim, slotIsPrefixInput } from './slotIsPrefix.js';
export { type ShardSlots, slotsToShardInput } from './slotsToShard.js';
export { type OpenedDocument, type Span, spanMembershipInput } from './spanMembership.js';
export { type SumStepClaim, sumStepInput } from './sumStep.js';
export { type CircuitTemplate, findTemplate, scoreMatrixCircuit, shapeName, TEMPLATES } from './templates.js';
export {
  assertKeyIsSound,
  circuitId,
  keyHash,
  keyWords,
  keyWordsHash,
  type VerificationKey,
} from './verificationKey.js';
export type { CircuitInput } from './witnessCalculator.js';
