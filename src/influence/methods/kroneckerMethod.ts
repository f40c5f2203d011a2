/** What K-FAC and EK-FAC share: the curvature is fitted at each run's state, and dampings share the fit. */

import { finiteScores } from '../finiteScores.js';
import { type CurvedState, type EigenvalueKind, eigenForm, inverseSource, openKronecker } from '../kronecker/index.js';
import { openLayerGradients } from '../layers/index.js';
import { scoreBlocks, wholeOf } from '../layers/plan.js';
import { type WorkWatch, watchOf } from '../watch.js';
import type { Attribution, MethodCard } from './method.js';
import { LAST, statesAt } from './runStates.js';
import { type VectorMethod, vectorMethod, wordOf } from './vectorMethod.js';

export type KroneckerSettings = {
  /** Share of each layer's mean eigenvalue. */
  readonly damping: number;
  readonly epoch: number | string;
  /** 'sampled': targets drawn from the model; 'empirical': the samples' own. */
  readonly fisher: string;
};

const DEFAULTS: KroneckerSettings = { damping: 0.1, epoch: LAST, fisher: 'sampled' };
const DAMPINGS = [1e-3, 1e-2, 1, 10];

export function kroneckerMethod(card: MethodCard, kind: EigenvalueKind): VectorMethod<KroneckerSettings> {
  const method = vectorMethod<KroneckerSettings>({
    ...card,
    defaults: DEFAULTS,
    grid: DAMPINGS.map((damping) => ({ damping })),
    plan: (attribution, settings, watch) => ({
      form: eigenForm,
      async prepare(gradients) {
        const states = await curvedStates(attribution, settings, kind, watch);
        return inverseSource(gradients, states, settings.damping, attribution.samples.rows);
      },
    }),
  });
  return {
    ...method,
    async *sweep(attribution, settings, outputs, options) {
      const { engine, model, samples } = attribution;
      const watch = watchOf(options);
      const gradients = await openLayerGradients(engine, model, { target: options?.target, form: eigenForm });
      const fits = new Map<string, CurvedState[]>();
      try {
        for (const setting of settings) {
          const key = `${setting.epoch} ${setting.fisher}`;
          const states = fits.get(key) ?? (await curvedStates(attribution, setting, kind, watch));
          fits.set(key, states);
          const source = inverseSource(gradients, states, setting.damping, samples.rows);
          const parts = await scoreBlocks(gradients, source, outputs, samples, watch);
          yield finiteScores(card.name, wholeOf(parts, outputs, samples));
        }
      } finally {
        await gradients.dispose();
      }
    },
  };
}

/** The curvature at each run's state, of all samples. */
export async function curvedStates(
  attribution: Attribution,
  { epoch, fisher }: Omit<KroneckerSettings, 'damping'>,
  kind: EigenvalueKind,
  watch: WorkWatch,
): Promise<CurvedState[]> {
  const { engine, model, samples, seed } = attribution;
  const fitter = await openKronecker(engine, model, {
    kind,
    fisher: wordOf('fisher', fisher, ['sampled', 'empirical'] as const),
    seed,
    watch,
  });
  try {
    const states: CurvedState[] = [];
    for (const { parameters } of statesAt(attribution, epoch)) {
      states.push({ parameters, curvature: await fitter.fit([parameters], samples) });
      watch.progress(states.length, attribution.runs.length, 'curvatures');
    }
    return states;
  } finally {
    await fitter.dispose();
  }
}
