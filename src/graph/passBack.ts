/**
 * Per-sample gradients of what is computed from parameters alone, handed to what it is computed from. The function is the same
 * for all samples and its vector-Jacobian product is linear, so it is one graph with the samples as one more axis
 * (vectorise.ts); functions that keep factors are asked first (factorBack.ts).
 */
import { factorBack } from './factorBack.js';
import type { FactorTerm } from './factorTerm.js';
import { type GraphBuilder, sizeOf, type Value } from './graph.js';
import { joinTerms, type PlacedTerm, sumTerms } from './mergeTerms.js';
import { reshape, slice } from './ops/shape.js';
import type { Source } from './parameterUses.js';
import { vectorise } from './vectorise.js';

/**
 * @param value what `source` computes
 * @param terms all that the gradient of `value` consists of, one at least
 * @returns for each input of the source a term in the input's coordinates; `undefined` where no gradient flows to a parameter
 */
export function passBack(
  g: GraphBuilder,
  value: Value,
  source: Source,
  terms: readonly PlacedTerm[],
): readonly (FactorTerm | undefined)[] {
  const wanted = source.inputs.map((view) => view !== undefined);
  const factors = joinTerms(g, value.shape, terms);
  return (
    (factors && factorBack(g, source.node, factors, wanted)) ?? writtenBack(g, source, sumTerms(g, value.shape, terms))
  );
}

/** @param gradient [n, size of the value] */
function writtenBack(g: GraphBuilder, { node, inputs }: Source, gradient: Value): (FactorTerm | undefined)[] {
  const { shape } = node.output;
  const [samples] = gradient.shape;
  const all = reshape(g, gradient, [samples, ...shape]);
  const one = reshape(g, slice(g, all, 0, 0, 1), shape);
  const each = node.operator.gradient(g, node, one).map((found, i) => (inputs[i] ? found : undefined));
  return each.map((found): FactorTerm | undefined => {
    if (!found) return undefined;
    const [stacked] = vectorise(g, one, all, [found]);
    return { kind: 'direct', gradient: reshape(g, stacked, [samples, sizeOf(found.shape)]) };
  });
}
