/**
 * The target of ONNX's Cast as one of the three kinds of numbers that the import tells apart.
 * The trap: a model in 16 bits is computed in 32 here, so a Cast to them keeps digits that the original loses.
 */
import type { Call } from './call.js';
import type { Element } from './operand.js';
import { elementOf } from './tensor.js';

export function elementOfCast(call: Call): Element {
  return elementOf(call.int('to', 1), `The target of the node "${call.node.name}"`);
}
