/** The prover that comes with Meed. The witness is computed in the same process and never touches the disk. */
import type { ProvingKey } from '../devkey/index.js';
import { prove } from '../groth16.js';
import type { Backend, BackendOptions } from './backend.js';

export async function openEmbedded(key: ProvingKey, { threads }: BackendOptions): Promise<Backend> {
  return {
    prove: (input, signal) => prove(key, input, { threads: threads === 1 ? 'single' : 'all', signal }),
    dispose: async () => {},
  };
}
