/** Where named parameters lie in a model's flat vector: one behind the other, without gaps, in the order they are told. */
import { MeedError } from '../foundation/index.js';
import { type Shape, sizeOf } from '../graph/index.js';
import type { ParameterLayout } from './model.js';

export interface Layout {
  readonly parameters: readonly ParameterLayout[];
  /** Length P of the flat vector. */
  readonly parameterCount: number;
}

/** A vector of more numbers has no 32-bit position. */
export const PARAMETER_LIMIT = 2 ** 31;

/** @throws MeedError when there would be 2³¹ parameters or more */
export function layOut(named: readonly (readonly [name: string, shape: Shape])[]): Layout {
  const parameters: ParameterLayout[] = [];
  let parameterCount = 0;
  for (const [name, shape] of named) {
    parameters.push({ name, offset: parameterCount, shape });
    parameterCount += sizeOf(shape);
  }
  if (parameterCount < PARAMETER_LIMIT) return { parameters, parameterCount };
  throw new MeedError(`The model would have ${parameterCount} parameters`, 'Choose one of fewer than 2³¹');
}
