export { type Choice, type ChoosingOptions, chooseSettings, type HeldOut, type Tried } from './chooseSettings.js';
export { refuseOverlap, samplesNotIn } from './disjoint.js';
export * from './grid/index.js';
export { columnOf, type LdsInput, lds, ldsDifference, ldsPerQuery, subsetPredictions } from './lds.js';
export * from './measures/index.js';
export { type NoiseCeiling, noiseCeiling } from './noiseCeiling.js';
export * from './retraining/index.js';
export * from './statistics/index.js';
export { writeTruth } from './truthFiles.js';
