/**
 * TRAK without projections: its exact dual. TRAK (Park et al. 2023, section 3) scores with
 * φ_q (ΦᵀΦ + λI)⁻¹ φ_i · (1 − p_i), where φ is the gradient of the margin log(p/(1 − p)) and Φ stacks the training
 * samples'. Its P × P matrix is why it projects; by the push-through identity the same number is
 * K_qt (K_tt + λI)⁻¹ on the kernel K = ΦΦᵀ, which factors give without any gradient being written out. A row that was not
 * trained on scores (K_qi − K_qt (K_tt + λI)⁻¹ K_ti)/λ, of which the formula for trained rows is the special case.
 * States are an ensemble as in the paper: the kernel part and 1 − p are averaged apart, then multiplied. States of one
 * training at several epochs are members too, and cost no training.
 * The trap: at the trained weights 1 − p is almost nothing on the rows that were learned, and its ranking with it; early
 * epochs are where it tells rows apart.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { openProducts, type Products } from '../../linalg/index.js';
import { type Losses, marginLosses, type Samples } from '../../models/index.js';
import { defaultMemory, formatBytes } from '../../work/index.js';
import { type FactorSource, type Factors, openFactors } from '../factors.js';
import { finiteScores } from '../finiteScores.js';
import { type GradientKernel, openKernel } from '../gradientKernel.js';
import { type DualPoint, dualPath, meanEigenvalue } from '../kernel/dualPath.js';
import { gram } from '../kernel/gram.js';
import { transposed } from '../kernel/transposed.js';
import { openTogether } from '../openTogether.js';
import type { ScoringOptions } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard, type RunState } from './method.js';
import { LAST, statesAtEpochs } from './runStates.js';
import { amountOf } from './settings.js';
import { countOf, wordOf } from './vectorMethod.js';

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
  source: 'Park et al. 2023, "TRAK: attributing model behavior at scale", section 3, in the dual',
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
    { damping: 0.3 },
    { damping: 3 },
    { epochs: '1' },
    { epochs: '2' },
    { epochs: '5' },
    { epochs: '10' },
    { epochs: '2,5' },
    { epochs: '5,10' },
    { epochs: '2,5,10' },
  ],
  async open(attribution, settings, options = {}): Promise<Scorer> {
    check(attribution, settings);
    return {
      ...aboutScores(card),
      async score(outputs, samples) {
        const [scores] = await dualScores(attribution, [settings], outputs, samples, options);
        return scores;
      },
      async dispose() {},
    };
  },
  async *sweep(attribution, settings, outputs, options = {}) {
    for (const one of settings) check(attribution, one);
    const kinds = new Map<number | string, Promise<Tensor[]>>();
    for (const one of settings) {
      const alike = settings.filter(({ features }) => features === one.features);
      const scores = kinds.get(one.features) ?? dualScores(attribution, alike, outputs, attribution.samples, options);
      kinds.set(one.features, scores);
      yield (await scores)[alike.indexOf(one)];
    }
  },
};

function check(attribution: Attribution, { damping, rank, features, epochs }: TrakDualSettings): void {
  amountOf('damping', damping, Number.MIN_VALUE);
  countOf('rank', rank, 0);
  checkFeatures(attribution, features);
  statesAtEpochs(attribution, epochs);
  checkMemory(attribution.samples.rows);
}

/** What is averaged for one of the settings. */
interface Average {
  readonly settings: TrakDualSettings;
  /** States of the ensemble, in order. */
  readonly states: readonly RunState[];
  /** Mean kernel part [m, rows]. */
  readonly weights: Float32Array;
  /** Mean 1 − p of each sample. */
  readonly doubts: Float64Array;
}

/**
 * @param settings of one kind of features; a state that several ask for is computed once
 * @returns one matrix [outputs, samples] for each of the settings
 */
