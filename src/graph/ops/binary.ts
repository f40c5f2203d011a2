/**
 * Broadcasting binary operators: a formula and its two partial derivatives make one. As a parameter (a bias, a scale), an
 * operand's per-sample gradient is its partial derivative summed over all it was stretched to, the samples excepted.
 */
import type { FactorContext, FactorTerm } from '../factorTerm.js';
import { sampleMajor } from '../factorTerm.js';
import { type GraphBuilder, type Node, type Operator, sizeOf, type Value } from '../graph.js';
import { alignedSamples, isSampleAxis } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';
import { broadcastIndex, broadcastShape, unbroadcast } from './broadcast.js';
import { reduceSum } from './reduceSum.js';
import { reshape } from './shape.js';

/** Gradients of both operands in the shape of the output, before they are summed back; `undefined` where none flows. */
export type BinaryGradient = (
  builder: GraphBuilder,
  a: Value,
  b: Value,
  dy: Value,
  y: Value,
) => readonly [Value | undefined, Value | undefined];

export interface BinaryRule {
  /** Also the ONNX operator, unless `lower` says otherwise. */
  readonly name: string;
  compute(x: number, y: number): number;
  tfjs(tf: Tfjs, x: TfTensor, y: TfTensor): TfTensor;
  readonly gradient: BinaryGradient;
  readonly lower?: Operator['lower'];
}

export function binaryOperator(rule: BinaryRule): Operator {
  return {
    name: rule.name,
    shape: ([a, b]) => broadcastShape(a, b),
    lower: rule.lower ?? ((sink, inputs) => void sink.emit(rule.name, inputs)),
    interpret: ([a, b], { output }) => {
      const ai = broadcastIndex(a.shape, output.shape);
      const bi = broadcastIndex(b.shape, output.shape);
      return Float64Array.from(ai, (i, position) => rule.compute(a.data[i], b.data[bi[position]]));
    },
    tfjs: (tf, [a, b]) => rule.tfjs(tf, a, b),
    gradient: (builder, { inputs: [a, b], output }, dy) => {
      const [da, db] = rule.gradient(builder, a, b, dy, output);
      return [da && unbroadcast(builder, da, a.shape), db && unbroadcast(builder, db, b.shape)];
    },
    samples: alignedSamples,
    factors: (context, node, position, dy) => {
      const [a, b] = node.inputs;
      const full = rule.gradient(context.builder, a, b, dy, node.output)[position];
      return full && stretchedFactor(context, node, node.inputs[position], full);
    },
  };
}

/**
 * The per-sample gradient of an operand that was broadcast to the output's shape.
 * @param full its gradient in the output's shape
 * @returns `undefined` when the operand itself extends along the samples
 */
export function stretchedFactor(
  context: FactorContext,
  node: Node,
  operand: Value,
  full: Value,
): FactorTerm | undefined {
  const { builder } = context;
  const layout = context.layoutOf(node.output);
  if (!isSampleAxis(layout)) return undefined;
  const extents = full.shape.map((_, i) => operand.shape[i - full.shape.length + operand.shape.length] ?? 1);
  if (extents[layout.axis] !== 1) return undefined;
  const stretched = extents.flatMap((extent, i) =>
    extent === 1 && i !== layout.axis && full.shape[i] !== 1 ? [i] : [],
  );
  const summed = sampleMajor(context, reduceSum(builder, full, stretched), layout);
  return {
    kind: 'direct',
    gradient: reshape(builder, reduceSum(builder, summed, layout.per === 1 ? [] : [1]), [
      context.samples,
      sizeOf(operand.shape),
    ]),
  };
}
