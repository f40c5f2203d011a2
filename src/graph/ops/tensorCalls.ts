/**
 * The few calls in which unfolding is written once, for ONNX and for TensorFlow.js. It is how a convolution runs where
 * the runtime has none: ONNX Runtime's convolutions are float32 only, TensorFlow.js has no dilation with a stride.
 */
import { type OnnxSink, type Shape, sameShape } from '../graph.js';
import type { Tfjs, TfTensor } from '../tfjs.js';

export interface TensorCalls<T> {
  shapeOf(x: T): Shape;
  reshape(x: T, shape: Shape): T;
  transpose(x: T, perm: readonly number[]): T;
  pad(x: T, before: readonly number[], after: readonly number[], value: number): T;
  /** Entries starts + steps·i, i < counts, of each axis; steps are positive. */
  take(x: T, starts: readonly number[], counts: readonly number[], steps: readonly number[]): T;
  concat(xs: readonly T[], axis: number): T;
  sum(xs: readonly T[]): T;
  /** [b, m, k] × [b, k, n]. */
  matmul(a: T, b: T): T;
}

export interface Named {
  readonly name: string;
  readonly shape: Shape;
}

const isZero = (extent: number): boolean => extent === 0;

export function onnxCalls(sink: OnnxSink): TensorCalls<Named> {
  const emit = (
    type: string,
    inputs: readonly string[],
    shape: Shape,
    attributes?: Parameters<OnnxSink['emit']>[2],
  ): Named => ({ name: sink.emit(type, inputs, attributes), shape });
  return {
    shapeOf: ({ shape }) => shape,
    reshape: (x, shape) => (sameShape(x.shape, shape) ? x : emit('Reshape', [x.name, sink.int64(shape)], shape)),
    transpose: (x, perm) =>
      emit(
        'Transpose',
        [x.name],
        perm.map((axis) => x.shape[axis]),
        { perm },
      ),
    pad: (x, before, after, value) => {
      if (before.every(isZero) && after.every(isZero)) return x;
      const shape = x.shape.map((extent, i) => before[i] + extent + after[i]);
      return emit('Pad', [x.name, sink.int64([...before, ...after]), sink.scalar(value)], shape, { mode: 'constant' });
    },
    take: (x, starts, counts, steps) => {
      const axes = [...counts.keys()].filter((i) => counts[i] !== x.shape[i] || steps[i] !== 1);
      if (axes.length === 0) return x;
      const pick = (of: (axis: number) => number): string => sink.int64(axes.map(of));
      const end = (i: number): number => starts[i] + (counts[i] - 1) * steps[i] + 1;
      return emit(
        'Slice',
        [x.name, pick((i) => starts[i]), pick(end), sink.int64(axes), pick((i) => steps[i])],
        counts,
      );
    },
    concat: (xs, axis) =>
      xs.length === 1
        ? xs[0]
        : emit(
            'Concat',
            xs.map(({ name }) => name),
            xs[0].shape.map((extent, i) => (i === axis ? xs.reduce((sum, x) => sum + x.shape[axis], 0) : extent)),
            { axis },
          ),
    sum: (xs) => {
      if (xs.length === 1) return xs[0];
      // WebGPU has no Sum
      if (sink.provider === 'webgpu') return xs.reduce((a, b) => emit('Add', [a.name, b.name], a.shape));
      return emit(
        'Sum',
        xs.map(({ name }) => name),
        xs[0].shape,
      );
    },
    matmul: (a, b) => emit('MatMul', [a.name, b.name], [a.shape[0], a.shape[1], b.shape[2]]),
  };
}

export function tfjsCalls(tf: Tfjs): TensorCalls<TfTensor> {
  return {
    shapeOf: ({ shape }) => shape,
    reshape: (x, shape) => tf.reshape(x, [...shape]),
    transpose: (x, perm) => tf.transpose(x, [...perm]),
    pad: (x, before, after, value) =>
      before.every(isZero) && after.every(isZero)
        ? x
        : tf.pad(
            x,
            before.map((extent, i): [number, number] => [extent, after[i]]),
            value,
          ),
    take: (x, starts, counts, steps) =>
      tf.stridedSlice(
        x,
        [...starts],
        starts.map((start, i) => start + (counts[i] - 1) * steps[i] + 1),
        [...steps],
      ),
    concat: (xs, axis) => tf.concat([...xs], axis),
    sum: (xs) => tf.addN([...xs]),
    matmul: (a, b) => tf.matMul(a, b),
  };
}
