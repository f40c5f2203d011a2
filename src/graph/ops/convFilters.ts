/**
 * The gradient of a convolution's filters: dw[o, c, k] = Σ_{n, p} dy[n, o, p] x[n, c, p·stride + k·dilation − pad].
 * It is one matrix product of dy with the unfolded x. The two other forms are slower on most shapes or on all
 * (bench/convolution.ts): a product for each sample, then summed, which also needs a gradient of w for each; and, with the
 * samples read as channels, a convolution of x with dy, stride and dilation exchanged.
 */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Operator, sameShape, sizeOf, type Value } from '../graph.js';
import { convWith } from './conv.js';
import { eachProduct } from './convForm.js';
import { transposeTo } from './convTranspose.js';
import { convolveFilters } from './patches.js';
import { onnxCalls, tfjsCalls } from './tensorCalls.js';
import { positionsOf, type Window, windowAttributes, windowFrom } from './window.js';

const CONV_FILTERS: Operator = {
  name: 'ConvFilters',
  shape: ([x, dy], attributes) => {
    const groups = Number(attributes.groups);
    const window = windowFrom(attributes);
    const fits = x.length === dy.length && x[0] === dy[0] && x[1] % groups === 0 && dy[1] % groups === 0;
    if (!fits || !sameShape(positionsOf(x.slice(2), window), dy.slice(2))) {
      throw new MeedError(
        `[${dy}] is not the shape of a convolution of [${x}] in ${groups} groups with a kernel [${window.kernel}]`,
        'Give the gradient the shape of the convolution',
      );
    }
    return [dy[1], x[1] / groups, ...window.kernel];
  },
  lower: (sink, [x, dy], { inputs, attributes }) => {
    const [xs, ys] = inputs.map(({ shape }) => shape);
    const named = [
      { name: x, shape: xs },
      { name: dy, shape: ys },
    ] as const;
    convolveFilters(onnxCalls(sink), named, windowFrom(attributes), Number(attributes.groups));
  },
  interpret: ([x, dy], { attributes, output }) => {
    const dw = new Float64Array(sizeOf(output.shape));
    eachProduct(x.shape, output.shape, attributes, (yi, xi, wi) => {
      dw[wi] += dy.data[yi] * x.data[xi];
    });
    return dw;
  },
  tfjs: (tf, [x, dy], { attributes }) =>
    convolveFilters(tfjsCalls(tf), [x, dy], windowFrom(attributes), Number(attributes.groups)),
  samples: (_node, layouts) => (layouts.every((layout) => layout === 'shared') ? 'shared' : 'mixed'),
  gradient: (builder, { inputs: [x, dy], attributes }, dw) => {
    const window = windowFrom(attributes);
    const groups = Number(attributes.groups);
    return [transposeTo(builder, dy, dw, x.shape.slice(2), window, groups), convWith(builder, x, dw, window, groups)];
  },
};

/** @returns [O, C / groups, ...kernel] of x [n, C, ...spatial] and y's gradient [n, O, ...positions] */
export function convFilters(builder: GraphBuilder, x: Value, dy: Value, window: Window, groups: number): Value {
  return builder.apply(CONV_FILTERS, [x, dy], { ...windowAttributes(window), groups });
}