async function dualScores(
  attribution: Attribution,
  settings: readonly TrakDualSettings[],
  outputs: Samples,
  samples: Samples,
  options: ScoringOptions,
): Promise<Tensor[]> {
  const { samples: trained } = attribution;
  if (samples !== trained && settings.some(({ rank }) => rank > 0)) {
    throw new MeedError('Rows that were not trained on have no score of a part of the spectrum', 'Use rank 0', {
      exitCode: 2,
    });
  }
  const [m, rows] = [outputs.rows, samples.rows];
  const averages = settings.map(
    (one): Average => ({
      settings: one,
      states: statesAtEpochs(attribution, one.epochs),
      weights: new Float32Array(m * rows),
      doubts: new Float64Array(rows),
    }),
  );
  const union = [...new Set(averages.flatMap(({ states }) => states))];
  const session = await openSession(attribution, settings[0].features, options);
  const watch = watchOf(options);
  try {
    for (const [s, state] of union.entries()) {
      watch.throwIfCancelled();
      await addState(
        session,
        state,
        averages.filter(({ states }) => states.includes(state)),
        { trained, outputs, samples },
      );
      watch.progress(s + 1, union.length, `kernels of ${trained.rows} samples`);
    }
  } finally {
    await session.dispose();
  }
  return averages.map(({ weights, doubts }) =>
    finiteScores(card.name, { shape: [m, rows], data: weights.map((weight, k) => weight * doubts[k % rows]) }),
  );
}

interface Session {
  readonly engine: Engine;
  readonly ofSamples: FactorSource;
  readonly ofOutputs: FactorSource;
  readonly kernel: GradientKernel;
  readonly products: Products;
  dispose(): Promise<void>;
}

async function openSession(
  attribution: Attribution,
  features: number | string,
  { target }: ScoringOptions,
): Promise<Session> {
  const { engine, model } = attribution;
  const own: Losses = checkFeatures(attribution, features) === 'margin' ? marginLosses : model.losses;
  return openTogether(async (keep) => {
    const ofSamples = await keep(openFactors(engine, model, own));
    const ofOutputs =
      target === undefined || target === own ? ofSamples : await keep(openFactors(engine, model, target));
    const [kernel, products] = [openKernel(engine), openProducts(engine)];
    return {
      engine,
      ofSamples,
      ofOutputs,
      kernel,
      products,
      async dispose() {
        await ofSamples.dispose();
        if (ofOutputs !== ofSamples) await ofOutputs.dispose();
        await kernel.dispose();
        await products.dispose();
      },
    };
  });
}

/** Adds one state's part to every average that has it. */
async function addState(
  { engine, ofSamples, ofOutputs, kernel, products }: Session,
  { parameters }: RunState,
  averages: readonly Average[],
  { trained, outputs, samples }: { readonly trained: Samples; readonly outputs: Samples; readonly samples: Samples },
): Promise<void> {
  const between = async (left: Factors, right: Factors): Promise<Tensor> => {
    const k: Tensor = { shape: [left.rows, right.rows], data: new Float32Array(left.rows * right.rows) };
    await kernel.addTo(k, { row: 0, column: 0 }, 1, left, right);
    return k;
  };
  const own = samples === trained;
  const there = await ofSamples.factors(parameters, trained);
  const asked = await ofOutputs.factors(parameters, outputs);
  const given = own ? there : await ofSamples.factors(parameters, samples);
  const [square, cross] = [await gram(kernel, there), transposed(await between(asked, there))];
  const others = own ? undefined : { ofOutputs: await between(asked, given), ofTrained: await between(there, given) };
  const mean = meanEigenvalue(square);
  const alike = new Map<string, Average[]>();
  for (const average of averages) {
    const key = `${average.settings.damping} ${average.settings.rank}`;
    alike.set(key, [...(alike.get(key) ?? []), average]);
  }
  const groups = [...alike.values()];
  const points = groups.map(([{ settings }]) => pointOf(settings));
  let group = 0;
  for await (const weights of dualPath(engine, square, cross, points)) {
    const lambda = points[group].damping * mean;
    const part = others ? await outside(products, weights, others, lambda) : weights.data;
    for (const { settings, states, weights: to, doubts } of groups[group++]) {
      for (let i = 0; i < to.length; i++) to[i] += part[i] / states.length;
      addDoubts(doubts, given.losses, settings.features, states.length);
    }
  }
}

function pointOf({ damping, rank }: TrakDualSettings): DualPoint {
  return rank === 0 ? { damping } : { damping, rank };
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
