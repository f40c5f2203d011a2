/** Statements of the smallest ScoreMatrix, and the key that they are proven with. */
import { compileCircuit } from '../../../src/prover/circuit.js';
import { developmentKey } from '../../../src/prover/devkey/index.js';
import type { ProvingKey } from '../../../src/prover/provingKey.js';
import { loadHasher } from '../../../src/prover/reference/index.js';
import type { Statement } from '../../../src/prover/service/index.js';
import { SCORE_MATRIX, scoreMatrixCircuit } from '../../../src/prover/templates.js';
import { anyEntry, honestInput, TINY } from '../support/statements.js';

export async function tinyKey(): Promise<ProvingKey> {
  return developmentKey(await compileCircuit(scoreMatrixCircuit(TINY)));
}

/** The same statements for the same seeds. */
export async function tinyStatements(count: number, firstSeed = 1): Promise<Statement[]> {
  const hasher = await loadHasher();
  return Array.from({ length: count }, (_, i) => {
    const input = honestInput(hasher, TINY, firstSeed + i, anyEntry);
    return {
      name: `statement ${i}`,
      publicSignals: SCORE_MATRIX.publicInputs.map((name) => input[name] as bigint),
      input: () => input,
    };
  });
}
