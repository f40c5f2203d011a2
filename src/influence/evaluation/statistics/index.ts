export {
  type BootstrapOptions,
  bootstrap,
  DEFAULT_REPLICATES,
  type Estimate,
  type Interval,
  meanOf,
  percentileInterval,
} from './bootstrap.js';
export { type CorrelationKind, type Correlator, correlator, pearson, spearman } from './correlation.js';
export { type Difference, type MeanCorrelation, meanCorrelation, pairedDifference } from './meanCorrelation.js';
export { midRanks } from './ranks.js';
