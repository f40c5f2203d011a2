export { modelRecipe, readModel, type TrainedModel, type TrainingSet, trainModel } from './artefact.js';
export { type BlockOutputs, type FactorGraph, factorGraph, logitsGraph, stepGraph } from './graphs.js';
export { type ImportedOptions, type ImportedWeights, importedModel } from './imported.js';
export { classLosses, nextTokenLosses } from './losses.js';
export { mlp } from './mlp.js';
export type { Model } from './model.js';
export { fitNormalisation, type Normalisation, normalise } from './normalise.js';
export { accuracy, PREDICTION_CHUNK, predict, predictedClasses } from './predict.js';
export { batchTensors, type Samples, selectSamples } from './samples.js';
export {
  replay,
  stateSteps,
  stepsPerEpoch,
  type Training,
  type TrainingOptions,
  type TrainingState,
  train,
} from './training.js';
