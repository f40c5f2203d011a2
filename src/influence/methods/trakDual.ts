/**
 * TRAK without projections: its exact dual. TRAK (Park et al. 2023, equation 17) scores with
 * φ_q (ΦᵀΦ + λI)⁻¹ φ_i · (1 − p_i), where φ is the gradient of the margin log(p/(1 − p)) and Φ stacks the training
 * samples'. Its P × P matrix is why it projects; by the push-through identity the same number is
 * K_qt (K_tt + λI)⁻¹ on the kernel K = ΦΦᵀ, which factors give without any gradient being written out. A row that was not
 * trained on scores (K_qi − K_qt (K_tt + λI)⁻¹ K_ti)/λ, of which the formula for trained rows is the special case.
 * States are an ensemble as in the paper: the kernel part and 1 − p are averaged apart, then multiplied. States of one
 * training at several epochs are members too, and cost no training.
 * The trap: at the trained weights 1 − p is almost nothing on the rows that were learned, and its ranking with it; early
 * epochs are where it tells rows apart.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { openProducts, type Products } from '../../linalg/index.js';
import { type Losses, marginLosses, type Samples } from '../../models/index.js';
import { defaultMemory, formatBytes } from '../../work/index.js';
import { type Factors, openFactors } from '../factors.js';
import { openKernel } from '../gradientKernel.js';
import { type DualPoint, dualPath, meanEigenvalue } from '../kernel/dualPath.js';
import { gram } from '../kernel/gram.js';
import type { ScoringOptions } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, statesAtEpochs } from './runStates.js';
import { wordOf } from './vectorMethod.js';

const FEATURES = ['margin', 'loss'] as const;

export interface TrakDualSettings extends Readonly<Record<string, number | string>> {
  /** λ relative to the kernel's mean eigenvalue. */
  readonly damping: number;
  /** Epochs of each run whose states are members, as "1,2,5" or "last". */
  readonly epochs: number | string;
  /** Gradients of the margin with 1 − p beside them, for classes; or of the loss, which has its 1 − p inside. */
  readonly features: string;
  /** Eigen-directions of each kernel, 0 for all. */
  readonly rank: number;
}

const card: MethodCard = {
  name: 'trak-dual',
  source: 'Park et al. 2023, "TRAK: attributing model behavior at scale", equations 13 and 17, in the dual',
  claim: 'how much the sample raised the log-odds of the output, were the model linear around its trained weights',
  scale: 'log-odds of the output (loss of the output with features = loss), averaged over the states',
  cost: 'for each state n² products of factors and n³/3 multiplications; n² numbers are held',
  needs: ['ensemble'],
  form: 'bilinear',
  additivity: 'relative',
};

export const trakDual: Method<TrakDualSettings> = {
  ...card,
  defaults: { damping: 1, epochs: LAST, features: 'margin', rank: 0 },
  grid: [
    { damping: 0.1 },
    { damping: 1 },
    { damping: 1, epochs: '1,2,3,5' },
    { damping: 1, epochs: '1,2,3,5,10,20,50' },
    { damping: 3, epochs: '1,2,3,5,10' },
  ],
  async open(attribution, settings, options = {}): Promise<Scorer> {
    checkFeatures(attribution, settings.features);
    statesAtEpochs(attribution, settings.epochs);
    return {
      ...aboutScores(card),
      async score(outputs, samples) {
        const [scores] = await dualScores(attribution, settings, [pointOf(settings)], outputs, samples, options);
        return scores;
      },
      async dispose() {},
    };
  },
  async *sweep(attribution, settings, outputs, options = {}) {
    const alike = new Map<string, Promise<Tensor[]>>();
    const keyOf = ({ epochs, features }: TrakDualSettings): string => `${features} ${epochs}`;
    for (const one of settings) {
      const group = settings.filter((other) => keyOf(other) === keyOf(one));
      const scores =
        alike.get(keyOf(one)) ??
        dualScores(attribution, one, group.map(pointOf), outputs, attribution.samples, options);
      alike.set(keyOf(one), scores);
      yield (await scores)[group.indexOf(one)];
    }
  },
};

function pointOf({ damping, rank }: TrakDualSettings): DualPoint {
  return rank === 0 ? { damping } : { damping, rank };
}

