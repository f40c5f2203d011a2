/**
 * The TensorFlow.js API as operators see it. Only types are imported: which package stands behind it, if any, is the
 * engine's affair (src/engine), and this layer runs without one.
 */
import type * as tfjs from '@tensorflow/tfjs';

export type Tfjs = typeof tfjs;
export type TfTensor = tfjs.Tensor;
