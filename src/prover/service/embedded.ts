/**
 * The prover that comes with Meed. The key is parsed once and kept for the statements that follow; the witness is computed
 * in the same process and never touches the disk.
 */
import type { ProvingKey } from '../devkey/index.js';
import { openProver } from '../fast/index.js';
import { WitnessGenerator } from '../witnessCalculator.js';
import type { Backend, BackendOptions } from './backend.js';

export async function openEmbedded(key: ProvingKey, { threads }: BackendOptions): Promise<Backend> {
  const generator = await WitnessGenerator.open(key.circuit.wasmPath);
  const prover = await openProver(key, { threads });
  return {
    async prove(input, signal) {
      const wtns = await generator.calculate(input);
      signal.throwIfAborted();
      return prover.prove(wtns, { signal });
    },
    dispose: () => prover.dispose(),
  };
}
