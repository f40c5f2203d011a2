/** The Poseidon template written for this project against the published values and the library, for every arity. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourcePath } from '../../src/foundation/index.js';
import { runCompiler } from '../../src/prover/compiler.js';
import { loadHasher } from '../../src/prover/reference/index.js';
import { calculateWitness } from '../../src/prover/witnessCalculator.js';
import { ConstraintSystem, wireValues } from './support/constraints.js';
import { poseidonCost } from './support/costs.js';

const ARITIES = Array.from({ length: 16 }, (_, i) => i + 1);

describe('the Poseidon template', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meed-poseidon-'));
    await mkdir(join(folder, 'circomlib'));
    await writeFile(
      join(folder, 'circomlib', 'poseidon_constants.circom'),
      await readFile(resourcePath('node_modules', 'circomlib', 'circuits', 'poseidon_constants.circom')),
    );
    await writeFile(join(folder, 'poseidon.circom'), await readFile(resourcePath('circuits', 'poseidon.circom')));
    // One circuit with every arity: outputs are Poseidon(x_1 … x_n) for n = 1 … 16.
    await writeFile(
      join(folder, 'main.circom'),
      `pragma circom 2.1.0;
include "poseidon.circom";
template All() {
    signal input x[16];
    signal output out[16];
    component hash[16];
    for (var n = 1; n <= 16; n++) {
        hash[n - 1] = Poseidon(n);
        for (var i = 0; i < n; i++) hash[n - 1].inputs[i] <== x[i];
        out[n - 1] <== hash[n - 1].out;
    }
}
component main = All();
`,
    );
    await runCompiler(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has three constraints an S-box and agrees with the library at every arity', async () => {
    const { hash } = await loadHasher();
    const system = await ConstraintSystem.read(join(folder, 'main.r1cs'));
    const expected = ARITIES.reduce((sum, n) => sum + poseidonCost(n), 0);
    expect(system.count).toBe(expected);
    for (const x of [ARITIES.map(BigInt), ARITIES.map((n) => 3n ** BigInt(9 * n)), ARITIES.map(() => 0n)]) {
      const values = wireValues(await calculateWitness(join(folder, 'main_js', 'main.wasm'), { x }));
      expect(values.slice(1, 17)).toEqual(ARITIES.map((n) => hash(x.slice(0, n))));
      expect(system.accepts(values)).toBe(true);
    }
  });
});