/** @returns one matrix [outputs, samples] for each point */
async function dualScores(
  attribution: Attribution,
  { epochs, features }: Pick<TrakDualSettings, 'epochs' | 'features'>,
  points: readonly DualPoint[],
  outputs: Samples,
  samples: Samples,
  options: ScoringOptions,
): Promise<Tensor[]> {
  const { engine, model, samples: trained } = attribution;
  checkMemory(trained.rows);
  if (samples !== trained && points.some(({ rank }) => rank !== undefined)) {
    throw new MeedError('Rows that were not trained on have no score of a part of the spectrum', 'Use rank 0', {
      exitCode: 2,
    });
  }
  const watch = watchOf(options);
  const ofSamples: Losses = checkFeatures(attribution, features) === 'margin' ? marginLosses : model.losses;
  const source = await openFactors(engine, model, ofSamples);
  const explained = options.target ?? ofSamples;
  const outputSource = explained === ofSamples ? source : await openFactors(engine, model, explained);
  const kernel = openKernel(engine);
  const products = openProducts(engine);
  const [n, m, rows] = [trained.rows, outputs.rows, samples.rows];
  const own = samples === trained;
  const totals = points.map(() => new Float32Array(m * rows));
  const doubts = new Float64Array(rows);
  const between = async (left: Factors, right: Factors): Promise<Tensor> => {
    const k: Tensor = { shape: [left.rows, right.rows], data: new Float32Array(left.rows * right.rows) };
    await kernel.addTo(k, { row: 0, column: 0 }, 1, left, right);
    return k;
  };
  try {
    const states = statesAtEpochs(attribution, epochs);
    for (const [s, { parameters }] of states.entries()) {
      watch.throwIfCancelled();
      const there = await source.factors(parameters, trained);
      const asked = await outputSource.factors(parameters, outputs);
      const given = own ? there : await source.factors(parameters, samples);
      const [square, cross] = [await gram(kernel, there), await between(there, asked)];
      const others = own
        ? undefined
        : { ofOutputs: await between(asked, given), ofTrained: await between(there, given) };
      let p = 0;
      for await (const weights of dualPath(engine, square, cross, points)) {
        const lambda = points[p].damping * meanEigenvalue(square);
        const part = others ? await outside(products, weights, others, lambda) : weights.data;
        const to = totals[p++];
        for (let i = 0; i < to.length; i++) to[i] += part[i] / states.length;
      }
      addDoubts(doubts, given.losses, features, states.length);
      watch.progress(s + 1, states.length, `kernels of ${n} samples`);
    }
  } finally {
    await source.dispose();
    if (outputSource !== source) await outputSource.dispose();
    await kernel.dispose();
    await products.dispose();
  }
  return totals.map((weights) => {
    for (let k = 0; k < weights.length; k++) weights[k] *= doubts[k % rows];
    return { shape: [m, rows], data: weights };
  });
}

interface Outside {
  /** K_qi [m, rows] */
  readonly ofOutputs: Tensor;
  /** K_ti [n, rows] */
  readonly ofTrained: Tensor;
}

/** (K_qi − Z K_ti)/λ of rows that were not trained on. */
async function outside(
  products: Products,
  weights: Tensor,
  { ofOutputs, ofTrained }: Outside,
  lambda: number,
): Promise<Float32Array> {
  const explained = (await products.multiply('ab', weights, ofTrained)).data;
  return ofOutputs.data.map((k, i) => (lambda === 0 ? 0 : (k - explained[i]) / lambda));
}

/** 1 − p = 1/(1 + e^margin) of each sample; nothing where the gradient has it inside. */
function addDoubts(doubts: Float64Array, losses: Float32Array, features: number | string, states: number): void {
  for (let i = 0; i < doubts.length; i++) {
    doubts[i] += (features === 'margin' ? 1 / (1 + Math.exp(-losses[i])) : 1) / states;
  }
}

function checkFeatures({ model }: Attribution, given: number | string): (typeof FEATURES)[number] {
  const features = wordOf('features', given, FEATURES);
  if (features === 'loss' || model.objective === 'class' || model.objective === 'next-token') return features;
  throw new MeedError(`A model of the objective ${model.objective} has no margin`, 'Use features = loss', {
    exitCode: 2,
  });
}

/** Kernel, its damped copy and the factor. */
const MATRICES_HELD = 3;

function checkMemory(n: number): void {
  const bytes = MATRICES_HELD * 4 * n * n;
  if (bytes <= defaultMemory()) return;
  throw new MeedError(
    `The kernels of ${n} samples take ${formatBytes(bytes)}, there are ${formatBytes(defaultMemory())}`,
    'Use trak, which projects, or fewer samples',
  );
}
