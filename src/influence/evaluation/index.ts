export { columnOf, type LdsInput, lds, ldsDifference, subsetPredictions } from './lds.js';
export { type NoiseCeiling, noiseCeiling } from './noiseCeiling.js';
export * from './statistics/index.js';
