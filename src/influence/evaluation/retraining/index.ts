export { allRows, type Experiment, joinSamples, type RetrainingOptions } from './experiment.js';
export { jointTruth, retrainingTruth, type Truth, type TruthChoice, truthOf } from './groundTruth.js';
export { keptEpochs, type RunChoice, trainRuns } from './runs.js';
export { trainingSeed } from './seeds.js';
export { drawSubsets, masksOf, type SubsetChoice } from './subsets.js';
