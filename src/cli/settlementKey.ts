/** The key of a deployment's settlement: of a published ceremony where one is named, the development key otherwise. */
import type { Deployment } from '../chain/index.js';
import { MeedError } from '../foundation/index.js';
import {
  ceremonyKey,
  circuitId,
  compileCircuit,
  developmentKey,
  type ProvingKey,
  scoreMatrixCircuit,
} from '../prover/index.js';

/** @throws MeedError when the contracts were deployed with another key */
export async function settlementKey({ instance, ...deployed }: Deployment, folder?: string): Promise<ProvingKey> {
  const circuit = await compileCircuit(scoreMatrixCircuit(instance));
  const key = await (folder === undefined ? developmentKey(circuit) : ceremonyKey(folder, circuit));
  if (circuitId(instance, key.verificationKey) === deployed.circuitId) return key;
  throw new MeedError('The contracts were deployed with another key', 'Name the ceremony of their key with --key');
}
