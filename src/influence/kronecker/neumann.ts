/**
 * Preconditioned stochastic Neumann iterations for (G + λ)θ = b (ASTRA, Wang et al. 2025), in the eigenvectors of
 * EK-FAC, where the preconditioner is a number for each direction: θ ← θ − α (Λ + λ)⁻¹ ⊙ [(G_B + λ)θ − b], from the EK-FAC
 * solution. G_B is the Fisher matrix of a batch with targets drawn anew at each step, so its mean is the whole Gauss–Newton
 * matrix, across layers too, which EK-FAC leaves out.
 * The trap: a batch's matrix has few directions and large values in them; a step that suits the mean diverges. The step is
 * therefore a share of what the largest preconditioned value of some probed batches allows.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import {
  add,
  divide,
  type GraphBuilder,
  matmul,
  multiply,
  reshape,
  subtract,
  transpose,
  type Value,
} from '../../graph/index.js';
import { openProducts, symmetricEigen } from '../../linalg/index.js';
import { type Basis, basisFeeds, inBasis } from '../layers/bases.js';
import { combined, dots, written } from '../layers/layerProducts.js';
import { type LayerProgram, openLayerProgram } from '../layers/layerProgram.js';
import { type Layer, widthOf } from '../layers/layers.js';
import type { LayerGradients, LayerVectors } from '../layers/layerVectors.js';
import { scaledVectors } from '../layers/scaled.js';
import type { Attribution } from '../methods/method.js';
import { openTogether } from '../openTogether.js';
import type { WorkWatch } from '../watch.js';
import { solverBatches } from './batches.js';
import { eigenForm } from './fit.js';
import { curvatureLosses, type FisherTargets, openTargetSampler } from './sampledTargets.js';

export interface NeumannOptions {
  readonly steps: number;
  /** Rows of a step, or all where there are fewer; a model so large that fewer fit takes those. */
  readonly batch: number;
  /** The step in units of 1 ÷ the largest preconditioned value of the probed batches, 0 to 2. */
  readonly rate: number;
  readonly fisher: FisherTargets;
}

/** What is solved: weights, the basis, and 1 ÷ (Λ + λ) and λ of each layer. */
export interface NeumannProblem {
  readonly parameters: Float32Array;
  readonly bases: readonly Basis[];
  readonly inverses: readonly Float32Array[];
  readonly dampings: readonly number[];
}

export interface NeumannSolver {
  /** θ of each row of b, in the basis. @throws MeedError when it diverges */
  solve(problem: NeumannProblem, b: LayerVectors): Promise<LayerVectors>;
  dispose(): Promise<void>;
}

/** Batches whose largest value decides the step. */
const PROBES = 4;
/** Draws of targets before the first step's: the fit's. */
const FIRST_DRAW = 1000;

export async function openNeumann(
  { engine, model, samples, seed }: Pick<Attribution, 'engine' | 'model' | 'samples' | 'seed'>,
  { layers, block }: LayerGradients,
  { steps, batch, rate, fisher }: NeumannOptions,
  watch: WorkWatch,
): Promise<NeumannSolver> {
  const target = curvatureLosses(model, fisher);
  const only = new Set(layers.map(({ parameters: [first] }) => first));
  const rows = Math.max(2, 2 ** Math.ceil(Math.log2(Math.min(batch, samples.rows))));
  return openTogether(async (keep) => {
    const stepping = await keep(
      openLayerProgram(engine, model, {
        rows,
        target,
        only,
        question: (g, found, present) => stepOf(g, found, present, block),
      }),
    );
    const probing = await keep(
      openLayerProgram(engine, model, { rows: stepping.rows, target, only, question: gramOf }),
    );
    const sampler = await keep(openTargetSampler(engine, model, fisher, seed));
    const batches = solverBatches(samples.rows, Math.min(batch, stepping.rows, probing.rows), steps, seed);
    const exact = openProducts(engine, 'float64');
    const probed = new WeakMap<NeumannProblem, Promise<number>>();

    const drawn = (parameters: Float32Array, step: number) =>
      sampler.sample(parameters, samples, batches[step], FIRST_DRAW + step);

    const largestOf = async (problem: NeumannProblem): Promise<number> => {
      let largest = 0;
      const feeds = { ...basisFeeds(problem.bases), ...inverseFeeds(problem) };
      for (let step = 0; step < Math.min(PROBES, steps); step++) {
        const chosen = await drawn(problem.parameters, step);
        const { gram } = await probing.run(problem.parameters, chosen, 0, feeds);
        const data = Float64Array.from(gram.data, (x) => x / chosen.rows);
        const { values } = await symmetricEigen(exact, { shape: gram.shape, data });
        largest = Math.max(largest, values[values.length - 1]);
      }
      return largest;
    };

    return {
      async solve(problem, b) {
        const known = probed.get(problem) ?? largestOf(problem);
        probed.set(problem, known);
        // λ ÷ (Λ + λ) adds at most 1
        const alpha = rate / ((await known) + 1);
        const feeds = {
          ...basisFeeds(problem.bases),
          ...inverseFeeds(problem),
          ...namedFeeds('b', b),
          ...namedFeeds(
            'lambda',
            problem.dampings.map((damping): Tensor => ({ shape: [1], data: Float32Array.of(damping) })),
          ),
          alpha: { shape: [1], data: Float32Array.of(alpha) },
        };
        let theta = scaledVectors(b, problem.inverses, 1);
        for (let step = 0; step < steps; step++) {
          watch.throwIfCancelled();
          theta = await advance(stepping, problem, await drawn(problem.parameters, step), feeds, theta);
        }
        if (!theta.every(({ data }) => data.every(Number.isFinite))) {
          throw new MeedError(
            `The iterations of ASTRA diverge at a step of ${alpha}`,
            `Lower the rate, which is ${rate}, or raise the damping or the batch`,
          );
        }
        return theta;
      },
      async dispose() {
        await stepping.dispose();
        await probing.dispose();
        await sampler.dispose();
        await exact.dispose();
      },
    };
  });
}

