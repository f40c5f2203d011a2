/**
 * LoGra (Choe et al. 2024, section 3): a layer's gradient is projected from both sides, Σ_t (P_o δ_t) ⊗ (P_i a_t),
 * before it is ever written out, and influence is taken among the k² numbers that are left. Projections are Gaussian, or
 * the top eigenvectors of the two factors of K-FAC ('pca'; a side too wide for eigenvectors stays Gaussian). A side of
 * fewer columns than the rank is left as it is. Gradients are those of the samples' own labels.
 * The trap: the rank is that of each side, so a layer has rank² numbers.
 */
import type { Tensor } from '../../engine/index.js';
import { Random } from '../../foundation/index.js';
import { eigenForm, openKronecker } from '../kronecker/index.js';
import { type BasisForm, basisFeeds, inBasis, type LayerShape, widthIn, written } from '../layers/index.js';
import type { Projection } from '../projected/index.js';
import type { WorkWatch } from '../watch.js';
import type { Attribution } from './method.js';
import { projectedMethod } from './projectedMethod.js';
import { LAST } from './runStates.js';
import { countOf, wordOf } from './vectorMethod.js';

export type LoGraSettings = {
  /** Columns of each side's projection. */
  readonly rank: number;
  /** 'random' or 'pca'. */
  readonly projection: string;
  /** Share of each layer's mean second moment. */
  readonly damping: number;
  readonly epoch: number | string;
};

export const loGraMethod = projectedMethod<LoGraSettings>({
  name: 'logra',
  source:
    'Choe et al. 2024, "What is your data worth to GPT? LLM-scale data valuation with influence functions", section 3',
  claim:
    "by how much the output's loss would rise if the sample were left out, seen through projections of the gradients",
  scale: "nats of the output's loss, with the curvature of the layers taken apart",
  cost: 'one pass over n samples for the projections and rank⁴·n a layer for their curvature; rank² numbers a layer for each sample',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
  defaults: { rank: 16, projection: 'random', damping: 0.1, epoch: LAST },
  grid: [1e-3, 1e-2, 1, 10].map((damping) => ({ damping })),
  projection(attribution, settings, watch): Projection {
    const rank = countOf('rank', settings.rank, 1);
    const kind = wordOf('projection', settings.projection, ['random', 'pca']);
    const formOf = (layer: LayerShape): BasisForm => loGraForm(layer, rank);
    return {
      width: (layer) => widthIn(layer, formOf(layer)),
      encode: (g, layer, place) => written(g, inBasis(g, layer, place, formOf(layer))),
      async feeds(parameters, layers) {
        const random = layers.map((layer) => randomBasis(layer, rank, attribution.seed));
        if (kind === 'random') return basisFeeds(random);
        const leading = await leadingBases(attribution, parameters, layers, rank, watch);
        return basisFeeds(random.map((basis, l) => ({ ...basis, ...leading[l] })));
      },
    };
  },
});

/** A vector times 1 is projected to as many numbers as a matrix. */
export function loGraForm({ rows, columns }: LayerShape, rank: number): BasisForm {
  const within = (width: number, most: number): number | undefined => (width > most ? most : undefined);
  return {
    left: within(rows, columns === 1 ? rank ** 2 : rank),
    right: within(columns, rows === 1 ? rank ** 2 : rank),
  };
}

/** Entries of variance 1/k, by seed and layer. */
export function randomBasis(layer: LayerShape, rank: number, seed: number): { left?: Tensor; right?: Tensor } {
  const form = loGraForm(layer, rank);
  const side = (name: 'left' | 'right', width: number): { left?: Tensor; right?: Tensor } => {
    const k = form[name];
    if (k === undefined) return {};
    const random = Random.named(seed, `projection ${name} ${layer.parameters.join(' ')}`);
    const data = Float32Array.from({ length: layer.groups * width * k }, () => random.normal() / Math.sqrt(k));
    return { [name]: { shape: [layer.groups, width, k], data } };
  };
  return { ...side('left', layer.rows), ...side('right', layer.columns) };
}

/** The eigenvectors of largest eigenvalues, where the side has any. */
async function leadingBases(
  { engine, model, samples, seed }: Attribution,
  parameters: Float32Array,
  layers: readonly LayerShape[],
  rank: number,
  watch: WorkWatch,
): Promise<{ left?: Tensor; right?: Tensor }[]> {
  const fitter = await openKronecker(engine, model, { kind: 'kronecker', fisher: 'empirical', seed, watch });
  try {
    const { layers: fitted, bases } = await fitter.fit([parameters], samples);
    return layers.map((layer) => {
      const basis = bases[fitted.findIndex((other) => other.parameters[0] === layer.parameters[0])];
      const form = loGraForm(layer, rank);
      const own = eigenForm(layer);
      return {
        ...(form.left !== undefined && own.left !== undefined && { left: lastColumns(basis.left, form.left) }),
        ...(form.right !== undefined && own.right !== undefined && { right: lastColumns(basis.right, form.right) }),
      };
    });
  } finally {
    await fitter.dispose();
  }
}

/** Eigenvalues ascend, so the last are the largest. */
function lastColumns(basis: Tensor | undefined, count: number): Tensor {
  if (!basis) throw new Error('a side of eigenvectors has none');
  const [groups, rows, columns] = basis.shape;
  const data = new Float32Array(groups * rows * count);
  for (let r = 0; r < groups * rows; r++) {
    data.set(basis.data.subarray((r + 1) * columns - count, (r + 1) * columns), r * count);
  }
  return { shape: [groups, rows, count], data };
}
