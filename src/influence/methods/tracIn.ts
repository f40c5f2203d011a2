/**
 * TracIn (Pruthi et al. 2020): gradient products at several checkpoints, each weighed by the step size of the training there
 * ("TracInCP"). The trap: it knows plain SGD. Momentum, or AdamW's denominators, move the weights
 * further than the step size says; in-run counts the momentum's part.
 */
import { MeedError } from '../../foundation/index.js';
import { ratesOf } from '../../models/index.js';
import { ensembleScorer } from '../ensemble.js';
import { pathScorer, type WeightedState } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { aboutScores, type Method, type MethodCard, type TrainedRun } from './method.js';
import { stateAt, stepsOfEpoch } from './runStates.js';

const card: MethodCard = {
  name: 'tracin',
  source: 'Pruthi et al. 2020, "Estimating Training Data Influence by Tracing Gradient Descent", TracInCP',
  claim: 'how much steps on this sample at the checkpoints lowered the loss of the output, to first order',
  scale: "nats of the output's loss for one visit of the sample between two checkpoints, by itself",
  cost: 'that of grad-dot for each checkpoint',
  needs: ['checkpoints'],
  form: 'bilinear',
  additivity: 'relative',
};

/** Every state at the end of an epoch. */
const ALL = 'all';

export const tracIn: Method<{ readonly epochs: number | string }> = {
  ...card,
  defaults: { epochs: ALL },
  grid: [],
  async open({ engine, model, runs, samples }, { epochs }, options = {}) {
    const paths = runs.map((run) => weightedStates(run, samples.rows, epochs));
    const about = aboutScores(card);
    const open = (path: readonly WeightedState[], { progress }: WorkWatch): Promise<Scorer> =>
      pathScorer(engine, model, path, about, { ...options, progress });
    return ensembleScorer(about, paths, open, watchOf(options));
  },
};

function weightedStates(run: TrainedRun, rows: number, epochs: number | string): WeightedState[] {
  const perEpoch = stepsOfEpoch(run, rows);
  const ends = run.states.filter(({ step }) => step > 0 && step % perEpoch === 0);
  const chosen = epochs === ALL ? ends : listed(String(epochs)).map((epoch) => stateAt(run, epoch, rows));
  if (chosen.length === 0) {
    throw new MeedError(
      `The run has no state at the end of an epoch; its states are of the steps ${run.states.map(({ step }) => step).join(', ')}`,
      'Keep states at the ends of epochs, or name those to use, such as "0, 1, 5"',
    );
  }
  const rates = ratesOf(run.recipe, run.rows?.length ?? rows);
  return chosen.map(({ step, parameters }) => {
    // the rate of the step that led to the state; the initial one has that of the step it is left by
    const weight = rates[Math.max(0, step - 1)];
    if (weight !== undefined) return { parameters, weight };
    throw new MeedError(
      `A state of step ${step} was given for a training of ${rates.length}`,
      'Give the run its recipe',
    );
  });
}

function listed(epochs: string): number[] {
  return epochs.split(',').map((text) => {
    const epoch = Number(text);
    if (text.trim() !== '' && Number.isFinite(epoch) && epoch >= 0) return epoch;
    throw new MeedError(`"${text}" is no epoch`, `Name epochs by numbers and commas, such as "1,2,5", or "${ALL}"`);
  });
}
