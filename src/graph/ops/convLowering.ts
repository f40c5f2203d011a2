/**
 * ONNX's Conv and ConvTranspose, kept away from the shapes that ONNX Runtime 1.30 computes wrongly on WebGPU, without an
 * error (found by random shapes against the float64 interpreter, then read in its sources, core/providers/webgpu/nn):
 * - Conv in one group, of C channels a multiple of 3 but not of 4 and above 3, to a multiple of 4 (conv2d_mm.cc): reading
 *   threes it divides the channel by 4. The channels are filled up with zeros to a multiple of 4.
 * - Conv in groups of at least 4 filters (conv.cc): it computes 2 or 4 filters at once if all filters together allow it,
 *   also where those belong to two groups. Each group is filled up with filters of zeros, whose outputs are cut off.
 * - ConvTranspose in groups of an even number of channels to one each (conv_backprop.cc): the group's place in the filters
 *   is counted in single channels where they lie in vectors. Filled up to two likewise.
 * The trap: with three spatial axes WebGPU has no groups and no ConvTranspose and says so only when it runs, so that these
 * are matrix products there; so is every convolution in float64, which no provider has.
 */
import { type OnnxSink, type Shape, sizeOf } from '../graph.js';
import { FLOAT32, onnxWindow } from './convForm.js';
import { convolve, convolveTransposed } from './patches.js';
import { type Named, onnxCalls } from './tensorCalls.js';
import { positionsOf, type Window } from './window.js';

/** Spatial axes that WebGPU's kernels take in every form. */
const PLANE = 2;
/** The widest vector of a shader. */
const VECTOR = 4;

/** x [n, C, ...extents] and w [O, C / groups, ...kernel] → [n, O, ...positions] */
export function emitConv(sink: OnnxSink, x: Named, w: Named, window: Window, groups: number): Named {
  const emit = (from: Named, filters: Named): Named => {
    const shape = [from.shape[0], filters.shape[0], ...positionsOf(from.shape.slice(2), window)];
    return { name: sink.emit('Conv', [from.name, filters.name], onnxWindow(window, groups)), shape };
  };
  if (sink.element === FLOAT32 && sink.provider !== 'webgpu') return emit(x, w);
  if (sink.element !== FLOAT32 || (groups > 1 && window.kernel.length > PLANE)) {
    return convolve(onnxCalls(sink), x, w, window, groups);
  }
  if (groups > 1) return withWiderGroups(sink, w, 0, groups, widthTakenInGroups(w.shape[0], groups), (v) => emit(x, v));
  const channels = channelsTaken(x.shape[1], w.shape[0]);
  return emit(fillUp(sink, x, 1, channels), fillUp(sink, w, 1, channels));
}

/** y [n, C, ...positions] and w [C, O / groups, ...kernel] → [n, O, ...extents] */
export function emitConvTranspose(
  sink: OnnxSink,
  y: Named,
  w: Named,
  { extents, window, groups }: { readonly extents: Shape; readonly window: Window; readonly groups: number },
): Named {
  const least = leastExtents(y.shape.slice(2), window);
  const emit = (filters: Named): Named => {
    const attributes = { ...onnxWindow(window, groups), output_padding: extents.map((extent, i) => extent - least[i]) };
    const shape = [y.shape[0], filters.shape[1] * groups, ...extents];
    return { name: sink.emit('ConvTranspose', [y.name, filters.name], attributes), shape };
  };
  if (sink.element === FLOAT32 && sink.provider !== 'webgpu') return emit(w);
  if (sink.element !== FLOAT32 || window.kernel.length > PLANE) {
    return convolveTransposed(onnxCalls(sink), [y, w], extents, window, groups);
  }
  const width = w.shape[1] === 1 && groups > 1 && (w.shape[0] / groups) % 2 === 0 ? 2 : w.shape[1];
  return withWiderGroups(sink, w, 1, groups, width, emit);
}

/** The smallest extents that have these positions. */
export function leastExtents(positions: Shape, { kernel, strides, pads, dilations }: Window): number[] {
  return positions.map(
    (count, i) => (count - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[i + positions.length],
  );
}

function channelsTaken(channels: number, filters: number): number {
  const inThrees = channels % 3 === 0 && channels % VECTOR !== 0 && channels > 3 && filters % VECTOR === 0;
  return inThrees ? Math.ceil(channels / VECTOR) * VECTOR : channels;
}

function widthTakenInGroups(filters: number, groups: number): number {
  const width = filters / groups;
  const together = [4, 2, 1].find((components) => filters % components === 0) ?? 1;
  return width >= VECTOR && width % together !== 0 ? Math.ceil(width / VECTOR) * VECTOR : width;
}

/**
 * What `emit` makes of filters that are widened to `width` outputs a group, without the outputs that this adds.
 * @param axis where the filters hold their outputs: 0 for all groups' one after the other, 1 for those of a group
 */
function withWiderGroups(
  sink: OnnxSink,
  w: Named,
  axis: 0 | 1,
  groups: number,
  width: number,
  emit: (filters: Named) => Named,
): Named {
  const calls = onnxCalls(sink);
  const [first, second, ...kernel] = w.shape;
  const own = axis === 0 ? first / groups : second;
  if (own === width) return emit(w);
  const wide =
    axis === 1
      ? fillUp(sink, w, 1, width)
      : calls.reshape(fillUp(sink, calls.reshape(w, [groups, own, second * sizeOf(kernel)]), 1, width), [
          groups * width,
          second,
          ...kernel,
        ]);
  const y = emit(wide);
  const [n, , ...spatial] = y.shape;
  const split = calls.reshape(y, [n, groups, width, sizeOf(spatial)]);
  const kept = calls.take(split, [0, 0, 0, 0], [n, groups, own, sizeOf(spatial)], [1, 1, 1, 1]);
  return calls.reshape(kept, [n, groups * own, ...spatial]);
}

/** Zeros at the end of an axis up to `extent`. */
function fillUp(sink: OnnxSink, x: Named, axis: number, extent: number): Named {
  const before = x.shape.map(() => 0);
  return onnxCalls(sink).pad(
    x,
    before,
    x.shape.map((has, i) => (i === axis ? extent - has : 0)),
    0,
  );
}
