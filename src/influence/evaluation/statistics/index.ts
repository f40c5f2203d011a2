export {
  type BootstrapOptions,
  bootstrap,
  bootstrapDraws,
  DEFAULT_REPLICATES,
  type Estimate,
  type Interval,
  meanOf,
  percentileInterval,
} from './bootstrap.js';
export { type CorrelationKind, type Correlator, correlator, ones, pearson, spearman } from './correlation.js';
export { crossedMean } from './crossedMean.js';
export { type Difference, type MeanCorrelation, meanCorrelation, pairedDifference } from './meanCorrelation.js';
export { fillRanks, midRanks, type RankGroups, rankGroups } from './ranks.js';
