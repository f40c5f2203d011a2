/**
 * Absolute value, sign and rounding. The sign is built of comparisons, because the WebGPU provider has no Sign and would
 * hand it back to the CPU, and so is the rounding there. Halves round to the even neighbour, as IEEE 754 and ONNX do and `Math.round` does not.
 */
import type { GraphBuilder, Value } from '../graph.js';
import { multiply } from './elementwise.js';
import { unaryOperator } from './unary.js';

const ABS = unaryOperator({
  name: 'Abs',
  compute: Math.abs,
  tfjs: (tf, x) => tf.abs(x),
  gradient: (g, x, _y, dy) => multiply(g, dy, sign(g, x)),
});
const SIGN = unaryOperator({
  name: 'Sign',
  compute: (x) => (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0),
  tfjs: (tf, x) => tf.sign(x),
  lower: (sink, [x]) => {
    const zero = sink.scalar(0);
    const [above, below] = ['Greater', 'Less'].map((comparison) =>
      sink.emit('Cast', [sink.emit(comparison, [x, zero])], { to: sink.element }),
    );
    sink.emit('Sub', [above, below]);
  },
  gradient: () => undefined,
});
const FLOOR = unaryOperator({
  name: 'Floor',
  compute: Math.floor,
  tfjs: (tf, x) => tf.floor(x),
  gradient: () => undefined,
});
const CEIL = unaryOperator({
  name: 'Ceil',
  compute: Math.ceil,
  tfjs: (tf, x) => tf.ceil(x),
  gradient: () => undefined,
});
const ROUND = unaryOperator({
  name: 'Round',
  compute: (x) => {
    const near = Math.round(x);
    return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
  },
  tfjs: (tf, x) => tf.round(x),
  lower: (sink, [x]) => {
    if (sink.provider !== 'webgpu') {
      sink.emit('Round', [x]);
      return;
    }
    // WebGPU has no Round; every difference here is exact
    const half = sink.scalar(0.5);
    const below = sink.emit('Floor', [x]);
    const rest = sink.emit('Sub', [x, below]);
    const halved = sink.emit('Mul', [below, half]);
    const isOdd = sink.emit('Greater', [halved, sink.emit('Floor', [halved])]);
    const isHalf = sink.emit('Equal', [rest, half]);
    const [beyond, oddHalf] = [sink.emit('Greater', [rest, half]), sink.emit('And', [isHalf, isOdd])].map((up) =>
      sink.emit('Cast', [up], { to: sink.element }),
    );
    sink.emit('Add', [below, sink.emit('Add', [beyond, oddHalf])]);
  },
  gradient: () => undefined,
});

export const abs = (g: GraphBuilder, x: Value): Value => g.apply(ABS, [x]);
/** −1, 0 or 1. */
export const sign = (g: GraphBuilder, x: Value): Value => g.apply(SIGN, [x]);
export const floor = (g: GraphBuilder, x: Value): Value => g.apply(FLOOR, [x]);
export const ceil = (g: GraphBuilder, x: Value): Value => g.apply(CEIL, [x]);
/** To the nearest whole number, halves to the even one. */
export const round = (g: GraphBuilder, x: Value): Value => g.apply(ROUND, [x]);
