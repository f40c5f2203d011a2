/** A run folder's model as attribution methods take it: samples, states along the run, and how it was trained. */
import { MeedError } from '../foundation/index.js';
import type { Attribution } from '../influence/index.js';
import type { TrainedModel } from '../models/index.js';
import { trainingSamples } from '../prover/index.js';
import type { Run } from './run.js';

export async function attributionOfRun(run: Run): Promise<Attribution> {
  const { dataset } = await run.dataset();
  const trained = await run.model();
  const { model, states, options } = trained;
  refuseUnlessScored(trained);
  const { epochs, batch, learningRate, momentum, seed } = options;
  return {
    engine: run.engine,
    model,
    samples: trainingSamples(dataset, trained),
    runs: [
      {
        states,
        seed,
        recipe: {
          epochs,
          batch,
          optimiser: { name: 'sgd', momentum, weightDecay: 0 },
          schedule: { name: 'constant', rate: learningRate },
          dropout: 0,
        },
      },
    ],
    seed: run.options.seed,
  };
}

function refuseUnlessScored({ states }: TrainedModel): void {
  if (states.length > 0) return;
  throw new MeedError('The model has no states', 'Run `meed train` again');
}
