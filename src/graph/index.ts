export { type CaptureRequest, capture, type FactorBlock } from './capture.js';
export { differentiate } from './differentiate.js';
export { type FactorContext, type FactorTerm, type TermPart, termOfParts, termParts } from './factorTerm.js';
export {
  type Float64Tensor,
  type Graph,
  GraphBuilder,
  type Node,
  type Operator,
  type Shape,
  sizeOf,
  type Value,
} from './graph.js';
export { interpret } from './interpret.js';
export { materialise } from './mergeTerms.js';
export { encodeOnnx, OPSET, type Precision } from './onnx.js';
export { expand } from './ops/broadcast.js';
export { equal } from './ops/compare.js';
export { add, divide, exp, log, multiply, negate, relu, subtract } from './ops/elementwise.js';
export { crossEntropy } from './ops/loss.js';
export { matmul } from './ops/matmul.js';
export { pad } from './ops/pad.js';
export { reduceSum } from './ops/reduce.js';
export { concat, reshape, slice, transpose } from './ops/shape.js';
export { logSoftmax } from './ops/softmax.js';
export { stridedSlice } from './ops/stridedSlice.js';
export type { SampleLayout } from './sampleLayout.js';
export type { Tfjs, TfTensor } from './tfjs.js';
