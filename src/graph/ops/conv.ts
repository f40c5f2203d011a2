/**
 * Convolution as the field means it (a correlation): y[n, o, p] = Σ_{c, k} x[n, c, p·stride + k·dilation − pad] w[o, c, k].
 * The form Σ y·(x ∗ w) is linear in each of x, w and y: its three partial gradients are `conv`, `convTranspose` and
 * `convFilters`, and each one's gradients are the other two, so derivatives of any order stay among them.
 * The trap: ONNX Runtime's convolutions are float32 only and not all right on WebGPU; see convLowering.ts.
 */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Operator, sameShape, sizeOf, type Value } from '../graph.js';
import { convFilters } from './convFilters.js';
import { batchSamples, eachProduct } from './convForm.js';
import { emitConv } from './convLowering.js';
import { transposeTo } from './convTranspose.js';
import { filterFactors } from './filterFactors.js';
import { convolve } from './patches.js';
import { tfjsCalls } from './tensorCalls.js';
import { positionsOf, type Window, type WindowOptions, windowAttributes, windowFrom, windowOf } from './window.js';

export interface ConvOptions extends WindowOptions {
  /** Input and output channels fall into that many groups that do not see each other; 1 unless told. */
  readonly groups?: number;
}

const CONV: Operator = {
  name: 'Conv',
  shape: ([x, w], attributes) => {
    const groups = Number(attributes.groups);
    if (x.length !== w.length || x[1] !== w[1] * groups || w[0] % groups !== 0) {
      throw new MeedError(
        `Filters [${w}] in ${groups} groups do not fit [${x}]`,
        'Give x [n, C, ...spatial] and w [O, C / groups, ...kernel], with O a multiple of the groups',
      );
    }
    return [x[0], w[0], ...positionsOf(x.slice(2), windowFrom(attributes))];
  },
  lower: (sink, [x, w], { inputs, attributes }) => {
    const [xs, ws] = inputs.map(({ shape }) => shape);
    emitConv(sink, { name: x, shape: xs }, { name: w, shape: ws }, windowFrom(attributes), Number(attributes.groups));
  },
  interpret: ([x, w], { attributes, output }) => {
    const y = new Float64Array(sizeOf(output.shape));
    eachProduct(x.shape, w.shape, attributes, (yi, xi, wi) => {
      y[yi] += x.data[xi] * w.data[wi];
    });
    return y;
  },
  tfjs: (tf, [x, w], { attributes }) =>
    convolve(tfjsCalls(tf), x, w, windowFrom(attributes), Number(attributes.groups)),
  samples: batchSamples,
  factors: (context, { inputs: [x], attributes }, position, dy) =>
    position === 1 ? filterFactors(context, [x, x], dy, windowFrom(attributes), Number(attributes.groups)) : undefined,
  gradient: (builder, { inputs: [x, w], attributes }, dy) => {
    const window = windowFrom(attributes);
    const groups = Number(attributes.groups);
    return [transposeTo(builder, dy, w, x.shape.slice(2), window, groups), convFilters(builder, x, dy, window, groups)];
  },
};

/**
 * @param x [n, C, L] or [n, C, H, W]
 * @param w [O, C / groups, ...kernel]
 * @returns [n, O, ...positions]
 * @throws MeedError when shapes or options do not fit
 */
export function conv(builder: GraphBuilder, x: Value, w: Value, options: ConvOptions = {}): Value {
  const window = windowOf(w.shape.slice(2), options);
  return convWith(builder, x, w, window, groupsOf(options));
}

/** The same with every option told. */
export function convWith(builder: GraphBuilder, x: Value, w: Value, window: Window, groups: number): Value {
  if (!sameShape(w.shape.slice(2), window.kernel)) throw new Error(`the kernel of [${w.shape}] is [${window.kernel}]`);
  return builder.apply(CONV, [x, w], { ...windowAttributes(window), groups });
}

export function groupsOf({ groups = 1 }: ConvOptions): number {
  if (!Number.isInteger(groups) || groups < 1) {
    throw new MeedError(`A convolution was given ${groups} groups`, 'Give a whole number of at least 1');
  }
  return groups;
}
