/** The witness generator is used again and again: what it gives never depends on what it was given before. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileCircuit } from '../../../src/prover/circuit.js';
import { loadHasher } from '../../../src/prover/reference/index.js';
import { receivedSignals, sentSignals } from '../../../src/prover/service/statement.js';
import { scoreMatrixCircuit } from '../../../src/prover/templates.js';
import { type CircuitInput, calculateWitness, WitnessGenerator } from '../../../src/prover/witnessCalculator.js';
import { anyEntry, extreme, honestInput, TINY } from '../support/statements.js';

let wasmPath: string;
let inputs: CircuitInput[];

beforeAll(async () => {
  ({ wasmPath } = await compileCircuit(scoreMatrixCircuit(TINY)));
  const hasher = await loadHasher();
  inputs = [honestInput(hasher, TINY, 1, anyEntry), honestInput(hasher, TINY, 2, extreme)];
});

describe('a witness generator', () => {
  it('gives one statement after the other what a new one gives', async () => {
    const generator = await WitnessGenerator.open(wasmPath);
    for (const input of [...inputs, inputs[0]]) {
      expect(await generator.calculate(input)).toEqual(await calculateWitness(wasmPath, input));
    }
  });

  it('goes on after values that do not satisfy the circuit', async () => {
    const generator = await WitnessGenerator.open(wasmPath);
    const wrong = { ...inputs[0], evaluation: (inputs[0].evaluation as bigint) + 1n };
    await expect(generator.calculate(wrong)).rejects.toThrow(/The values do not satisfy the circuit/);
    await expect(generator.calculate({ ...inputs[0], rho: [1n, 2n] })).rejects.toThrow(
      /The signal rho was given 2 values, the circuit has 1 values/,
    );
    expect(await generator.calculate(inputs[1])).toEqual(await calculateWitness(wasmPath, inputs[1]));
  });

  it('takes signals as they are sent', async () => {
    for (const input of inputs) {
      const sent = sentSignals(input);
      expect(sent.slots).toBeInstanceOf(Uint16Array);
      expect(sent.indexId).not.toBeInstanceOf(Uint16Array);
      expect(await calculateWitness(wasmPath, receivedSignals(sent))).toEqual(await calculateWitness(wasmPath, input));
    }
  });

  it('is refused when its file is no program', async () => {
    await expect(WitnessGenerator.open(new URL(import.meta.url).pathname)).rejects.toThrow(/is no WebAssembly program/);
  });
});
