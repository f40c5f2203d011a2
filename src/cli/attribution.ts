/** A run folder's model and samples as attribution methods take them. */
import type { Attribution } from '../influence/index.js';
import { attributionOf, trainingSamples } from '../prover/index.js';
import type { Run } from './run.js';

export async function attributionOfRun(run: Run): Promise<Attribution> {
  const { dataset } = await run.dataset();
  const trained = await run.model();
  return attributionOf(run.engine, trained, trainingSamples(dataset, trained));
}
