/**
 * What the three operators of the form Σ y·(x ∗ w) have in common: which products it sums, how ONNX is told, where samples
 * may stand. The operators differentiate into each other, so this file imports none of them.
 */
import { type Attributes, type Shape, sizeOf } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { tapTable, type Window, windowFrom } from './window.js';

/** ONNX's number of the type that its convolutions take. */
export const FLOAT32 = 1;

/** Samples may stand along the first axis of the first input, the filters being shared. */
export const batchSamples = samplesUnless(({ inputs }) => [...inputs[0].shape.keys()].slice(1));

/** The attributes of ONNX's convolutions. */
export function onnxWindow(window: Window, groups: number): Record<string, number | readonly number[]> {
  const { kernel, strides, pads, dilations } = window;
  return { kernel_shape: kernel, strides, pads, dilations, group: groups };
}

/** Calls back with the places in y, x and w of every product of the convolution of x with w. */
export function eachProduct(
  x: Shape,
  w: Shape,
  attributes: Attributes,
  visit: (yi: number, xi: number, wi: number) => void,
): void {
  const groups = Number(attributes.groups);
  const extents = x.slice(2);
  const window = windowFrom(attributes);
  const table = tapTable(extents, window);
  const taps = sizeOf(window.kernel);
  const positions = table.length / taps;
  const plane = sizeOf(extents);
  const [filters, width] = w;
  for (let sample = 0; sample < x[0]; sample++) {
    for (let o = 0; o < filters; o++) {
      const firstChannel = Math.floor(o / (filters / groups)) * width;
      for (let c = 0; c < width; c++) {
        const xs = (sample * x[1] + firstChannel + c) * plane;
        const ws = (o * width + c) * taps;
        const ys = (sample * filters + o) * positions;
        for (let entry = 0; entry < table.length; entry++) {
          if (table[entry] >= 0) visit(ys + Math.floor(entry / taps), xs + table[entry], ws + (entry % taps));
        }
      }
    }
  }
}
