/**
 * Curvature of each layer as a Kronecker product: F ≈ A ⊗ S with A = E[a·aᵀ] over samples and positions and S = E[Σ_t δ·δᵀ]
 * (K-FAC, Martens and Grosse 2015; convolutions and sequences as Grosse and Martens 2016, positions uncorrelated), and the
 * same eigenvectors with the exact second moments in them, Λ = E[(Q_SᵀG·Q_A)²] (EK-FAC, George et al. 2018;
 * for influence Grosse et al. 2023). Targets are drawn from the model, one for each sample and place.
 * A side that is one-hot has a diagonal A; a side wider than `MOST_SIDE` keeps its own coordinates too, which are a worse
 * basis, in which Λ is still exact.
 * The trap: Λ and the factors must be of the same drawn targets, and eigenvectors of equal eigenvalues are any basis, so only
 * what does not depend on the choice may be published.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { type GraphBuilder, matmul, multiply, reduceSum, reshape, transpose, type Value } from '../../graph/index.js';
import { openProducts, type Products, symmetricEigen } from '../../linalg/index.js';
import type { Model, Samples } from '../../models/index.js';
import { FACTOR_CHUNK } from '../factors.js';
import { type Basis, type BasisForm, basisFeeds, inBasis } from '../layers/bases.js';
import { written } from '../layers/layerProducts.js';
import { type LayerProgram, openLayerProgram } from '../layers/layerProgram.js';
import { type Layer, type LayerShape, widthOf } from '../layers/layers.js';
import { openTogether } from '../openTogether.js';
import type { WorkWatch } from '../watch.js';
import { curvatureLosses, type FisherTargets, openTargetSampler } from './sampledTargets.js';

/** Wider sides keep their own coordinates: eigenvectors cost the cube of the width, and a basis its square. */
export const MOST_SIDE = 4096;

/** Eigenvalues of the product (K-FAC) or second moments in its basis (EK-FAC). */
export type EigenvalueKind = 'kronecker' | 'corrected';

export interface KroneckerCurvature {
  readonly layers: readonly LayerShape[];
  /** Orthonormal columns, in the layers' order. */
  readonly bases: readonly Basis[];
  /** Curvature along each direction of a layer's basis, [G·R·C], none negative. */
  readonly eigenvalues: readonly Float64Array[];
}

export interface KroneckerOptions {
  readonly kind: EigenvalueKind;
  readonly fisher: FisherTargets;
  readonly seed: number;
  readonly watch: WorkWatch;
}

export interface KroneckerFitter {
  /** @param states weights; with several the curvature is their mean */
  fit(states: readonly Float32Array[], samples: Samples): Promise<KroneckerCurvature>;
  dispose(): Promise<void>;
}

/** Sides that are turned into eigenvectors. */
export function eigenForm({ rows, columns, oneHot }: LayerShape): BasisForm {
  const turns = (width: number): number | undefined => (width > 1 && width <= MOST_SIDE ? width : undefined);
  return { left: oneHot === 'left' ? undefined : turns(rows), right: turns(columns) };
}

export async function openKronecker(engine: Engine, model: Model, options: KroneckerOptions): Promise<KroneckerFitter> {
  const { kind, fisher, seed, watch } = options;
  const target = curvatureLosses(model, fisher);
  return openTogether(async (keep) => {
    const sampler = await keep(openTargetSampler(engine, model, fisher, seed));
    const moments = await keep(
      openLayerProgram(engine, model, {
        rows: FACTOR_CHUNK,
        target,
        question: (g, layers, present) =>
          Object.fromEntries(
            layers.flatMap((layer, l) => {
              const form = eigenForm(layer);
              return [
                [`left ${l}`, secondMoments(g, layer.left, present, form.left)],
                [`right ${l}`, secondMoments(g, layer.right, present, form.right)],
              ];
            }),
          ),
      }),
    );
    const corrections =
      kind === 'kronecker'
        ? undefined
        : await keep(
            openLayerProgram(engine, model, {
              rows: FACTOR_CHUNK,
              target,
              question: (g, layers, present) =>
                Object.fromEntries(
                  layers.map((layer, l) => [`squares ${l}`, squaresInBasis(g, layer, l, present)] as const),
                ),
            }),
          );
    const { layers } = moments;
    return {
      async fit(states, samples) {
        const drawn: Samples[] = [];
        const all = Array.from({ length: samples.rows }, (_, i) => i);
        for (const [draw, parameters] of states.entries()) {
          watch.throwIfCancelled();
          drawn.push(await sampler.sample(parameters, samples, all, draw));
        }
        const sums = await summed(moments, states, drawn, [], watch);
        const count = states.length * samples.rows;
        const exact = openProducts(engine, 'float64');
        try {
          const sides: { readonly left: Side; readonly right: Side }[] = [];
          for (const [l, layer] of layers.entries()) {
            watch.throwIfCancelled();
            const form = eigenForm(layer);
            const left = means(sums[`left ${l}`], count * layer.positions);
            const right = means(sums[`right ${l}`], count);
            sides.push({
              left: await sideOf(exact, left, layer.groups, form.left),
              right: await sideOf(exact, right, layer.groups, form.right),
            });
          }
          const bases = sides.map(({ left, right }): Basis => ({ left: left.basis, right: right.basis }));
          if (corrections === undefined) {
            const eigenvalues = layers.map((layer, l) =>
              productsOf(layer, sides[l].left.values, sides[l].right.values),
            );
            return { layers, bases, eigenvalues };
          }
          const squares = await summed(corrections, states, drawn, bases, watch);
          return { layers, bases, eigenvalues: layers.map((_, l) => means(squares[`squares ${l}`], count)) };
        } finally {
          await exact.dispose();
        }
      },
      async dispose() {
        await sampler.dispose();
        await moments.dispose();
        await corrections?.dispose();
      },
    };
  });
}

