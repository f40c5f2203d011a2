/**
 * The geometry that convolution, its transpose, unfolding and pooling share: output position p meets tap k of the kernel
 * at input position p·stride + k·dilation − padding, along each spatial axis. Tensors are [n, C, ...spatial], with any
 * number of spatial axes; positions and taps are counted row-major.
 */
import { MeedError } from '../../foundation/index.js';
import { type Attributes, type Shape, sizeOf, stridesOf } from '../graph.js';

export interface WindowOptions {
  /** One for each spatial axis; 1 unless told. */
  readonly strides?: readonly number[];
  /** All beginnings, then all ends, as in ONNX; 0 unless told. */
  readonly pads?: readonly number[];
  /** One for each spatial axis; 1 unless told. */
  readonly dilations?: readonly number[];
}

export type Window = Required<WindowOptions> & { readonly kernel: readonly number[] };

/** Fills in what is not told. @throws MeedError when an option has the wrong length or is no whole number */
export function windowOf(kernel: readonly number[], options: WindowOptions): Window {
  const rank = kernel.length;
  const window: Window = {
    kernel,
    strides: options.strides ?? new Array<number>(rank).fill(1),
    pads: options.pads ?? new Array<number>(2 * rank).fill(0),
    dilations: options.dilations ?? new Array<number>(rank).fill(1),
  };
  const wanted: readonly (readonly [keyof Window, number, number])[] = [
    ['kernel', rank, 1],
    ['strides', rank, 1],
    ['pads', 2 * rank, 0],
    ['dilations', rank, 1],
  ];
  for (const [name, length, least] of wanted) {
    const values = window[name];
    if (values.length !== length || values.some((value) => !Number.isInteger(value) || value < least)) {
      throw new MeedError(
        `A window over ${rank} spatial axes was given the ${name} [${values}]`,
        `Give ${length} whole numbers of at least ${least}`,
      );
    }
  }
  return window;
}

export function windowAttributes({ kernel, strides, pads, dilations }: Window): Record<string, readonly number[]> {
  return { kernel, strides, pads, dilations };
}

export function windowFrom(attributes: Attributes): Window {
  const list = (name: keyof Window): readonly number[] => attributes[name] as readonly number[];
  return { kernel: list('kernel'), strides: list('strides'), pads: list('pads'), dilations: list('dilations') };
}

/** Output positions along each spatial axis. @throws MeedError when the kernel is wider than what it slides over */
export function positionsOf(extents: Shape, { kernel, strides, pads, dilations }: Window): number[] {
  if (extents.length !== kernel.length || extents.length === 0) {
    throw new MeedError(
      `A kernel [${kernel}] does not slide over the spatial axes [${extents}]`,
      'Give [n, channels, ...spatial] and a kernel with one extent for each spatial axis',
    );
  }
  return extents.map((extent, i) => {
    const room = extent + pads[i] + pads[i + extents.length] - dilations[i] * (kernel[i] - 1) - 1;
    if (room < 0) {
      throw new MeedError(
        `A kernel [${kernel}] with dilations [${dilations}] is wider than [${extents}] padded by [${pads}]`,
        'Pad more or take a smaller kernel',
      );
    }
    return Math.floor(room / strides[i]) + 1;
  });
}

/** Entries of the largest table: 512 MiB. */
const MOST_TAPS = 2 ** 27;

/**
 * For position t and tap k, entry t·K + k: the input's spatial position, or −1 in the padding.
 * @throws MeedError when the kernel does not slide, or there would be more entries than memory for them
 */
export function tapTable(extents: Shape, window: Window): Int32Array {
  const positions = positionsOf(extents, window);
  const taps = sizeOf(window.kernel);
  if (sizeOf(positions) * taps > MOST_TAPS) {
    throw new MeedError(
      `A kernel [${window.kernel}] at the positions [${positions}] sees more than ${MOST_TAPS} entries`,
      'Take a smaller kernel or a larger stride',
    );
  }
  const [ofPosition, ofTap, ofInput] = [positions, window.kernel, extents].map(stridesOf);
  return Int32Array.from({ length: sizeOf(positions) * taps }, (_, entry) => {
    let index = 0;
    for (const [i, extent] of extents.entries()) {
      const position = Math.floor(Math.floor(entry / taps) / ofPosition[i]) % positions[i];
      const tap = Math.floor((entry % taps) / ofTap[i]) % window.kernel[i];
      const at = position * window.strides[i] + tap * window.dilations[i] - window.pads[i];
      if (at < 0 || at >= extent) return -1;
      index += at * ofInput[i];
    }
    return index;
  });
}

/** Whether the windows lie side by side from the first entry on, so that unfolding is a change of axes. */
export function isTiling({ kernel, strides, pads, dilations }: Window): boolean {
  return (
    kernel.every((extent, i) => extent === strides[i]) &&
    pads.every((extent) => extent === 0) &&
    dilations.every((dilation, i) => dilation === 1 || kernel[i] === 1)
  );
}
