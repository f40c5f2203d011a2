export { blockNorms, blockProducts, blockProjection, sumBlocks } from './blockProducts.js';
export * from './evaluation/index.js';
export { type Block, type BlockForm, FACTOR_CHUNK, type FactorSource, type Factors, openFactors } from './factors.js';
export { type GradientKernel, MOST_ROWS, openKernel } from './gradientKernel.js';
export { type LayerScores, layerScores } from './layerScores.js';
export { type DeterministicRun, type Magic, magic } from './magic/index.js';
export * from './methods/index.js';
export { pathScorer, type ScoringOptions, type WeightedState } from './pathScorer.js';
export {
  type Coalition,
  exactBanzhafOf,
  exactShapleyOf,
  type Game,
  halfCoalitions,
  retrainingGame,
  rowsOfGroups,
  type Shares,
  sampledShapley,
  type Trainings,
} from './retraining/index.js';
export * from './scoreFiles/index.js';
export type { Scorer } from './scorer.js';
export {
  type ContributorScore,
  type Explanation,
  explainReceipt,
  type RowScore,
  type ScoredRows,
  writeScores,
} from './scoreStore.js';
export { fitBasis, type SketchBasis, sketchOutputs, sketchSamples } from './spectralSketch.js';
export * from './store/index.js';
export { type TokenScores, tokenScores } from './tokenScores.js';
