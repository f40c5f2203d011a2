/**
 * Which stored tensors are weights. ONNX does not say, so it is read off the use: a float tensor that reaches, perhaps
 * rearranged, a place where operators have parameters. Running statistics, shapes and scalars never do.
 * A tensor that is first computed with (a triangle of it, a normed weight) counts in places that take nothing else.
 * The trap: a table that is multiplied in (rotary angles) or added (a mask) stands where a learned table could stand.
 * Tables of several axes count when added unless they hold numbers as low as masks do, and not when multiplied; whoever
 * knows better names the tensors (`trainable`, `frozen`).
 */
import { sizeOf } from '../graph.js';
import type { OnnxNode } from './decode.js';
import type { Known, Operand } from './operand.js';

/** Operand positions that are parameters whatever their shape. */
const PLACES: Readonly<Record<string, readonly number[]>> = {
  MatMul: [0, 1],
  Gemm: [0, 1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gather: [0],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  SimplifiedLayerNormalization: [1],
  RMSNormalization: [1],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  PRelu: [1],
  'com.microsoft.FusedMatMul': [0, 1],
  'com.microsoft.FusedGemm': [0, 1, 2],
  'com.microsoft.FusedConv': [1, 2],
  'com.microsoft.BiasGelu': [1],
  'com.microsoft.FastGelu': [1],
  'com.microsoft.SkipLayerNormalization': [2, 3, 4],
  'com.microsoft.SkipSimplifiedLayerNormalization': [2, 3],
};

const SUMS = new Set(['Add', 'Sub']);
const PRODUCTS = new Set(['Mul', 'Div']);

/** Masks are −10⁴ and below, weights never. */
const MASKED = -1e4;

/**
 * @param operands those of one node, weights among them still being constants
 * @param stored the tensor that the file stores under a name, `undefined` for what a Constant node holds
 * @returns names of the tensors that this use shows to be weights
 */
export function weightsUsed(
  node: OnnxNode,
  operands: readonly (Operand | undefined)[],
  stored: (name: string) => Known | undefined,
): string[] {
  if (operands.every((operand) => operand?.kind !== 'traced')) return [];
  return operands.flatMap((operand, position) => {
    if (operand?.kind !== 'known' || operand.element !== 'float') return [];
    const isPlace = node.type === 'Einsum' || (PLACES[node.type] ?? []).includes(position);
    const others = operands.filter((_, i) => i !== position);
    return [...operand.origins].flatMap(([name, how]) => {
      const tensor = stored(name);
      const isWeight =
        how === 'moved'
          ? isPlace || isVectorOrTable(node, tensor, others)
          : isPlace && tensor !== undefined && sizeOf(tensor.shape) > 1;
      return isWeight ? [name] : [];
    });
  });
}

function isVectorOrTable(
  { type }: OnnxNode,
  tensor: Known | undefined,
  [other]: readonly (Operand | undefined)[],
): boolean {
  if (!tensor || !other || tensor.shape.length === 0 || !(SUMS.has(type) || PRODUCTS.has(type))) return false;
  const axes = tensor.shape.filter((extent) => extent > 1).length;
  if (axes === 0) return SUMS.has(type) && other.shape.at(-1) === 1 && sizeOf(other.shape) > 1;
  if (axes === 1) return !isMask(tensor);
  return SUMS.has(type) && !isMask(tensor);
}

function isMask(tensor: Known): boolean {
  return tensor.data().some((entry) => !(entry > MASKED));
}
