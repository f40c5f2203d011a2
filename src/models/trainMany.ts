/**
 * Many models at once: one a worker, not a leading ensemble axis. Measured with bench/training.ts: a batched product of
 * small matrices on one thread is no faster than the same products one after the other, and the weights and velocities
 * of several models no longer stay in the cache.
 */
import { type MapOptions, runMap } from '../work/index.js';
import retrain, { type Retrained, type RetrainInput } from './retrain.task.js';

/** What one of the models differs in. */
export type Member = Pick<RetrainInput, 'rows' | 'seed' | 'sampleWeights'>;

/**
 * @param shared all that the members have in common
 * @param options where to run (`localPool({ workers: 2 })`), progress, store of finished members
 * @returns one model per member, in their order, the same bits whatever the number of workers
 */
export function trainMany(
  shared: Omit<RetrainInput, keyof Member>,
  members: readonly Member[],
  options: MapOptions = {},
): Promise<Retrained[]> {
  const inputs = members.map((member): RetrainInput => ({ ...shared, ...member }));
  return runMap(retrain, inputs, { unit: 'retrainings', ...options });
}
