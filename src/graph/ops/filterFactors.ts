/**
 * The per-sample gradient of a convolution's filters as factors: Σ over the positions of what stands there times the window
 * that it sees (Rochette, Manoel, Tramel 2019), never formed.
 */
import { type FactorContext, type FactorTerm, sampleMajor } from '../factorTerm.js';
import { sizeOf, type Value } from '../graph.js';
import { isSampleAxis } from '../sampleLayout.js';
import { reshape, transpose } from './shape.js';
import { cutWindows } from './unfold.js';
import type { Window } from './window.js';

/**
 * Factors of the filters' per-sample gradient: T is the positions (of all of a sample's images).
 * @param narrow what stands at the positions: [n, R, ...positions]
 * @param wide what the windows slide over: [n, C, ...spatial]
 * @param layoutOf the value whose layout both have: the operator's first input
 */
export function filterFactors(
  context: FactorContext,
  [layoutOf, wide]: readonly [Value, Value],
  narrow: Value,
  window: Window,
  groups: number,
): FactorTerm | undefined {
  const { builder, samples } = context;
  const layout = context.layoutOf(layoutOf);
  if (!isSampleAxis(layout) || layout.axis !== 0) return undefined;
  const grouped = (value: Value, positions: number): Value => {
    const width = sizeOf(value.shape) / (value.shape[0] * groups * positions);
    const split = reshape(builder, value, [value.shape[0], groups, width, positions]);
    // a mere exchange of the last axes, which a product takes as it is
    if (layout.per === 1) return transpose(builder, split);
    const major = sampleMajor(context, split, layout);
    return reshape(builder, transpose(builder, major, [0, 2, 1, 4, 3]), [
      samples,
      groups,
      layout.per * positions,
      width,
    ]);
  };
  const windows = cutWindows(builder, wide, window);
  const positions = windows.shape[3];
  return { kind: 'outer', left: grouped(narrow, positions), right: grouped(windows, positions) };
}
