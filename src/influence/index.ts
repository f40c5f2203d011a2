export { blockNorms, blockProducts, blockProjection, sumBlocks } from './blockProducts.js';
export * from './evaluation/index.js';
export { type Block, type BlockForm, FACTOR_CHUNK, type FactorSource, type Factors, openFactors } from './factors.js';
export { type GradientKernel, MOST_ROWS, openKernel } from './gradientKernel.js';
export * from './methods/index.js';
export { pathScorer, type ScoringOptions, type WeightedState } from './pathScorer.js';
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
