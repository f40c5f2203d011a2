/**
 * Where each window's first maximum stands, counted row-major through all of x: what ONNX's MaxPool gives as its second
 * output. A place is linear in sample and channel, in the window's position and in the tap that holds the maximum, so it is
 * the sum of two tables and of a look-up by that tap.
 * The trap: places are numbers of the graph's own type, exact in float32 below 2²⁴ entries.
 */
import { type GraphBuilder, sizeOf, stridesOf, type Value } from '../graph.js';
import { argMax } from './argMax.js';
import { add } from './elementwise.js';
import { gather } from './gather.js';
import { LOWEST } from './maxPool.js';
import { pad } from './pad.js';
import { reshape } from './shape.js';
import { cutWindows } from './unfold.js';
import { positionsOf, type WindowOptions, windowOf } from './window.js';

/** Entries of the largest x whose places float32 tells apart. */
export const MOST_PLACES = 2 ** 24;

/**
 * @param x [n, C, ...spatial], finite, fewer than MOST_PLACES entries
 * @returns [n, C, ...positions], of `maxPool` with the same kernel and options
 */
export function maximumPlaces(
  g: GraphBuilder,
  x: Value,
  kernel: readonly number[],
  options: WindowOptions = {},
): Value {
  const window = windowOf(kernel, options);
  const { strides, pads, dilations } = window;
  const [n, channels, ...extents] = x.shape;
  const rank = extents.length;
  const positions = positionsOf(extents, window);
  const padded = pad(g, x, [0, 0, ...pads.slice(0, rank)], [0, 0, ...pads.slice(rank)], LOWEST);
  const taps = argMax(g, cutWindows(g, padded, { ...window, pads: pads.map(() => 0) }), 2);
  const within = stridesOf(extents);
  /** Place of each point of a grid whose neighbours are `steps` apart. */
  const grid = (shape: readonly number[], steps: readonly number[]): Value => {
    const at = stridesOf(shape);
    const places = Float64Array.from({ length: sizeOf(shape) }, (_, point) =>
      shape.reduce((sum, extent, i) => sum + (Math.floor(point / at[i]) % extent) * steps[i] * within[i], 0),
    );
    return g.constant(places, [places.length]);
  };
  const corner = -pads.slice(0, rank).reduce((sum, before, i) => sum + before * within[i], 0);
  const planes = Float64Array.from({ length: n * channels }, (_, plane) => plane * sizeOf(extents) + corner);
  const windows = add(g, g.constant(planes, [n, channels, 1, 1]), grid(positions, strides));
  return reshape(g, add(g, windows, gather(g, grid(kernel, dilations), taps, 0)), [n, channels, ...positions]);
}
