/**
 * Reductions over axes: a formula and its gradient make one. The reduced axes keep extent 1, so that the gradient is a
 * plain broadcast. This file stands below broadcasting, which sums what it stretched; it may import no operator.
 */
import { MeedError } from '../../foundation/index.js';
import { type Float64Tensor, type GraphBuilder, type Node, type Operator, stridesOf, type Value } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';

export interface Reduction {
  /** Also the ONNX operator, unless `lower` says otherwise. */
  readonly name: string;
  compute(entries: Float64Array): number;
  tfjs(tf: Tfjs, x: TfTensor, axes: number[]): TfTensor;
  readonly lower?: Operator['lower'];
  gradient(g: GraphBuilder, x: Value, y: Value, dy: Value, axes: readonly number[]): Value;
}

export function reduction(rule: Reduction): Operator {
  return {
    name: rule.name,
    shape: ([input], attributes) => {
      const axes = attributes.axes as readonly number[];
      for (const [i, axis] of axes.entries()) {
        if (!(axis in input)) throw new MeedError(`[${input}] has no axis ${axis}`, 'Name an axis it has');
        if (axes.indexOf(axis) !== i)
          throw new MeedError(`The axes [${axes}] name ${axis} twice`, 'Name each axis once');
      }
      return input.map((extent, i) => (axes.includes(i) ? 1 : extent));
    },
    lower:
      rule.lower ??
      ((sink, [input], node) => void sink.emit(rule.name, [input, sink.int64(axesOf(node))], { keepdims: 1 })),
    interpret: ([input], { output }) => Float64Array.from(grouped(input, output.shape), rule.compute),
    tfjs: (tf, [input], node) => rule.tfjs(tf, input, [...axesOf(node)]),
    gradient: (g, node, dy) => [rule.gradient(g, node.inputs[0], node.output, dy, axesOf(node))],
    samples: samplesUnless(axesOf),
  };
}

export function axesOf({ attributes }: Node): readonly number[] {
  return attributes.axes as readonly number[];
}

/** For each entry of the result, what is reduced to it. */
export function grouped(input: Float64Tensor, shape: readonly number[]): Float64Array[] {
  const size = shape.reduce((a, b) => a * b, 1);
  const each = input.data.length / size;
  const groups = Array.from({ length: size }, () => new Float64Array(each));
  const filled = new Uint32Array(size);
  const from = stridesOf(input.shape);
  const to = stridesOf(shape);
  for (let position = 0; position < input.data.length; position++) {
    let index = 0;
    for (let i = 0; i < from.length; i++) {
      if (shape[i] > 1) index += (Math.floor(position / from[i]) % input.shape[i]) * to[i];
    }
    groups[index][filled[index]++] = input.data[position];
  }
  return groups;
}

export const sum = (entries: Float64Array): number => entries.reduce((total, entry) => total + entry, 0);

/** The operator applied over `axes`; over none it is the identity. */
export function reduce(g: GraphBuilder, operator: Operator, x: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? x : g.apply(operator, [x], { axes });
}
