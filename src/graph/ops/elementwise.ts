/**
 * Elementwise operators, unary and broadcasting binary. ReLU's gradient at 0 is 0, as everywhere in the field; the step
 * function that it needs is an operator of its own (`Positive`), whose gradient is zero.
 */
import type { GraphBuilder, Operator, Value } from '../graph.js';
import { broadcastIndex, broadcastShape, unbroadcast } from './broadcast.js';

type BinaryGradient = (builder: GraphBuilder, a: Value, b: Value, dy: Value) => readonly [Value, Value];

function binary(name: string, compute: (x: number, y: number) => number, gradient: BinaryGradient): Operator {
  return {
    name,
    shape: ([a, b]) => broadcastShape(a, b),
    lower: (sink, inputs) => void sink.emit(name, inputs),
    interpret: ([a, b], { output }) => {
      const ai = broadcastIndex(a.shape, output.shape);
      const bi = broadcastIndex(b.shape, output.shape);
      return Float64Array.from(ai, (i, position) => compute(a.data[i], b.data[bi[position]]));
    },
    gradient: (builder, { inputs: [a, b] }, dy) => {
      const [da, db] = gradient(builder, a, b, dy);
      return [unbroadcast(builder, da, a.shape), unbroadcast(builder, db, b.shape)];
    },
  };
}

type UnaryGradient = (builder: GraphBuilder, x: Value, y: Value, dy: Value) => Value | undefined;

function unary(name: string, compute: (x: number) => number, gradient: UnaryGradient): Operator {
  return {
    name,
    shape: ([x]) => x,
    lower: (sink, inputs) => void sink.emit(name, inputs),
    interpret: ([x]) => x.data.map(compute),
    gradient: (builder, node, dy) => [gradient(builder, node.inputs[0], node.output, dy)],
  };
}

const ADD = binary(
  'Add',
  (x, y) => x + y,
  (_, _a, _b, dy) => [dy, dy],
);
const SUB = binary(
  'Sub',
  (x, y) => x - y,
  (g, _a, _b, dy) => [dy, negate(g, dy)],
);
const MUL = binary(
  'Mul',
  (x, y) => x * y,
  (g, a, b, dy) => [multiply(g, dy, b), multiply(g, dy, a)],
);
const DIV = binary(
  'Div',
  (x, y) => x / y,
  (g, a, b, dy) => {
    const da = divide(g, dy, b);
    return [da, negate(g, divide(g, multiply(g, da, a), b))];
  },
);

const NEG = unary(
  'Neg',
  (x) => -x,
  (g, _x, _y, dy) => negate(g, dy),
);
const EXP = unary('Exp', Math.exp, (g, _x, y, dy) => multiply(g, dy, y));
const LOG = unary('Log', Math.log, (g, x, _y, dy) => divide(g, dy, x));
const RELU = unary(
  'Relu',
  (x) => Math.max(x, 0),
  (g, x, _y, dy) => multiply(g, dy, g.apply(POSITIVE, [x])),
);
const POSITIVE: Operator = {
  ...unary(
    'Positive',
    (x) => (x > 0 ? 1 : 0),
    () => undefined,
  ),
  lower: (sink, [x]) => void sink.emit('Cast', [sink.emit('Greater', [x, sink.scalar(0)])], { to: 1 }),
};

export const add = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(ADD, [a, b]);
export const subtract = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(SUB, [a, b]);
export const multiply = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(MUL, [a, b]);
export const divide = (g: GraphBuilder, a: Value, b: Value): Value => g.apply(DIV, [a, b]);
export const negate = (g: GraphBuilder, x: Value): Value => g.apply(NEG, [x]);
export const exp = (g: GraphBuilder, x: Value): Value => g.apply(EXP, [x]);
export const log = (g: GraphBuilder, x: Value): Value => g.apply(LOG, [x]);
export const relu = (g: GraphBuilder, x: Value): Value => g.apply(RELU, [x]);
