export { type CaptureRequest, capture, captureWhole, type FactorBlock } from './capture.js';
export { differentiate } from './differentiate.js';
export { type FactorContext, type FactorTerm, type TermPart, termOfParts, termParts } from './factorTerm.js';
export {
  type Float64Tensor,
  type Graph,
  GraphBuilder,
  type Node,
  type Operator,
  type Provider,
  type Shape,
  sizeOf,
  type Value,
} from './graph.js';
export { interpret } from './interpret.js';
export { materialise } from './mergeTerms.js';
export { encodeOnnx, OPSET, type Precision } from './onnx.js';
export * from './onnxImport/index.js';
export { elu, gelu, hardSigmoid, hardSwish, leakyRelu, silu } from './ops/activation.js';
export { argMax } from './ops/argMax.js';
export { type AttentionOptions, scaledDotProduct } from './ops/attention.js';
export { type AveragePoolOptions, averagePool, globalAveragePool } from './ops/averagePool.js';
export { expand } from './ops/broadcast.js';
export { and, equal, greater, greaterOrEqual, less, lessOrEqual, not, or, xor } from './ops/compare.js';
export { type ConvOptions, conv } from './ops/conv.js';
export { type ConvTransposeOptions, convTranspose } from './ops/convTranspose.js';
export { add, divide, exp, log, multiply, negate, relu, subtract } from './ops/elementwise.js';
export { clip, maximum, minimum } from './ops/extremum.js';
export { gather, oneHot, scatterAdd } from './ops/gather.js';
export { gatherElements } from './ops/gatherElements.js';
export { crossEntropy, dropout, squaredError } from './ops/loss.js';
export { matmul } from './ops/matmul.js';
export { maxPool } from './ops/maxPool.js';
export { batchNormInference, groupNorm, layerNorm, rmsNorm } from './ops/normalise.js';
export { pad } from './ops/pad.js';
export { split, tile, trilu } from './ops/rearrange.js';
export {
  centre,
  logSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSumSquare,
  variance,
} from './ops/reduce.js';
export { reduceSum } from './ops/reduceSum.js';
export { rotary } from './ops/rotary.js';
export { concat, reshape, slice, transpose } from './ops/shape.js';
export { scalar } from './ops/sharedConstant.js';
export { logSoftmax, softmax } from './ops/softmax.js';
export { abs, ceil, floor, round, sign } from './ops/stepwise.js';
export { stridedSlice } from './ops/stridedSlice.js';
export { cos, erf, power, reciprocal, sigmoid, sin, softplus, sqrt, tanh } from './ops/transcendental.js';
export { unfold } from './ops/unfold.js';
export { where } from './ops/where.js';
export type { WindowOptions } from './ops/window.js';
export type { SampleLayout } from './sampleLayout.js';
export type { Tfjs, TfTensor } from './tfjs.js';
export { vectorise } from './vectorise.js';
