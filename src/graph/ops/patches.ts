/**
 * Windows cut out of a tensor and laid side by side (im2col: Chellapilla, Puri, Simard 2006), its adjoint, and the three
 * products of a convolution as matrix products of them, for every backend that has TensorCalls.
 */
import { type Shape, sizeOf, stridesOf } from '../graph.js';
import type { TensorCalls } from './tensorCalls.js';
import { isTiling, positionsOf, type Window } from './window.js';

/** [n, C, ...extents] → [n, C, K, T]; the padding holds `fill`. */
export function cutPatches<T>(calls: TensorCalls<T>, x: T, window: Window, fill: number): T {
  const [n, channels, ...extents] = calls.shapeOf(x);
  const positions = positionsOf(extents, window);
  const shape = [n, channels, sizeOf(window.kernel), sizeOf(positions)];
  if (isTiling(window)) {
    const whole = positions.map((count, i) => count * window.kernel[i]);
    const kept = calls.take(x, zeros(whole.length + 2), [n, channels, ...whole], ones(whole.length + 2));
    const tiles = calls.reshape(kept, [n, channels, ...positions.flatMap((count, i) => [count, window.kernel[i]])]);
    return calls.reshape(calls.transpose(tiles, tileOrder(positions.length)), shape);
  }
  const taps = cutTaps(calls, x, window, fill);
  return calls.concat(
    taps.map((tap) => calls.reshape(tap, [n, channels, 1, sizeOf(positions)])),
    2,
  );
}

/** For each tap what it sees at every position: K times [a, b, ...positions] of x [a, b, ...extents]. */
function cutTaps<T>(calls: TensorCalls<T>, x: T, window: Window, fill: number): T[] {
  const [a, b, ...extents] = calls.shapeOf(x);
  const positions = positionsOf(extents, window);
  const rank = extents.length;
  const padded = calls.pad(x, [0, 0, ...window.pads.slice(0, rank)], [0, 0, ...window.pads.slice(rank)], fill);
  return tapOffsets(window).map((offset) =>
    calls.take(padded, [0, 0, ...offset], [a, b, ...positions], [1, 1, ...window.strides]),
  );
}

/** The adjoint of `cutPatches`: [n, C, K, T] → [n, C, ...extents], summed where windows overlap. */
export function sumPatches<T>(calls: TensorCalls<T>, patches: T, extents: Shape, window: Window): T {
  const [n, channels] = calls.shapeOf(patches);
  const positions = positionsOf(extents, window);
  const rank = extents.length;
  if (isTiling(window)) {
    const grid = calls.reshape(patches, [n, channels, ...window.kernel, ...positions]);
    const order = tileOrder(rank);
    const tiles = calls.transpose(
      grid,
      order.map((_, i) => order.indexOf(i)),
    );
    const whole = positions.map((count, i) => count * window.kernel[i]);
    const after = extents.map((extent, i) => extent - whole[i]);
    return calls.pad(calls.reshape(tiles, [n, channels, ...whole]), zeros(rank + 2), [0, 0, ...after], 0);
  }
  const taps = Array.from({ length: sizeOf(window.kernel) }, (_, tap) => {
    const cut = calls.take(patches, [0, 0, tap, 0], [n, channels, 1, sizeOf(positions)], ones(4));
    return calls.reshape(cut, [n, channels, ...positions]);
  });
  return sumTaps(calls, taps, extents, window);
}

/** The adjoint of `cutTaps`. */
function sumTaps<T>(calls: TensorCalls<T>, taps: readonly T[], extents: Shape, window: Window): T {
  const rank = extents.length;
  const padded = extents.map((extent, i) => extent + window.pads[i] + window.pads[i + rank]);
  const offsets = tapOffsets(window);
  const parts = taps.map((tap, k) => {
    let part = tap;
    for (const axis of extents.keys()) part = spread(calls, part, axis + 2, window.strides[axis]);
    const wide = calls.shapeOf(part).slice(2);
    const after = padded.map((extent, i) => extent - offsets[k][i] - wide[i]);
    return calls.pad(part, [0, 0, ...offsets[k]], [0, 0, ...after], 0);
  });
  const [a, b] = calls.shapeOf(taps[0]);
  return calls.take(calls.sum(parts), [0, 0, ...window.pads.slice(0, rank)], [a, b, ...extents], ones(rank + 2));
}

/** y [n, O, ...positions] of x [n, C, ...extents] and w [O, C/G, ...kernel]. */
export function convolve<T>(calls: TensorCalls<T>, x: T, w: T, window: Window, groups: number): T {
  const [n, , ...extents] = calls.shapeOf(x);
  const filters = calls.shapeOf(w)[0];
  const positions = positionsOf(extents, window);
  const product = calls.matmul(filterMatrix(calls, w, groups), patchMatrix(calls, x, window, groups));
  return fromGroups(calls, product, [n, groups, filters / groups, sizeOf(positions)], [n, filters, ...positions]);
}

