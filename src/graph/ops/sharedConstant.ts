/**
 * Constants that composite functions ask for again and again. Equal operators on equal values are one node, so a fresh
 * constant each time would keep equal computations apart; a graph therefore has each of these once.
 */
import { type GraphBuilder, type Shape, sizeOf, type Value } from '../graph.js';

const known = new WeakMap<GraphBuilder, Map<string, Value>>();

/** The rank-0 constant `value`. */
export function scalar(builder: GraphBuilder, value: number): Value {
  return sharedConstant(builder, Object.is(value, -0) ? '-0' : `${value}`, [], () => value);
}

/**
 * @param name what the numbers are; with the shape it must decide all of them
 * @param entry the number at a row-major position
 */
export function sharedConstant(
  builder: GraphBuilder,
  name: string,
  shape: Shape,
  entry: (position: number) => number,
): Value {
  const constants = known.get(builder) ?? new Map<string, Value>();
  known.set(builder, constants);
  const key = `${name} [${shape}]`;
  const before = constants.get(key);
  if (before) return before;
  const value = builder.constant(
    Float64Array.from({ length: sizeOf(shape) }, (_, position) => entry(position)),
    shape,
  );
  constants.set(key, value);
  return value;
}
