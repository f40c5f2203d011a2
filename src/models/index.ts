export { adjointStepGraph } from './adjointStep.js';
export { modelRecipe, readModel, type TrainedModel, type TrainingSet, trainModel } from './artefact.js';
export { type ImportedCheckpoints, importedCheckpoints } from './checkpoints.js';
export type { ModelChoice, Picture } from './choice.js';
export { lenet, type PictureShape, type ResNet9Shape, resnet9 } from './cnn.js';
export { type DecoderShape, decoder } from './decoder.js';
export { type DefinitionSource, manifestOf, modelFromDefinition } from './definition.js';
export { fillDropoutMask, type MaskKey, maskKey } from './dropoutMasks.js';
export { type FastStep, type FastStepOptions, fastStepGraph, openFastStep } from './fastStep.js';
export { generateGreedy, nextTokenGraph } from './generate.js';
export { type BlockOutputs, type FactorGraph, factorGraph, INPUT, logitsGraph, stepGraph } from './graphs.js';
export { loadHuggingFaceModel, readHuggingFaceModel } from './huggingFace.js';
export { type ImportedOptions, type ImportedWeights, importedModel } from './imported.js';
export { type LoadedModel, readLlama2c, readLlama2cTokenizer, type Tokenizer } from './llama2c.js';
export { classLosses, nextTokenLosses, squaredLosses } from './losses.js';
export { lossesOf } from './lossesOf.js';
export { marginLosses } from './margin.js';
export { linear, mlp, mlpRegressor } from './mlp.js';
export {
  type Dropout,
  type Losses,
  type Model,
  type ObjectiveKind,
  type ParameterLayout,
  unpackParameters,
} from './model.js';
export { fitNormalisation, type Normalisation, normalise } from './normalise.js';
export { type AdamWOptions, adamW, clipByGlobalNorm, type Optimiser, type SgdOptions, sgd } from './optimisers.js';
export { accuracy, meanSquaredError, PREDICTION_CHUNK, predict, predictedClasses } from './predict.js';
export {
  type OptimiserChoice,
  openOptimiser,
  openSchedule,
  type Recipe,
  ratesOf,
  type ScheduleChoice,
} from './recipe.js';
export type { KeptState, Retrained, RetrainInput } from './retrain.task.js';
export { readSafetensors, type StoredTensor } from './safetensors.js';
export { batchTensors, checkSamples, checkTargets, type Samples, selectSamples, type Targets } from './samples.js';
export { constant, cosine, type Schedule, triangular } from './schedules.js';
export { spanTargets } from './span.js';
export { epochOrder, type FastState, type StepFeeds, type StepMoment, stepFeeds } from './stepFeeds.js';
export {
  replay,
  stateSteps,
  stepsPerEpoch,
  type Training,
  type TrainingOptions,
  type TrainingState,
  train,
} from './training.js';
export { accumulateGraph, applyGraph, type Objective, trainingStepGraph } from './trainingGraphs.js';
export { type Member, trainMany } from './trainMany.js';
