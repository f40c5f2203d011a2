/**
 * A compiled circuit that a test puts values into: `proves` runs the witness generator and checks the result against the
 * constraints by a reader of its own, `refuses` wants the generator to stop at a constraint.
 */
import { expect } from 'vitest';
import { type CompiledCircuit, compileCircuit } from '../../../src/prover/circuit.js';
import { FIELD_MODULUS } from '../../../src/prover/reference/index.js';
import { type CircuitInput, WitnessGenerator } from '../../../src/prover/witnessCalculator.js';
import { ConstraintSystem, wireValues } from './constraints.js';

export class CircuitUnderTest {
  readonly #generator: WitnessGenerator;
  readonly circuit: CompiledCircuit;
  readonly system: ConstraintSystem;

  private constructor(circuit: CompiledCircuit, generator: WitnessGenerator, system: ConstraintSystem) {
    this.circuit = circuit;
    this.#generator = generator;
    this.system = system;
  }

  static async open(template: string, parameters: readonly number[]): Promise<CircuitUnderTest> {
    const circuit = await compileCircuit({ template, parameters });
    const generator = await WitnessGenerator.open(circuit.wasmPath);
    return new CircuitUnderTest(circuit, generator, await ConstraintSystem.read(circuit.r1csPath));
  }

  /** The wire values, all constraints holding. */
  async proves(input: CircuitInput): Promise<bigint[]> {
    const values = wireValues(await this.#generator.calculate(input));
    expect(this.system.broken(values)).toEqual([]);
    return values;
  }

  async refuses(input: CircuitInput): Promise<void> {
    await expect(this.#generator.calculate(input)).rejects.toThrow('do not satisfy');
  }

  /** Refuses the input with one added to each of these signals alone. */
  async refusesOneMore(input: CircuitInput, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const value = input[name];
      expect(typeof value, name).toBe('bigint');
      await this.refuses({ ...input, [name]: ((value as bigint) + 1n) % FIELD_MODULUS });
    }
  }

  /** Wires that can be changed alone, public ones included: to the next value, the negative, or another last bit. */
  looseWires(values: readonly bigint[]): number[] {
    const changed = [...values];
    const loose: number[] = [];
    for (let wire = 1; wire < values.length; wire++) {
      const before = values[wire];
      for (const other of [before + 1n, FIELD_MODULUS - before, before ^ 1n]) {
        changed[wire] = other % FIELD_MODULUS;
        if (changed[wire] !== before && this.system.acceptsChange(changed, [wire])) loose.push(wire);
      }
      changed[wire] = before;
    }
    return loose;
  }
}
