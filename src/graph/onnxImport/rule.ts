/** How an ONNX operator is said in our operators: one entry of a table. */
import type { Value } from '../graph.js';
import type { Call } from './call.js';
import type { Element, Operand } from './operand.js';

/** A plain value has the element type of the node's first operand, or the one that `giving` names. */
export type Result = Value | Operand;

export interface Rule {
  readonly result?: Element;
  /** An output that is not computed is `undefined`. */
  build(call: Call): Result | readonly (Result | undefined)[];
}

export type Rules = Readonly<Record<string, Rule>>;

/** A table whose results have the element type of the first operand. */
export function rules(table: Readonly<Record<string, Rule['build']>>): Rules {
  return Object.fromEntries(Object.entries(table).map(([type, build]) => [type, { build }]));
}

/** A table whose results have one element type. */
export function giving(result: Element, table: Readonly<Record<string, Rule['build']>>): Rules {
  return Object.fromEntries(Object.entries(table).map(([type, build]) => [type, { build, result }]));
}
