/**
 * Influence functions with the whole curvature matrix, damped and factored by Cholesky (Koh and Liang 2017), in float64. Of a
 * model that is linear in its parameters it is the exact Hessian whatever the setting; of others the generalised
 * Gauss–Newton matrix unless the Hessian is asked for, which away from a minimum is indefinite and is then refused.
 * A weight decay of SGD belongs to the objective and is counted beside the damping.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { type CholeskyFactor, cholesky, choleskySolve, openProducts, type Products } from '../../linalg/index.js';
import type { Samples } from '../../models/index.js';
import { defaultMemory, formatBytes } from '../../work/index.js';
import type { CurvatureKind } from '../curvature/curvatureGraph.js';
import { denseCurvature } from '../curvature/denseCurvature.js';
import { type InverseCurvature, inverseScorer, ridgeOf } from '../curvature/inverseScorer.js';
import { ensembleScorer } from '../ensemble.js';
import { finiteScores } from '../finiteScores.js';
import { gradientExtents } from '../gradients/gradientGraphs.js';
import type { ScoringOptions } from '../pathScorer.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard, type TrainedRun } from './method.js';
import { LAST, stateAt } from './runStates.js';
import { amountOf } from './settings.js';
import { wordOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'explicit',
  source: 'Koh and Liang 2017, "Understanding Black-box Predictions via Influence Functions", eq. 2',
  claim: 'how much the loss of the output would rise if the model were trained to its optimum without this sample',
  scale: "nats of the output's loss",
  cost: 'P² numbers twice, P³/3 multiplications; n·P²/2 more for the matrix of a linear classifier, P passes over the samples for others',
  needs: ['few parameters'],
  form: 'bilinear',
  additivity: 'relative',
};

export const KINDS: readonly CurvatureKind[] = ['gauss-newton', 'hessian'];

export interface ExplicitSettings {
  readonly [name: string]: number | string;
  readonly damping: number;
  readonly curvature: string;
  readonly epoch: number | string;
}

export const DAMPINGS = [1, 0.1, 0.01, 5e-3, 1e-3, 1e-4, 1e-5] as const;

export const explicitInfluence: Method<ExplicitSettings> = {
  ...card,
  defaults: { damping: 0.01, curvature: 'gauss-newton', epoch: LAST },
  grid: DAMPINGS.map((damping) => ({ damping })),
  async open(attribution, settings, options = {}) {
    const watch = watchOf(options);
    const damping = amountOf('damping', settings.damping, 0);
    checkedSize(attribution);
    const open = async (run: TrainedRun, part: WorkWatch) => {
      const state = await curvatureAt(attribution, run, settings, part);
      return scorerAt(attribution, state, damping, options, part);
    };
    return ensembleScorer(aboutScores(card), attribution.runs, open, watch);
  },
  async *sweep(attribution, settings, outputs, options = {}) {
    const watch = watchOf(options);
    checkedSize(attribution);
    const dampings = settings.map(({ damping }) => amountOf('damping', damping, 0));
    const sums = settings.map(() => new Float64Array(outputs.rows * attribution.samples.rows));
    for (const [r, run] of attribution.runs.entries()) {
      const known = new Map<string, State>();
      for (const [s, setting] of settings.entries()) {
        const key = `${setting.curvature} ${setting.epoch}`;
        const state = known.get(key) ?? (await curvatureAt(attribution, run, setting, watch));
        known.clear();
        known.set(key, state);
        const scores = await scoresAt(attribution, state, dampings[s], outputs, options, watch);
        for (const [i, score] of scores.data.entries()) sums[s][i] += score;
        watch.progress(r * settings.length + s + 1, attribution.runs.length * settings.length, 'settings');
      }
    }
    for (const sum of sums) {
      const data = Float32Array.from(sum, (score) => score / attribution.runs.length);
      yield finiteScores(card.name, { shape: [outputs.rows, attribution.samples.rows], data });
    }
  },
};

interface State {
  readonly parameters: Float32Array;
  /** The objective's own, without damping. */
  readonly curvature: Tensor<'float64'>;
}

