/** What a test needs to exercise one operator: a graph over inputs, and values for them away from kinks and poles. */
import type { Random } from '../../../src/foundation/index.js';
import { type GraphBuilder, type Shape, sizeOf, type Value } from '../../../src/graph/index.js';

export interface OperatorCase {
  readonly name: string;
  readonly shapes: readonly Shape[];
  /** Entries have a magnitude from 0.3 to 1.3, and either sign unless they must be positive. */
  readonly domain: 'real' | 'positive';
  /** Values of inputs that are not differentiated: indices, masks. By position. */
  readonly fixed?: Readonly<Record<number, readonly number[]>>;
  build(g: GraphBuilder, inputs: readonly Value[]): Value;
}

/** Feeds x0, x1, … of a case. */
export function feedsOf({ shapes, domain, fixed }: OperatorCase, random: Random): Record<string, Float64Array> {
  return Object.fromEntries(
    shapes.map((shape, i) => [
      `x${i}`,
      Float64Array.from({ length: sizeOf(shape) }, (_, at) => {
        const magnitude = 0.3 + random.uniform();
        const value = domain === 'positive' || random.uniform() < 0.5 ? magnitude : -magnitude;
        return fixed?.[i]?.[at] ?? value;
      }),
    ]),
  );
}

/** The positions of the inputs that are differentiated. */
export function differentiated({ shapes, fixed }: OperatorCase): number[] {
  return [...shapes.keys()].filter((i) => !fixed?.[i]);
}