/** The gradient of x: [n, C, ...extents] from y's [n, O, ...positions]. */
export function convolveTransposed<T>(
  calls: TensorCalls<T>,
  [dy, w]: readonly [T, T],
  extents: Shape,
  window: Window,
  groups: number,
): T {
  const [n, , ...positions] = calls.shapeOf(dy);
  const channels = calls.shapeOf(w)[1] * groups;
  const filters = calls.transpose(filterMatrix(calls, w, groups), [0, 2, 1]);
  const product = calls.matmul(filters, toGroups(calls, dy, groups));
  const stacked = calls.reshape(product, [channels, sizeOf(window.kernel), n, sizeOf(positions)]);
  const taps = Array.from({ length: sizeOf(window.kernel) }, (_, tap) => {
    const cut = calls.take(stacked, [0, tap, 0, 0], [channels, 1, n, sizeOf(positions)], ones(4));
    return calls.reshape(cut, [channels, n, ...positions]);
  });
  return swapFirst(calls, sumTaps(calls, taps, extents, window));
}

/**
 * The gradient of w: [O, C/G, ...kernel] from x and y's gradient. The patches are the side that is transposed, because
 * ONNX Runtime on the CPU then multiplies by them as they lie; to turn round dy first was slower.
 */
export function convolveFilters<T>(calls: TensorCalls<T>, [x, dy]: readonly [T, T], window: Window, groups: number): T {
  const filters = calls.shapeOf(dy)[1];
  const patches = calls.transpose(patchMatrix(calls, x, window, groups), [0, 2, 1]);
  const product = calls.matmul(toGroups(calls, dy, groups), patches);
  return calls.reshape(product, [filters, calls.shapeOf(x)[1] / groups, ...window.kernel]);
}

/** [G, O/G, C/G·K]. */
function filterMatrix<T>(calls: TensorCalls<T>, w: T, groups: number): T {
  const [filters, ...rest] = calls.shapeOf(w);
  return calls.reshape(w, [groups, filters / groups, sizeOf(rest)]);
}

/** [G, C/G·K, n·T]. Changing the axes of x before it is cut moves K times less than changing those of the patches. */
function patchMatrix<T>(calls: TensorCalls<T>, x: T, window: Window, groups: number): T {
  const [n, channels, ...extents] = calls.shapeOf(x);
  const columns = n * sizeOf(positionsOf(extents, window));
  const taps = cutTaps(calls, swapFirst(calls, x), window, 0);
  const patches = calls.concat(
    taps.map((tap) => calls.reshape(tap, [channels, 1, columns])),
    1,
  );
  return calls.reshape(patches, [groups, (channels / groups) * taps.length, columns]);
}

/** [n, C, ...positions] → [G, C/G, n·T]. */
function toGroups<T>(calls: TensorCalls<T>, x: T, groups: number): T {
  const [n, channels, ...positions] = calls.shapeOf(x);
  const split = calls.reshape(x, [n, groups, channels / groups, sizeOf(positions)]);
  return calls.reshape(calls.transpose(split, [1, 2, 0, 3]), [groups, channels / groups, n * sizeOf(positions)]);
}

/** The way back: [G, C/G, n·T] → `shape`, by way of [n, G, C/G, T]. */
function fromGroups<T>(calls: TensorCalls<T>, x: T, [n, groups, width, positions]: readonly number[], shape: Shape): T {
  const split = calls.reshape(x, [groups, width, n, positions]);
  return calls.reshape(calls.transpose(split, [2, 0, 1, 3]), shape);
}

function swapFirst<T>(calls: TensorCalls<T>, x: T): T {
  const rank = calls.shapeOf(x).length;
  return calls.transpose(x, [1, 0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)]);
}

/** Where each tap of the kernel starts in the padded tensor. */
function tapOffsets({ kernel, dilations }: Window): number[][] {
  const strides = stridesOf(kernel);
  return Array.from({ length: sizeOf(kernel) }, (_, tap) =>
    kernel.map((extent, i) => (Math.floor(tap / strides[i]) % extent) * dilations[i]),
  );
}

/** Puts step − 1 zeros between neighbours along an axis. */
function spread<T>(calls: TensorCalls<T>, x: T, axis: number, step: number): T {
  const shape = calls.shapeOf(x);
  const count = shape[axis];
  if (step === 1 || count === 1) return x;
  const inner = sizeOf(shape.slice(axis + 1));
  const rows = calls.reshape(x, [sizeOf(shape) / inner, inner]);
  const spaced = calls.pad(rows, [0, 0], [0, (step - 1) * inner], 0);
  const wide = calls.reshape(
    spaced,
    shape.map((extent, i) => (i === axis ? count * step : extent)),
  );
  const kept = shape.map((extent, i) => (i === axis ? (count - 1) * step + 1 : extent));
  return calls.take(wide, zeros(shape.length), kept, ones(shape.length));
}

/** [n, C, p₀, k₀, p₁, k₁, …] → [n, C, k₀, k₁, …, p₀, p₁, …]. */
function tileOrder(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, i) => 2 + 2 * i);
  return [0, 1, ...axes.map((axis) => axis + 1), ...axes];
}

function zeros(length: number): number[] {
  return new Array<number>(length).fill(0);
}

function ones(length: number): number[] {
  return new Array<number>(length).fill(1);
}
