/** Normalisations, ONNX's own and Microsoft's fused ones. Batch normalisation is that of inference. */
import type { Value } from '../../graph.js';
import { add } from '../../ops/elementwise.js';
import { batchNormInference, groupNorm, layerNorm, rmsNorm } from '../../ops/normalise.js';
import { reshape } from '../../ops/shape.js';
import type { Call } from '../call.js';
import type { Result } from '../rule.js';
import { type Rules, rules } from '../rule.js';

export const normaliseRules: Rules = rules({
  BatchNormalization: (call) => {
    if (call.int('training_mode', 0) !== 0) {
      call.refuse('normalises by the batch (training_mode=1), which mixes samples');
    }
    const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => call.value(i));
    return batchNormInference(call.g, x, scale, bias, mean, variance, call.real('epsilon', 1e-5));
  },
  LayerNormalization: (call) => {
    const x = call.value(0);
    const axis = call.axis(call.int('axis', -1), x.shape.length);
    return layerNorm(call.g, x, axis, call.value(1), optional(call, 2), call.real('epsilon', 1e-5));
  },
  SimplifiedLayerNormalization: rootMeanSquare,
  RMSNormalization: rootMeanSquare,
  InstanceNormalization: (call) =>
    groupNorm(call.g, call.value(0), call.shape(0)[1], call.value(1), call.value(2), call.real('epsilon', 1e-5)),
  GroupNormalization: (call) => {
    const groups = call.int('num_groups', 0);
    return groupNorm(call.g, call.value(0), groups, channels(call, 1), channels(call, 2), call.real('epsilon', 1e-5));
  },
  'com.microsoft.SkipLayerNormalization': (call) => {
    const sum = skipped(call, 4);
    return fused(layerNorm(call.g, sum, -1, call.value(2), optional(call, 3), call.real('epsilon', 1e-12)), sum);
  },
  'com.microsoft.SkipSimplifiedLayerNormalization': (call) => {
    const sum = skipped(call, 3);
    return fused(rmsNorm(call.g, sum, call.value(2), call.real('epsilon', 1e-12)), sum);
  },
});

function rootMeanSquare(call: Call): Value {
  const x = call.value(0);
  if (call.axis(call.int('axis', -1), x.shape.length) !== x.shape.length - 1) {
    call.refuse('normalises over several axes');
  }
  return rmsNorm(call.g, x, call.value(1), call.real('epsilon', 1e-5));
}

function optional(call: Call, position: number): Value | undefined {
  return call.has(position) ? call.value(position) : undefined;
}

/** One number a channel; before opset 21 it is one a group, each repeated for the group's channels. */
function channels(call: Call, position: number): Value {
  const parameter = call.value(position);
  const [, count] = call.shape(0);
  if (parameter.shape[0] === count) return parameter;
  const [groups] = parameter.shape;
  const zeros = call.g.constant(new Float32Array(count), [groups, count / groups]);
  return reshape(call.g, add(call.g, reshape(call.g, parameter, [groups, 1]), zeros), [count]);
}

/** The input, the skipped connection and, where there is one, the bias. */
function skipped(call: Call, bias: number): Value {
  const sum = add(call.g, call.value(0), call.value(1));
  return call.has(bias) ? add(call.g, sum, call.value(bias)) : sum;
}

/** The fused operators have the sum as fourth output; the second and third (mean, deviation) are not computed. */
function fused(normal: Value, sum: Value): (Result | undefined)[] {
  return [normal, undefined, undefined, sum];
}