/** Bytes of an entry of the curvature: itself and its factor. */
const ENTRY_BYTES = 16;

/** @throws MeedError when the matrix and its factor take more than half of the memory */
function checkedSize({ model: { parameterCount } }: Attribution): void {
  const needed = ENTRY_BYTES * parameterCount ** 2;
  const most = defaultMemory() / 2;
  if (needed <= most) return;
  throw new MeedError(
    `The curvature of ${parameterCount} parameters and its factor take ${formatBytes(needed)}, ${formatBytes(most)} are available for them`,
    'Choose cg, arnoldi or ekfac, which never hold it',
  );
}

async function curvatureAt(
  { engine, model, samples }: Attribution,
  run: TrainedRun,
  { curvature, epoch }: ExplicitSettings,
  watch: WorkWatch,
): Promise<State> {
  const { parameters } = stateAt(run, epoch, samples.rows);
  const kind = wordOf('curvature', curvature, KINDS);
  const matrix = await denseCurvature(engine, model, parameters, samples, kind, watch);
  addToDiagonal(matrix, ridgeOf(run.recipe));
  return { parameters, curvature: matrix };
}

async function scorerAt(
  { engine, model, samples }: Attribution,
  { parameters, curvature }: State,
  damping: number,
  { target }: ScoringOptions,
  watch: WorkWatch,
) {
  const products = openProducts(engine, 'float64');
  const factor = await dampedFactor(products, curvature, damping).catch(async (problem: unknown) => {
    await products.dispose();
    throw problem;
  });
  const { vectors: width } = gradientExtents(model);
  const inverse: InverseCurvature = {
    async solve(vectors) {
      const solved = await choleskySolve(products, factor, columnsOf(vectors, width));
      return rowsOf(solved, vectors.shape[0]);
    },
    dispose: () => products.dispose(),
  };
  return inverseScorer({ engine, model, parameters, rows: samples.rows, target }, inverse, watch);
}

async function scoresAt(
  attribution: Attribution,
  state: State,
  damping: number,
  outputs: Samples,
  options: ScoringOptions,
  watch: WorkWatch,
): Promise<Tensor> {
  const scorer = await scorerAt(attribution, state, damping, options, watch);
  try {
    return await scorer.score(outputs, attribution.samples);
  } finally {
    await scorer.dispose();
  }
}

/** The matrix is as it was afterwards; a copy would be as large again. */
async function dampedFactor(
  products: Products<'float64'>,
  curvature: Tensor<'float64'>,
  damping: number,
): Promise<CholeskyFactor<'float64'>> {
  const { shape, data } = curvature;
  const diagonal = Float64Array.from({ length: shape[0] }, (_, i) => data[i * shape[0] + i]);
  addToDiagonal(curvature, damping);
  try {
    return await cholesky(products, curvature);
  } finally {
    for (const [i, value] of diagonal.entries()) data[i * shape[0] + i] = value;
  }
}

function addToDiagonal({ shape: [size], data }: Tensor<'float64'>, amount: number): void {
  for (let i = 0; i < size; i++) data[i * size + i] += amount;
}

/** [rows, P] as columns [P, width], padded with zeros: a product's bits depend on its extents. */
function columnsOf({ shape: [rows, length], data }: Tensor, width: number): Tensor<'float64'> {
  const columns = new Float64Array(length * width);
  for (let k = 0; k < rows; k++) for (let p = 0; p < length; p++) columns[p * width + k] = data[k * length + p];
  return { shape: [length, width], data: columns };
}

function rowsOf({ shape: [length, width], data }: Tensor<'float64'>, rows: number): Tensor {
  const result = new Float32Array(rows * length);
  for (let k = 0; k < rows; k++) for (let p = 0; p < length; p++) result[k * length + p] = data[p * width + k];
  return { shape: [rows, length], data: result };
}
