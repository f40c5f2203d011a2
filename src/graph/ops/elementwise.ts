/**
 * Arithmetic, exponential and logarithm, and ReLU. ReLU's gradient at 0 is 0, as everywhere in the field; the step
 * function that it needs is an operator of its own (`Positive`), whose gradient is zero.
 */
import type { GraphBuilder, Operator, Value } from '../graph.js';
import { binaryOperator } from './binary.js';
import { unstretched } from './broadcast.js';
import { unaryOperator } from './unary.js';

const ADD = binaryOperator({
  name: 'Add',
  compute: (x, y) => x + y,
  tfjs: (tf, x, y) => tf.add(x, y),
  gradient: (_g, _a, _b, dy) => [dy, dy],
});
const SUB = binaryOperator({
  name: 'Sub',
  compute: (x, y) => x - y,
  tfjs: (tf, x, y) => tf.sub(x, y),
  gradient: (g, _a, _b, dy) => [dy, negate(g, dy)],
});
const MUL = binaryOperator({
  name: 'Mul',
  compute: (x, y) => x * y,
  tfjs: (tf, x, y) => tf.mul(x, y),
  gradient: (g, a, b, dy) => [times(g, dy, b), times(g, dy, a)],
});
const DIV = binaryOperator({
  name: 'Div',
  compute: (x, y) => x / y,
  tfjs: (tf, x, y) => tf.div(x, y),
  gradient: (g, _a, b, dy, y) => {
    const da = divide(g, dy, b);
    return [da, negate(g, multiply(g, da, y))];
  },
});

const NEG = unaryOperator({
  name: 'Neg',
  compute: (x) => -x,
  tfjs: (tf, x) => tf.neg(x),
  gradient: (g, _x, _y, dy) => negate(g, dy),
});
const EXP = unaryOperator({
  name: 'Exp',
  compute: Math.exp,
  tfjs: (tf, x) => tf.exp(x),
  gradient: (g, _x, y, dy) => times(g, dy, y),
});
const LOG = unaryOperator({
  name: 'Log',
  compute: Math.log,
  tfjs: (tf, x) => tf.log(x),
  gradient: (g, x, _y, dy) => divide(g, unstretched(dy, x), x),
});
const RELU = unaryOperator({
  name: 'Relu',
  compute: (x) => Math.max(x, 0),
  tfjs: (tf, x) => tf.relu(x),
  gradient: (g, x, _y, dy) => times(g, dy, g.apply(POSITIVE, [x])),
});
const POSITIVE: Operator = unaryOperator({
  name: 'Positive',
  compute: (x) => (x > 0 ? 1 : 0),
  tfjs: (tf, x) => tf.step(x),
  gradient: () => undefined,
  lower: (sink, [x]) => void sink.emit('Cast', [sink.emit('Greater', [x, sink.scalar(0)])], { to: sink.element }),
});

/** dy·x in a gradient rule. */
const times = (g: GraphBuilder, dy: Value, x: Value): Value => multiply(g, unstretched(dy, x), x);

export const add = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(ADD, [a, b]);
export const subtract = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(SUB, [a, b]);
export const multiply = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(MUL, [a, b]);
export const divide = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(DIV, [a, b]);
export const negate = (g: GraphBuilder, x: Value): Value => g.apply(NEG, [x]);
export const exp = (g: GraphBuilder, x: Value): Value => g.apply(EXP, [x]);
export const log = (g: GraphBuilder, x: Value): Value => g.apply(LOG, [x]);
export const relu = (g: GraphBuilder, x: Value): Value => g.apply(RELU, [x]);
