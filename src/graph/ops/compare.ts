/**
 * Comparisons and logic. A truth value is a number, 0 or 1; inside ONNX it is a BOOL, cast on the way in and out, where
 * every number but 0 is true. Nothing here has a derivative other than zero.
 */
import type { GraphBuilder, OnnxSink, Operator, Value } from '../graph.js';
import type { Tfjs, TfTensor } from '../tfjs.js';
import { binaryOperator } from './binary.js';
import { unaryOperator } from './unary.js';

const BOOL = 9;

const truth = (holds: boolean): number => (holds ? 1 : 0);

function comparison(
  name: string,
  holds: (x: number, y: number) => boolean,
  tfjs: (tf: Tfjs, x: TfTensor, y: TfTensor) => TfTensor,
): Operator {
  return binaryOperator({
    name,
    compute: (x, y) => truth(holds(x, y)),
    tfjs: (tf, x, y) => tf.cast(tfjs(tf, x, y), 'float32'),
    lower: (sink, inputs) => void sink.emit('Cast', [sink.emit(name, inputs)], { to: sink.element }),
    gradient: () => [undefined, undefined],
  });
}

const both = (sink: OnnxSink, a: string, b: string): string => sink.emit('And', [a, b]);
const neither = (sink: OnnxSink, a: string, b: string): string =>
  both(sink, sink.emit('Not', [a]), sink.emit('Not', [b]));

/** Of the connectives WebGPU has And and Not. */
function connective(
  name: string,
  holds: (x: boolean, y: boolean) => boolean,
  tfjs: (tf: Tfjs, x: TfTensor, y: TfTensor) => TfTensor,
  onWebgpu: (sink: OnnxSink, a: string, b: string) => string,
): Operator {
  return binaryOperator({
    name,
    compute: (x, y) => truth(holds(x !== 0, y !== 0)),
    tfjs: (tf, x, y) => tf.cast(tfjs(tf, tf.cast(x, 'bool'), tf.cast(y, 'bool')), 'float32'),
    lower: (sink, inputs) => {
      const [a, b] = inputs.map((input) => sink.emit('Cast', [input], { to: BOOL }));
      const joined = sink.provider === 'webgpu' ? onWebgpu(sink, a, b) : sink.emit(name, [a, b]);
      sink.emit('Cast', [joined], { to: sink.element });
    },
    gradient: () => [undefined, undefined],
  });
}

const EQUAL = comparison(
  'Equal',
  (x, y) => x === y,
  (tf, x, y) => tf.equal(x, y),
);
const LESS = comparison(
  'Less',
  (x, y) => x < y,
  (tf, x, y) => tf.less(x, y),
);
const LESS_OR_EQUAL = comparison(
  'LessOrEqual',
  (x, y) => x <= y,
  (tf, x, y) => tf.lessEqual(x, y),
);
const GREATER = comparison(
  'Greater',
  (x, y) => x > y,
  (tf, x, y) => tf.greater(x, y),
);
const GREATER_OR_EQUAL = comparison(
  'GreaterOrEqual',
  (x, y) => x >= y,
  (tf, x, y) => tf.greaterEqual(x, y),
);
const AND = connective(
  'And',
  (x, y) => x && y,
  (tf, x, y) => tf.logicalAnd(x, y),
  both,
);
const OR = connective(
  'Or',
  (x, y) => x || y,
  (tf, x, y) => tf.logicalOr(x, y),
  (sink, a, b) => sink.emit('Not', [neither(sink, a, b)]),
);
const XOR = connective(
  'Xor',
  (x, y) => x !== y,
  (tf, x, y) => tf.logicalXor(x, y),
  (sink, a, b) => neither(sink, both(sink, a, b), neither(sink, a, b)),
);
const NOT = unaryOperator({
  name: 'Not',
  compute: (x) => truth(x === 0),
  tfjs: (tf, x) => tf.cast(tf.equal(x, 0), 'float32'),
  lower: (sink, [x]) => {
    const not = sink.emit('Not', [sink.emit('Cast', [x], { to: BOOL })]);
    sink.emit('Cast', [not], { to: sink.element });
  },
  gradient: () => undefined,
});

export const equal = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(EQUAL, [a, b]);
export const less = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(LESS, [a, b]);
export const lessOrEqual = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(LESS_OR_EQUAL, [a, b]);
export const greater = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(GREATER, [a, b]);
export const greaterOrEqual = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(GREATER_OR_EQUAL, [a, b]);
export const and = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(AND, [a, b]);
export const or = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(OR, [a, b]);
export const xor = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(XOR, [a, b]);
export const not = (g: GraphBuilder, x: Value): Value => g.apply(NOT, [x]);
