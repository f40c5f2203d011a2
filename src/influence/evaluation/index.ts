export { columnOf, type LdsInput, lds, ldsDifference, subsetPredictions } from './lds.js';
export * from './measures/index.js';
export { type NoiseCeiling, noiseCeiling } from './noiseCeiling.js';
export * from './retraining/index.js';
export * from './statistics/index.js';
