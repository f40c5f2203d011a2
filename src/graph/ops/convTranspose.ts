/**
 * The adjoint of a convolution in its input: what a convolution gathers, this scatters ("deconvolution", "fractionally
 * strided convolution"). It is the gradient of `conv` and an operator of decoders in its own right.
 * The trap: several input extents give the same number of positions when the stride is above 1, so the wanted extents are
 * part of the node; ONNX tells them by `output_padding`.
 */
import { MeedError } from '../../foundation/index.js';
import {
  type GraphBuilder,
  type OnnxSink,
  type Operator,
  type Shape,
  sameShape,
  sizeOf,
  type Value,
} from '../graph.js';
import { type ConvOptions, convWith, groupsOf } from './conv.js';
import { convFilters } from './convFilters.js';
import { batchSamples, eachProduct, FLOAT32 } from './convForm.js';
import { emitConv, emitConvTranspose, leastExtents } from './convLowering.js';
import { filterFactors } from './filterFactors.js';
import { convolveTransposed } from './patches.js';
import { type Named, onnxCalls, tfjsCalls } from './tensorCalls.js';
import { positionsOf, type Window, windowAttributes, windowFrom, windowOf } from './window.js';

export interface ConvTransposeOptions extends ConvOptions {
  /** Entries more at the end of each spatial axis, fewer than its stride; 0 unless told. */
  readonly outputPadding?: readonly number[];
}

const CONV_TRANSPOSE: Operator = {
  name: 'ConvTranspose',
  shape: ([y, w], attributes) => {
    const groups = Number(attributes.groups);
    const extents = attributes.extents as Shape;
    if (y.length !== w.length || y[1] !== w[0] || w[0] % groups !== 0) {
      throw new MeedError(
        `Filters [${w}] in ${groups} groups do not fit [${y}]`,
        'Give y [n, C, ...spatial] and w [C, O / groups, ...kernel], with C a multiple of the groups',
      );
    }
    if (!sameShape(positionsOf(extents, windowFrom(attributes)), y.slice(2))) {
      throw new MeedError(
        `A convolution of [${extents}] does not have the positions [${y.slice(2)}]`,
        'Pad the output by less than the stride',
      );
    }
    return [y[0], w[1] * groups, ...extents];
  },
  lower: (sink, [ys, ws], { inputs, attributes }) => {
    const window = windowFrom(attributes);
    const groups = Number(attributes.groups);
    const y = { name: ys, shape: inputs[0].shape };
    const w = { name: ws, shape: inputs[1].shape };
    if (sink.element === FLOAT32 && isFlippable(window)) lowerFlipped(sink, y, w, window, groups);
    else emitConvTranspose(sink, y, w, { extents: attributes.extents as Shape, window, groups });
  },
  interpret: ([y, w], { attributes, output }) => {
    const x = new Float64Array(sizeOf(output.shape));
    eachProduct(output.shape, w.shape, attributes, (yi, xi, wi) => {
      x[xi] += y.data[yi] * w.data[wi];
    });
    return x;
  },
  tfjs: (tf, [y, w], { attributes }) =>
    convolveTransposed(
      tfjsCalls(tf),
      [y, w],
      attributes.extents as Shape,
      windowFrom(attributes),
      Number(attributes.groups),
    ),
  samples: batchSamples,
  factors: (context, { inputs: [y], attributes }, position, dx) =>
    position === 1 ? filterFactors(context, [y, dx], y, windowFrom(attributes), Number(attributes.groups)) : undefined,
  gradient: (builder, { inputs: [y, w], attributes }, dx) => {
    const window = windowFrom(attributes);
    const groups = Number(attributes.groups);
    return [convWith(builder, dx, w, window, groups), convFilters(builder, dx, y, window, groups)];
  },
};

/** Whether it is a convolution too: without a stride, and with padding that does not reach beyond the kernel. */
function isFlippable({ kernel, strides, pads, dilations }: Window): boolean {
  const reach = (i: number): number => dilations[i] * (kernel[i] - 1);
  return strides.every((stride) => stride === 1) && pads.every((pad, i) => pad <= reach(i % kernel.length));
}

/** The convolution with the kernel turned round and the channels changed over, which ONNX Runtime computes faster. */
function lowerFlipped(sink: OnnxSink, y: Named, w: Named, window: Window, groups: number): void {
  const [filters, width, ...kernel] = w.shape;
  const axes = kernel.map((_, i) => i + 2);
  const start = kernel.map((extent) => extent - 1);
  const end = kernel.map((extent) => -extent - 1);
  const step = kernel.map(() => -1);
  const turned = sink.emit('Slice', [w.name, ...[start, end, axes, step].map((values) => sink.int64(values))]);
  const calls = onnxCalls(sink);
  const split = calls.reshape({ name: turned, shape: w.shape }, [groups, filters / groups, width, ...kernel]);
  const changed = calls.transpose(split, [0, 2, 1, ...axes.map((axis) => axis + 1)]);
  const flipped = calls.reshape(changed, [groups * width, filters / groups, ...kernel]);
  const pads = window.pads.map((pad, i) => {
    const axis = i % kernel.length;
    return window.dilations[axis] * (kernel[axis] - 1) - pad;
  });
  emitConv(sink, y, flipped, { ...window, pads }, groups);
}

/** The gradient of a convolution's input: y's gradient [n, O, ...positions] → [n, C, ...extents]. */
export function transposeTo(
  builder: GraphBuilder,
  dy: Value,
  w: Value,
  extents: Shape,
  window: Window,
  groups: number,
): Value {
  return builder.apply(CONV_TRANSPOSE, [dy, w], { ...windowAttributes(window), groups, extents });
}

/**
 * @param x [n, C, L] or [n, C, H, W]
 * @param w [C, O / groups, ...kernel]
 * @returns [n, O, ...]: along each axis (extent − 1)·stride + dilation·(kernel − 1) + 1 − pads + outputPadding
 * @throws MeedError when shapes or options do not fit
 */
export function convTranspose(builder: GraphBuilder, x: Value, w: Value, options: ConvTransposeOptions = {}): Value {
  const window = windowOf(w.shape.slice(2), options);
  const more = options.outputPadding ?? window.strides.map(() => 0);
  const fits = more.length === window.strides.length && more.every((m) => Number.isInteger(m) && m >= 0);
  if (!fits || x.shape.length !== w.shape.length) {
    throw new MeedError(
      `A transposed convolution of [${x.shape}] with [${w.shape}] was given the output padding [${more}]`,
      'Give tensors of one rank, and a whole number of at least 0 for each spatial axis',
    );
  }
  const extents = leastExtents(x.shape.slice(2), window).map((extent, i) => extent + more[i]);
  return transposeTo(builder, x, w, extents, window, groupsOf(options));
}
