/**
 * Where the largest entry of a line stands, the first of equal ones, as ONNX computes it. WebGPU's ArgMax gives an int64
 * that it cannot cast back, so there the place is the smallest of those that hold the maximum.
 */
import type { OnnxSink } from '../graph.js';

/**
 * @param x      name of a tensor of the graph's own type, `rank` axes, `extent` entries along `axis`
 * @returns the name of the places, of the graph's own type; the axis keeps extent 1
 */
export function emitFirstLargest(
  sink: OnnxSink,
  x: string,
  { rank, axis, extent }: { readonly rank: number; readonly axis: number; readonly extent: number },
): string {
  if (sink.provider !== 'webgpu') {
    const place = sink.emit('ArgMax', [x], { axis, keepdims: 1 });
    return sink.emit('Cast', [place], { to: sink.element });
  }
  const axes = sink.int64([axis]);
  const isLargest = sink.emit('Equal', [x, sink.emit('ReduceMax', [x, axes], { keepdims: 1 })]);
  const places = emitCounting(sink, { rank, axis, extent });
  const candidates = sink.emit('Where', [isLargest, places, sink.scalar(extent)]);
  return sink.emit('ReduceMin', [candidates, axes], { keepdims: 1 });
}

/** 0, 1, … along an axis, every other one of extent 1; the cast of a constant is done when the session opens. */
export function emitCounting(
  sink: OnnxSink,
  { rank, axis, extent }: { readonly rank: number; readonly axis: number; readonly extent: number },
): string {
  const range = sink.int64(Array.from({ length: extent }, (_, place) => place));
  const line = sink.emit('Cast', [range], { to: sink.element });
  return sink.emit('Reshape', [line, sink.int64(new Array<number>(rank).fill(1).with(axis, extent))]);
}
