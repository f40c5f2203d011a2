/**
 * Normalisations: layer norm (Ba et al. 2016), RMS norm (Zhang and Sennrich 2019), group norm (Wu and He 2018) and batch
 * norm with given statistics. All are made of few operators, so that scale and bias are operands of a plain product and
 * sum, where their per-sample gradients are known. Variances divide by n, not n − 1.
 */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, sizeOf, type Value } from '../graph.js';
import { add, multiply } from './elementwise.js';
import { centre, reduceSumSquare } from './reduce.js';
import { reshape } from './shape.js';
import { scalar } from './sharedConstant.js';
import { reciprocal, sqrt } from './transcendental.js';

/**
 * Zero mean and unit variance over the axes from `firstAxis` on.
 * @param firstAxis −1 is the last axis
 * @param scale and bias broadcast against x; left out they are 1 and 0
 * @throws MeedError when there is no such axis
 */
export function layerNorm(
  g: GraphBuilder,
  x: Value,
  firstAxis: number,
  scale?: Value,
  bias?: Value,
  epsilon = 1e-5,
): Value {
  const from = firstAxis < 0 ? firstAxis + x.shape.length : firstAxis;
  if (!(from in x.shape)) throw new MeedError(`[${x.shape}] has no axis ${firstAxis}`, 'Name an axis it has');
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis >= from);
  return affine(g, byRootMeanSquare(g, centre(g, x, axes), axes, epsilon), scale, bias);
}

/** Unit mean square over the last axis. */
export function rmsNorm(g: GraphBuilder, x: Value, scale?: Value, epsilon = 1e-5): Value {
  return affine(g, byRootMeanSquare(g, x, [x.shape.length - 1], epsilon), scale);
}

/**
 * Zero mean and unit variance over each of `groups` groups of channels and all positions: x [n, C, ..], scale and bias [C].
 * @throws MeedError when the channels do not divide into the groups
 */
export function groupNorm(
  g: GraphBuilder,
  x: Value,
  groups: number,
  scale?: Value,
  bias?: Value,
  epsilon = 1e-5,
): Value {
  const [n, channels] = x.shape;
  if (x.shape.length < 2 || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw new MeedError(`[${x.shape}] has no ${groups} groups of channels`, 'Give [n, C, ..] and a divisor of C');
  }
  const grouped = reshape(g, x, [n, groups, sizeOf(x.shape) / (n * groups)]);
  const normal = reshape(g, layerNorm(g, grouped, 2, undefined, undefined, epsilon), x.shape);
  return affine(g, normal, scale && perChannel(g, x, scale), bias && perChannel(g, x, bias));
}

/** (x − mean)/√(variance + epsilon)·scale + bias with given statistics: x [n, C, ..], the others [C]. */
export function batchNormInference(
  g: GraphBuilder,
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  epsilon = 1e-5,
): Value {
  const inverse = reciprocal(g, sqrt(g, add(g, variance, scalar(g, epsilon))));
  const shift = multiply(g, multiply(g, mean, inverse), scalar(g, -1));
  const normal = affine(g, x, perChannel(g, x, inverse), perChannel(g, x, shift));
  return affine(g, normal, perChannel(g, x, scale), perChannel(g, x, bias));
}

function byRootMeanSquare(g: GraphBuilder, x: Value, axes: readonly number[], epsilon: number): Value {
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
  const meanSquare = multiply(g, reduceSumSquare(g, x, axes), scalar(g, 1 / count));
  return multiply(g, x, reciprocal(g, sqrt(g, add(g, meanSquare, scalar(g, epsilon)))));
}

function affine(g: GraphBuilder, x: Value, scale?: Value, bias?: Value): Value {
  const scaled = scale ? multiply(g, x, scale) : x;
  return bias ? add(g, scaled, bias) : scaled;
}

function perChannel(g: GraphBuilder, x: Value, parameter: Value): Value {
  return reshape(g, parameter, [x.shape[1], ...x.shape.slice(2).map(() => 1)]);
}
