export { arnoldi } from './arnoldi.js';
export { astraMethod } from './astra.js';
export { banzhaf } from './banzhaf.js';
export { cgInfluence } from './cgInfluence.js';
export { dataInfMethod } from './dataInf.js';
export { datamodels } from './datamodels.js';
export { dataShapleyTmc } from './dataShapleyTmc.js';
export { ekfacMethod } from './ekfac.js';
export { embeddingSimilarity } from './embeddingSimilarity.js';
export { explicitInfluence } from './explicitInfluence.js';
export { factGrassMethod } from './factGrass.js';
export { gradCosine } from './gradCosine.js';
export { gradDot, gradDotMethod } from './gradDot.js';
export { inRun, inRunMethod, stateWeights } from './inRun.js';
export { inRunSecondOrder } from './inRunSecondOrder.js';
export { kfacMethod } from './kfac.js';
export { kNnShapley } from './kNnShapley.js';
export { leaveOneOut } from './leaveOneOut.js';
export { lissa } from './lissa.js';
export { loGraMethod } from './loGra.js';
export { magicMethod } from './magic.js';
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
export { overStates } from './overStates.js';
export { representerPoints } from './representerPoints.js';
export { LAST, stateAt, statesAt, statesAtEpochs, stepsOfEpoch } from './runStates.js';
export { sourceMethod } from './source.js';
export { type SpectralSketchSettings, spectralSketch } from './spectralSketch.js';
export { tracIn } from './tracIn.js';
export { type TrakSettings, trak } from './trak.js';
export { type TrakDualSettings, trakDual } from './trakDual.js';
export { type VectorMethod, vectorMethod } from './vectorMethod.js';
