/**
 * Convolutions and pooling. Padding may be given or left to `auto_pad`; the latter is worked out here, since every extent
 * is known.
 * The trap: ceil_mode lets a last window hang over the edge. That is padding at the end, which the mean must not count.
 */
import { sizeOf, type Value } from '../../graph.js';
import { averagePool, globalAveragePool } from '../../ops/averagePool.js';
import { conv } from '../../ops/conv.js';
import { convTranspose } from '../../ops/convTranspose.js';
import { add } from '../../ops/elementwise.js';
import { MOST_PLACES, maximumPlaces } from '../../ops/maximumPlaces.js';
import { maxPool } from '../../ops/maxPool.js';
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
    const w = call.value(1);
    const { strides, pads, dilations, outputPadding } = transposedWindows(call, w.shape.slice(2));
    const groups = call.int('group', 1);
    return biased(call, convTranspose(call.g, call.value(0), w, { strides, pads, dilations, groups, outputPadding }));
  },
  MaxPool: (call) => {
    if (call.int('storage_order', 0) !== 0) call.refuse('stores columns first');
    const { kernel, ...options } = poolWindows(call);
    const x = call.value(0);
    const y = maxPool(call.g, x, kernel, options);
    if (!call.node.outputs[1]) return y;
    if (sizeOf(x.shape) >= MOST_PLACES)
      call.refuse(`counts places among the ${sizeOf(x.shape)} entries of [${x.shape}]`);
    const places = maximumPlaces(call.g, x, kernel, options);
    return [y, { kind: 'traced', element: 'int', shape: places.shape, value: places }];
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
  const auto = autoPad(call);
  if (auto === 'NOTSET') return { kernel: [...kernel], strides, dilations, pads };
  if (auto === 'VALID') return { kernel: [...kernel], strides, dilations, pads: pads.map(() => 0) };
  const totals = kernel.map((taps, i) => {
    const extent = call.shape(0)[i + 2];
    const positions = Math.ceil(extent / strides[i]);
    return Math.max(0, (positions - 1) * strides[i] + dilations[i] * (taps - 1) + 1 - extent);
  });
  return { kernel: [...kernel], strides, dilations, pads: halved(totals, auto === 'SAME_UPPER' ? 'end' : 'begin') };
}

/** Of a transposed convolution padding cuts the output: to given extents, or to those of the input times the strides. */
function transposedWindows(call: Call, kernel: readonly number[]): Windows & { readonly outputPadding: number[] } {
  const rank = kernel.length;
  const outputPadding = call.ints('output_padding') ?? new Array<number>(rank).fill(0);
  const auto = autoPad(call);
  const wanted = call.ints('output_shape');
  if (!wanted && !auto.startsWith('SAME')) return { ...windows(call, kernel), outputPadding };
  const strides = call.ints('strides') ?? new Array<number>(rank).fill(1);
  const dilations = call.ints('dilations') ?? new Array<number>(rank).fill(1);
  const totals = kernel.map((taps, i) => {
    const extent = call.shape(0)[i + 2];
    const full = (extent - 1) * strides[i] + dilations[i] * (taps - 1) + 1 + outputPadding[i];
    return full - (wanted?.at(i - rank) ?? extent * strides[i]);
  });
  return {
    kernel: [...kernel],
    strides,
    dilations,
    pads: halved(
      totals.map((total) => Math.max(0, total)),
      auto === 'SAME_UPPER' ? 'end' : 'begin',
    ),
    outputPadding: outputPadding.map((more, i) => more + (wanted ? Math.max(0, -totals[i]) : 0)),
  };
}

function autoPad(call: Call): 'NOTSET' | 'VALID' | 'SAME_UPPER' | 'SAME_LOWER' {
  const auto = call.text('auto_pad', 'NOTSET');
  if (auto === 'NOTSET' || auto === 'VALID' || auto === 'SAME_UPPER' || auto === 'SAME_LOWER') return auto;
  return call.refuse(`pads by "${auto}"`);
}

/** All beginnings, then all ends; of an odd total one side gets more. */
function halved(totals: readonly number[], more: 'begin' | 'end'): number[] {
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total, i) => total - small[i]);
  return more === 'end' ? [...small, ...large] : [...large, ...small];
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
