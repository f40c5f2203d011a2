export { gradDot, gradDotMethod } from './gradDot.js';
export { inRun, stateWeights } from './inRun.js';
export {
  type Attribution,
  aboutScores,
  type Method,
  type MethodCard,
  type Need,
  type RunState,
  type Settings,
  type TrainedRun,
} from './method.js';
export { findMethod, METHODS } from './methods.js';
export { LAST, stateAt, statesAt, stepsOfEpoch } from './runStates.js';