/** Sums over all states' samples of what the program gives for a chunk, in float64. */
async function summed(
  program: LayerProgram,
  states: readonly Float32Array[],
  drawn: readonly Samples[],
  bases: readonly Basis[],
  watch: WorkWatch,
): Promise<Record<string, Float64Array>> {
  const sums: Record<string, Float64Array> = {};
  const feeds = basisFeeds(bases);
  for (const [s, parameters] of states.entries()) {
    for (let start = 0; start < drawn[s].rows; start += program.rows) {
      watch.throwIfCancelled();
      for (const [name, { data }] of Object.entries(await program.run(parameters, drawn[s], start, feeds))) {
        sums[name] ??= new Float64Array(data.length);
        const sum = sums[name];
        for (let i = 0; i < data.length; i++) sum[i] += data[i];
      }
    }
  }
  return sums;
}

/** Σ over samples and positions of x·xᵀ, [G, W, W], or of its diagonal alone, [G, W]. */
function secondMoments(g: GraphBuilder, value: Value, present: Value, columns: number | undefined): Value {
  const [n, groups, positions, width] = value.shape;
  const kept = multiply(g, value, reshape(g, present, [n, 1, 1, 1]));
  if (columns === undefined) return reshape(g, reduceSum(g, multiply(g, kept, kept), [0, 2]), [groups, width]);
  const flat = reshape(g, groups === 1 ? kept : transpose(g, kept, [1, 0, 2, 3]), [groups, n * positions, width]);
  return matmul(g, transpose(g, flat), flat);
}

/** Σ over samples of (Q_lᵀ G Q_r)², [G·R·C]. */
function squaresInBasis(g: GraphBuilder, layer: Layer, place: number, present: Value): Value {
  const factors = inBasis(g, layer, place, eigenForm(layer));
  const [n, groups, positions, rows] = factors.left.shape;
  const columns = factors.right.shape[3];
  const square = (value: Value): Value => multiply(g, value, value);
  if (positions > 1) {
    const kept = multiply(g, written(g, factors), reshape(g, present, [n, 1]));
    return reshape(g, reduceSum(g, square(kept), [0]), [groups * rows * columns]);
  }
  const byGroup = (value: Value): Value => transpose(g, reshape(g, value, [n, groups, value.shape[3]]), [1, 0, 2]);
  const left = byGroup(square(multiply(g, factors.left, reshape(g, present, [n, 1, 1, 1]))));
  const right = byGroup(square(factors.right));
  return reshape(g, matmul(g, transpose(g, left), right), [groups * rows * columns]);
}

function means(sums: Float64Array, count: number): Float64Array {
  return sums.map((sum) => sum / count);
}

interface Side {
  readonly basis?: Tensor;
  /** [G, W]: eigenvalues, or the diagonal in the side's own coordinates. */
  readonly values: Float64Array;
}

async function sideOf(
  products: Products<'float64'>,
  moments: Float64Array,
  groups: number,
  width: number | undefined,
): Promise<Side> {
  if (width === undefined) return { values: moments };
  const values = new Float64Array(groups * width);
  const basis = new Float32Array(groups * width * width);
  for (let group = 0; group < groups; group++) {
    const data = moments.slice(group * width * width, (group + 1) * width * width);
    const found = await symmetricEigen(products, { shape: [width, width], data });
    values.set(
      found.values.map((value) => Math.max(0, value)),
      group * width,
    );
    basis.set(found.vectors.data, group * width * width);
  }
  return { basis: { shape: [groups, width, width], data: basis }, values };
}

/** a_r · s_c */
function productsOf(layer: LayerShape, left: Float64Array, right: Float64Array): Float64Array {
  const { groups, rows, columns } = layer;
  const products = new Float64Array(widthOf(layer));
  for (let group = 0, at = 0; group < groups; group++) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) products[at++] = left[group * rows + r] * right[group * columns + c];
    }
  }
  return products;
}
