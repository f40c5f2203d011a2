/** Average pooling: sums over unfolded windows, which every device has the operators for, so it needs none of its own. */
import { type GraphBuilder, sizeOf, type Value } from '../graph.js';
import { multiply } from './elementwise.js';
import { reduceSum } from './reduceSum.js';
import { reshape } from './shape.js';
import { cutWindows } from './unfold.js';
import { positionsOf, tapTable, type WindowOptions, windowOf } from './window.js';

export interface AveragePoolOptions extends WindowOptions {
  /** Whether padding counts as zeros or not at all; excluded unless told. */
  readonly countIncludePad?: 'included' | 'excluded';
}

/** The mean of each window; strides are 1 unless told. */
export function averagePool(
  builder: GraphBuilder,
  x: Value,
  kernel: readonly number[],
  options: AveragePoolOptions = {},
): Value {
  const window = windowOf(kernel, options);
  const [n, channels, ...extents] = x.shape;
  const positions = positionsOf(extents, window);
  const sums = reduceSum(builder, cutWindows(builder, x, window), [2]);
  const taps = sizeOf(kernel);
  const table = tapTable(extents, window);
  const shares = Float64Array.from({ length: sizeOf(positions) }, (_, t) => {
    const seen = table.subarray(t * taps, (t + 1) * taps).filter((at) => at >= 0).length;
    return 1 / (options.countIncludePad === 'included' ? taps : Math.max(seen, 1));
  });
  const means = multiply(builder, sums, builder.constant(shares, [shares.length]));
  return reshape(builder, means, [n, channels, ...positions]);
}

/** The mean over all spatial axes, which keep extent 1. */
export function globalAveragePool(builder: GraphBuilder, x: Value): Value {
  const axes = [...x.shape.keys()].slice(2);
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
  return multiply(builder, reduceSum(builder, x, axes), builder.constant([1 / count], []));
}
