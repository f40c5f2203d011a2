/** Which prover --prover and --rapidsnark ask for. */
import { MeedError } from '../foundation/index.js';
import { findRapidsnark, type ProverChoice } from '../prover/index.js';
import type { RunOptions } from './run.js';

/**
 * Undefined when neither option was given.
 * @throws MeedError (used wrongly) when the options contradict each other, or rapidsnark's executable is not there
 */
export async function proverChoice({
  prover,
  rapidsnark,
}: Pick<RunOptions, 'prover' | 'rapidsnark'>): Promise<ProverChoice | undefined> {
  if (prover === 'embedded' && rapidsnark !== undefined) {
    throw new MeedError(`--prover embedded does not use ${rapidsnark}`, 'Leave out --rapidsnark, or --prover', {
      exitCode: 2,
    });
  }
  if (prover === 'rapidsnark' || rapidsnark !== undefined) {
    return { name: 'rapidsnark', path: await findRapidsnark(rapidsnark) };
  }
  return prover === undefined ? undefined : { name: prover };
}
