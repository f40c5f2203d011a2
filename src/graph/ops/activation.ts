/**
 * Activations made of other operators, each in the form that needs the fewest passes over the data:
 * ½(1 + tanh u) = σ(2u), so the tanh form of GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415) is x·σ(2u).
 */
import type { GraphBuilder, Value } from '../graph.js';
import { greater } from './compare.js';
import { add, exp, multiply, subtract } from './elementwise.js';
import { clip } from './extremum.js';
import { scalar } from './sharedConstant.js';
import { erf, sigmoid } from './transcendental.js';
import { unaryOperator } from './unary.js';
import { where } from './where.js';

const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715 * LINEAR;

/** LINEAR·x + CUBIC·x³; an operator because its derivative by the rules of its parts takes twice the passes. */
const GELU_ARGUMENT = unaryOperator({
  name: 'GeluArgument',
  compute: (x) => x * (LINEAR + CUBIC * x * x),
  tfjs: (tf, x) => tf.mul(x, tf.add(tf.mul(tf.square(x), CUBIC), LINEAR)),
  lower: (sink, [x]) => {
    const curved = sink.emit('Mul', [sink.emit('Mul', [x, x]), sink.scalar(CUBIC)]);
    sink.emit('Mul', [x, sink.emit('Add', [curved, sink.scalar(LINEAR)])]);
  },
  gradient: (g, x, _y, dy) =>
    multiply(g, dy, add(g, multiply(g, multiply(g, x, x), scalar(g, 3 * CUBIC)), scalar(g, LINEAR))),
});

/** x·Φ(x), Φ the standard normal distribution: exactly, or by the approximation through tanh. */
export function gelu(g: GraphBuilder, x: Value, form: 'exact' | 'tanh'): Value {
  if (form === 'exact') {
    const half = scalar(g, 0.5);
    const cdf = add(g, multiply(g, erf(g, multiply(g, x, scalar(g, Math.SQRT1_2))), half), half);
    return multiply(g, x, cdf);
  }
  return multiply(g, x, sigmoid(g, g.apply(GELU_ARGUMENT, [x])));
}

/** x·σ(x). */
export function silu(g: GraphBuilder, x: Value): Value {
  return multiply(g, x, sigmoid(g, x));
}

/** x above 0, slope·x below. */
export function leakyRelu(g: GraphBuilder, x: Value, slope: number): Value {
  return where(g, greater(g, x, scalar(g, 0)), x, multiply(g, x, scalar(g, slope)));
}

/** x above 0, alpha·(eˣ − 1) below. */
export function elu(g: GraphBuilder, x: Value, alpha = 1): Value {
  const below = subtract(g, exp(g, clip(g, x, undefined, 0)), scalar(g, 1));
  return where(g, greater(g, x, scalar(g, 0)), x, multiply(g, below, scalar(g, alpha)));
}

/** slope·x + offset within [0, 1]. The defaults are PyTorch's; ONNX's own default slope is 0.2. */
export function hardSigmoid(g: GraphBuilder, x: Value, slope = 1 / 6, offset = 0.5): Value {
  return clip(g, add(g, multiply(g, x, scalar(g, slope)), scalar(g, offset)), 0, 1);
}

/** x·hardSigmoid(x), with slope 1/6. */
export function hardSwish(g: GraphBuilder, x: Value): Value {
  return multiply(g, x, hardSigmoid(g, x));
}
