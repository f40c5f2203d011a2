/**
 * Convolutions and pooling. Padding may be given or left to `auto_pad`; the latter is worked out here, since every extent
 * is known.
 * The trap: ceil_mode lets a last window hang over the edge. That is padding at the end, which the mean must not count.
 */
import type { Value } from '../../graph.js';
import { conv } from '../../ops/conv.js';
import { convTranspose } from '../../ops/convTranspose.js';
import { add } from '../../ops/elementwise.js';
import { averagePool, globalAveragePool, maxPool } from '../../ops/pool.js';
import { reduceMax } from '../../ops/reduce.js';
import { reshape } from '../../ops/shape.js';
import type { Call } from '../call.js';
import { type Rules, rules } from '../rule.js';
import { activated } from './activated.js';

interface Windows {
  readonly kernel: number[];
  readonly strides: number[];
  readonly pads: number[];
  readonly dilations: number[];
}

export const convolutionRules: Rules = rules({
  Conv: (call) => convolution(call),
  'com.microsoft.FusedConv': (call) => {
    const y = convolution(call);
    return activated(call, call.has(3) ? add(call.g, y, call.value(3)) : y);
  },
  ConvTranspose: (call) => {
    if (call.ints('output_shape')) call.refuse('asks for an output shape; give it pads instead');
    const w = call.value(1);
    const { strides, pads, dilations } = windows(call, w.shape.slice(2));
    const groups = call.int('group', 1);
    const outputPadding = call.ints('output_padding');
    return biased(call, convTranspose(call.g, call.value(0), w, { strides, pads, dilations, groups, outputPadding }));
  },
  MaxPool: (call) => {
    if (call.int('storage_order', 0) !== 0) call.refuse('stores columns first');
    const { kernel, ...options } = poolWindows(call);
    return maxPool(call.g, call.value(0), kernel, options);
  },
  AveragePool: (call) => {
    const { kernel, ...options } = poolWindows(call);
    const included = call.int('count_include_pad', 0) !== 0;
    if (included && call.int('ceil_mode', 0) !== 0)
      call.refuse('counts padding and rounds up, which engines disagree on');
    return averagePool(call.g, call.value(0), kernel, {
      ...options,
      countIncludePad: included ? 'included' : 'excluded',
    });
  },
  GlobalAveragePool: (call) => globalAveragePool(call.g, call.value(0)),
  GlobalMaxPool: (call) => reduceMax(call.g, call.value(0), [...call.shape(0).keys()].slice(2)),
});

function convolution(call: Call): Value {
  const w = call.value(1);
  const { strides, pads, dilations } = windows(call, w.shape.slice(2));
  return biased(call, conv(call.g, call.value(0), w, { strides, pads, dilations, groups: call.int('group', 1) }));
}

function biased(call: Call, y: Value): Value {
  if (!call.has(2)) return y;
  const bias = call.value(2);
  return add(call.g, y, reshape(call.g, bias, [...bias.shape, ...y.shape.slice(2).map(() => 1)]));
}

function windows(call: Call, kernel: readonly number[]): Windows {
  const rank = kernel.length;
  const strides = call.ints('strides') ?? new Array<number>(rank).fill(1);
  const dilations = call.ints('dilations') ?? new Array<number>(rank).fill(1);
  const pads = call.ints('pads') ?? new Array<number>(2 * rank).fill(0);
  const auto = call.text('auto_pad', 'NOTSET');
  if (auto === 'NOTSET' || auto === 'VALID') return { kernel: [...kernel], strides, dilations, pads };
  if ((auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') || call.node.type === 'ConvTranspose') {
    call.refuse(`pads by "${auto}"`);
  }
  const totals = kernel.map((taps, i) => {
    const extent = call.shape(0)[i + 2];
    const positions = Math.ceil(extent / strides[i]);
    return Math.max(0, (positions - 1) * strides[i] + dilations[i] * (taps - 1) + 1 - extent);
  });
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total, i) => total - less[i]);
  return {
    kernel: [...kernel],
    strides,
    dilations,
    pads: auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less],
  };
}

function poolWindows(call: Call): Windows {
  const kernel = call.ints('kernel_shape') ?? call.refuse('has no kernel_shape');
  const given = windows(call, kernel);
  if (call.int('ceil_mode', 0) === 0) return given;
  const pads = [...given.pads];
  for (const [i, taps] of kernel.entries()) {
    const extent = call.shape(0)[i + 2];
    const room = extent + pads[i] + pads[i + kernel.length] - given.dilations[i] * (taps - 1) - 1;
    const last = Math.ceil(room / given.strides[i]) * given.strides[i];
    // a window that would begin in the padding at the end is left out
    if (last > room && last < extent + pads[i]) pads[i + kernel.length] += last - room;
  }
  return { ...given, pads };
}