async function advance(
  program: LayerProgram,
  { parameters }: NeumannProblem,
  batch: Attribution['samples'],
  feeds: Readonly<Record<string, Tensor>>,
  theta: LayerVectors,
): Promise<LayerVectors> {
  const share = { shape: [1], data: Float32Array.of(batch.rows) };
  const found = await program.run(parameters, batch, 0, { ...feeds, ...namedFeeds('theta', theta), count: share });
  return theta.map((_, l) => found[`next ${l}`]);
}

function namedFeeds(name: string, tensors: readonly Tensor[]): Record<string, Tensor> {
  return Object.fromEntries(tensors.map((tensor, l) => [`${name} ${l}`, tensor]));
}

function inverseFeeds({ inverses }: NeumannProblem): Record<string, Tensor> {
  return namedFeeds(
    'inverse',
    inverses.map((data) => ({ shape: [data.length], data })),
  );
}

/** `next l`: θ − α (Λ + λ)⁻¹ ⊙ [(G_B + λ)θ − b] of each layer; the products of θ with a gradient are over all layers. */
function stepOf(g: GraphBuilder, layers: readonly Layer[], present: Value, block: number): Record<string, Value> {
  const [alpha, count] = [g.input('alpha', [1]), g.input('count', [1])];
  const parts = layers.map((layer, l) => {
    const width = widthOf(layer);
    return {
      factors: inBasis(g, layer, l, eigenForm(layer)),
      theta: g.input(`theta ${l}`, [block, width]),
      b: g.input(`b ${l}`, [block, width]),
      inverse: g.input(`inverse ${l}`, [width]),
      lambda: g.input(`lambda ${l}`, [1]),
    };
  });
  const products = parts.map(({ factors, theta }) => dots(g, factors, theta)).reduce((sum, part) => add(g, sum, part));
  const weights = multiply(g, products, divide(g, reshape(g, present, [1, present.shape[0]]), count));
  return Object.fromEntries(
    parts.map(({ factors, theta, b, inverse, lambda }, l) => {
      const image = add(g, combined(g, factors, weights), multiply(g, theta, lambda));
      const residual = multiply(g, subtract(g, image, b), multiply(g, inverse, alpha));
      return [`next ${l}`, subtract(g, theta, residual)];
    }),
  );
}

/** Σ over layers of G (Λ + λ)⁻¹ Gᵀ for the rows of a batch: [rows, rows]. */
function gramOf(g: GraphBuilder, layers: readonly Layer[], present: Value): Record<string, Value> {
  const [rows] = present.shape;
  const grams = layers.map((layer, l) => {
    const gradients = multiply(g, written(g, inBasis(g, layer, l, eigenForm(layer))), reshape(g, present, [rows, 1]));
    const inverse = g.input(`inverse ${l}`, [widthOf(layer)]);
    return matmul(g, multiply(g, gradients, inverse), transpose(g, gradients));
  });
  return { gram: grams.reduce((sum, part) => add(g, sum, part)) };
}
