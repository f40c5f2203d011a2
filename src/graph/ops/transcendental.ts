/** Roots, powers, and the smooth functions of analysis that activations are made of. */
import type { GraphBuilder, Value } from '../graph.js';
import { binaryOperator } from './binary.js';
import { expand } from './broadcast.js';
import { equal, greater, not } from './compare.js';
import { divide, exp, log, multiply, negate, subtract } from './elementwise.js';
import { scalar } from './sharedConstant.js';
import { unaryOperator } from './unary.js';
import { where } from './where.js';

const SQRT = unaryOperator({
  name: 'Sqrt',
  compute: Math.sqrt,
  tfjs: (tf, x) => tf.sqrt(x),
  gradient: (g, _x, y, dy) => divide(g, multiply(g, dy, scalar(g, 0.5)), y),
});
const RECIPROCAL = unaryOperator({
  name: 'Reciprocal',
  compute: (x) => 1 / x,
  tfjs: (tf, x) => tf.reciprocal(x),
  gradient: (g, _x, y, dy) => negate(g, multiply(g, dy, multiply(g, y, y))),
});
const SIGMOID = unaryOperator({
  name: 'Sigmoid',
  compute: (x) => 1 / (1 + Math.exp(-x)),
  tfjs: (tf, x) => tf.sigmoid(x),
  gradient: (g, _x, y, dy) => multiply(g, dy, subtract(g, y, multiply(g, y, y))),
});
const TANH = unaryOperator({
  name: 'Tanh',
  compute: Math.tanh,
  tfjs: (tf, x) => tf.tanh(x),
  gradient: (g, _x, y, dy) => multiply(g, dy, subtract(g, scalar(g, 1), multiply(g, y, y))),
});
const ERF = unaryOperator({
  name: 'Erf',
  compute: erfOf,
  tfjs: (tf, x) => tf.erf(x),
  gradient: (g, x, _y, dy) => {
    const density = multiply(g, exp(g, negate(g, multiply(g, x, x))), scalar(g, 2 / Math.sqrt(Math.PI)));
    return multiply(g, dy, density);
  },
});
const SOFTPLUS = unaryOperator({
  name: 'Softplus',
  compute: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  tfjs: (tf, x) => tf.softplus(x),
  gradient: (g, x, _y, dy) => multiply(g, dy, sigmoid(g, x)),
});
const SIN = unaryOperator({
  name: 'Sin',
  compute: Math.sin,
  tfjs: (tf, x) => tf.sin(x),
  gradient: (g, x, _y, dy) => multiply(g, dy, cos(g, x)),
});
const COS = unaryOperator({
  name: 'Cos',
  compute: Math.cos,
  tfjs: (tf, x) => tf.cos(x),
  gradient: (g, x, _y, dy) => negate(g, multiply(g, dy, sin(g, x))),
});

/** The exponent's gradient is taken as 0 where the base is not positive; 0 to the power 0 has the slope 0 in the base. */
const POW = binaryOperator({
  name: 'Pow',
  compute: (x, y) => x ** y,
  tfjs: (tf, x, y) => tf.pow(x, y),
  gradient: (g, a, b, dy, y) => {
    const exponent = scalarOf(g, b);
    const lower = exponent === undefined ? subtract(g, b, not(g, equal(g, b, scalar(g, 0)))) : scalar(g, exponent - 1);
    const logarithm = log(g, where(g, greater(g, a, scalar(g, 0)), a, scalar(g, 1)));
    return [multiply(g, multiply(g, dy, b), power(g, a, lower)), multiply(g, multiply(g, dy, y), logarithm)];
  },
});

/** The error function by its series Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!·2e^(−x²)/√π (DLMF 7.6.2), whose terms do not cancel. */
function erfOf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function scalarOf(g: GraphBuilder, value: Value): number | undefined {
  const data = g.constantData(value);
  return data?.length === 1 ? data[0] : undefined;
}

/** a to the power b; a constant small whole or half exponent becomes products and roots. */
export function power(g: GraphBuilder, a: Value, b: Value): Value {
  const exponent = b.shape.length <= a.shape.length ? scalarOf(g, b) : undefined;
  if (exponent === -1) return reciprocal(g, a);
  if (exponent === 0) return expand(g, scalar(g, 1), a.shape);
  if (exponent === 0.5) return sqrt(g, a);
  if (exponent === 1) return a;
  if (exponent === 2) return multiply(g, a, a);
  if (exponent === 3) return multiply(g, multiply(g, a, a), a);
  return g.apply(POW, [a, b]);
}

export const sqrt = (g: GraphBuilder, x: Value): Value => g.apply(SQRT, [x]);
export const reciprocal = (g: GraphBuilder, x: Value): Value => g.apply(RECIPROCAL, [x]);
export const sigmoid = (g: GraphBuilder, x: Value): Value => g.apply(SIGMOID, [x]);
export const tanh = (g: GraphBuilder, x: Value): Value => g.apply(TANH, [x]);
export const erf = (g: GraphBuilder, x: Value): Value => g.apply(ERF, [x]);
export const softplus = (g: GraphBuilder, x: Value): Value => g.apply(SOFTPLUS, [x]);
export const sin = (g: GraphBuilder, x: Value): Value => g.apply(SIN, [x]);
export const cos = (g: GraphBuilder, x: Value): Value => g.apply(COS, [x]);
