/**
 * TRAK (Park et al. 2023, section 3): τ = mean_m[φ_q (ΦᵀΦ + λI)⁻¹ Φᵀ] ⊙ mean_m(1 − p), with φ the gradient of the
 * margin log(p/(1 − p)) projected to k random directions. The literature's yardstick; `trak-dual` gives the limit k → ∞
 * for less. λ is relative to the mean of the k eigenvalues of ΦᵀΦ.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { cholesky, choleskySolve, openProducts, type Products } from '../../linalg/index.js';
import { marginLosses, type Samples } from '../../models/index.js';
import { defaultMemory } from '../../work/index.js';
import { finiteScores } from '../finiteScores.js';
import { openGradientRows } from '../gradients/index.js';
import { meanEigenvalue } from '../kernel/dualPath.js';
import { openRandomProjection } from '../kernel/randomProjection.js';
import { transposed } from '../kernel/transposed.js';
import type { ScoringOptions } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, statesAtEpochs } from './runStates.js';
import { amountOf } from './settings.js';
import { countOf } from './vectorMethod.js';

export interface TrakSettings extends Readonly<Record<string, number | string>> {
  /** Random directions k. */
  readonly columns: number;
  /** λ relative to the mean eigenvalue of ΦᵀΦ. */
  readonly damping: number;
  /** Epochs of each run whose states are members, as "1,2,5" or "last". */
  readonly epochs: number | string;
}

const card: MethodCard = {
  name: 'trak',
  source: 'Park et al. 2023, "TRAK: attributing model behavior at scale", section 3',
  claim:
    'how much the sample raised the log-odds of the output, were the model linear, seen through random projections',
  scale: 'log-odds of the output, averaged over the models',
  cost: '2·n·P·k operations for each model; k numbers a sample',
  needs: ['classes', 'ensemble'],
  form: 'bilinear',
  additivity: 'relative',
};

export const trak: Method<TrakSettings> = {
  ...card,
  defaults: { columns: 2048, damping: 1e-2, epochs: LAST },
  grid: [1e-4, 1e-3, 0.1, 1].map((damping) => ({ damping })),
  async open(attribution, settings, options = {}): Promise<Scorer> {
    check(attribution, settings);
    return {
      ...aboutScores(card),
      async score(outputs, samples) {
        const [scores] = await trakScores(attribution, settings, [settings.damping], outputs, samples, options);
        return scores;
      },
      async dispose() {},
    };
  },
  async *sweep(attribution, settings, outputs, options = {}) {
    const alike = new Map<string, Promise<Tensor[]>>();
    const keyOf = ({ columns, epochs }: TrakSettings): string => `${columns} ${epochs}`;
    for (const one of settings) {
      check(attribution, one);
      const group = settings.filter((other) => keyOf(other) === keyOf(one));
      const dampings = group.map(({ damping }) => damping);
      const scores =
        alike.get(keyOf(one)) ?? trakScores(attribution, one, dampings, outputs, attribution.samples, options);
      alike.set(keyOf(one), scores);
      yield (await scores)[group.indexOf(one)];
    }
  },
};

function check(attribution: Attribution, { columns, damping, epochs }: TrakSettings): void {
  countOf('columns', columns, 1);
  amountOf('damping', damping, 0);
  const { objective } = attribution.model;
  if (objective !== 'class' && objective !== 'next-token') {
    throw new MeedError(`A model of the objective ${objective} has no margin`, 'Use trak-dual with features = loss', {
      exitCode: 2,
    });
  }
  statesAtEpochs(attribution, epochs);
}

/** @returns one matrix [outputs, samples] for each damping */
async function trakScores(
  attribution: Attribution,
  { columns, epochs }: Pick<TrakSettings, 'columns' | 'epochs'>,
  dampings: readonly number[],
  outputs: Samples,
  samples: Samples,
  options: ScoringOptions,
): Promise<Tensor[]> {
  const { engine, model, samples: trained, seed } = attribution;
  const watch = watchOf(options);
  const gradients = openGradientRows(engine, model, marginLosses);
  const explained = options.target ? openGradientRows(engine, model, options.target) : gradients;
  const products = openProducts(engine);
  const states = statesAtEpochs(attribution, epochs);
  const [m, rows] = [outputs.rows, samples.rows];
  const totals = dampings.map(() => new Float32Array(m * rows));
  const doubts = new Float64Array(rows);
  try {
    for (const [s, { parameters }] of states.entries()) {
      const projection = openRandomProjection(engine, model, {
        columns,
        seed: seed + s,
        memoryBytes: defaultMemory(),
      });
      try {
        const there = await projection.project(gradients, parameters, trained, watch);
        const asked = await projection.project(explained, parameters, outputs, watch);
        const given = samples === trained ? there : await projection.project(gradients, parameters, samples, watch);
        const square = await products.multiply('aTb', there.sketches, there.sketches);
        const wide = transposed(asked.sketches);
        for (const [d, damping] of dampings.entries()) {
          const solved = transposed(await dampedSolve(products, square, wide, damping));
          const part = (await products.multiply('abT', solved, given.sketches)).data;
          for (let i = 0; i < part.length; i++) totals[d][i] += part[i] / states.length;
        }
        for (let i = 0; i < rows; i++) doubts[i] += 1 / (1 + Math.exp(-given.losses[i])) / states.length;
      } finally {
        await projection.dispose();
      }
      watch.progress(s + 1, states.length, 'models');
    }
  } finally {
    await gradients.dispose();
    if (explained !== gradients) await explained.dispose();
    await products.dispose();
  }
  return totals.map((data) =>
    finiteScores(card.name, { shape: [m, rows], data: data.map((x, k) => x * doubts[k % rows]) }),
  );
}

/** (A + λI)⁻¹ B, λ relative to A's mean eigenvalue; zero where A is. */
async function dampedSolve(products: Products, a: Tensor, b: Tensor, damping: number): Promise<Tensor> {
  const mean = meanEigenvalue(a);
  if (mean === 0) return { shape: b.shape, data: new Float32Array(b.data.length) };
  const n = a.shape[0];
  const damped: Tensor = { shape: a.shape, data: a.data.slice() };
  for (let i = 0; i < n; i++) damped.data[i * n + i] += damping * mean;
  return choleskySolve(products, await cholesky(products, damped), b);
}
