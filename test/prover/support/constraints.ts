/**
 * A checker of R1CS that shares nothing with the compiler or the prover: it reads the constraints, and says which of
 * them a list of wire values breaks. Mutating one wire re-checks only the constraints that mention it.
 */
import { readFile } from 'node:fs/promises';
import { constraintsOf, type LinearCombination, readInteger } from '../../../src/prover/r1cs.js';
import { FIELD_MODULUS } from '../../../src/prover/reference/constants.js';

export class ConstraintSystem {
  readonly #constraints: readonly (readonly [LinearCombination, LinearCombination, LinearCombination])[];
  /** Constraints that mention a wire. */
  readonly #uses = new Map<number, number[]>();

  private constructor(bytes: Uint8Array) {
    this.#constraints = [...constraintsOf(bytes)];
    this.#constraints.forEach((parts, index) => {
      for (const wire of new Set(parts.flatMap((part) => part.wires))) {
        const uses = this.#uses.get(wire);
        if (uses === undefined) this.#uses.set(wire, [index]);
        else uses.push(index);
      }
    });
  }

  static async read(path: string): Promise<ConstraintSystem> {
    return new ConstraintSystem(await readFile(path));
  }

  get count(): number {
    return this.#constraints.length;
  }

  /** Whether all constraints hold. */
  accepts(values: readonly bigint[]): boolean {
    return this.#constraints.every((_, index) => this.#holds(values, index));
  }

  /** Indices of the constraints that do not hold. */
  broken(values: readonly bigint[]): number[] {
    return this.#constraints.map((_, index) => index).filter((index) => !this.#holds(values, index));
  }

  /** Whether all constraints that mention the wires hold; enough when the values held before the wires were changed. */
  acceptsChange(values: readonly bigint[], wires: readonly number[]): boolean {
    return wires.every((wire) => (this.#uses.get(wire) ?? []).every((index) => this.#holds(values, index)));
  }

  /** Whether some constraint says wire·wire = wire and nothing else. */
  isBoolean(wire: number): boolean {
    const alone = (part: LinearCombination): boolean =>
      part.wires.length === 1 && part.wires[0] === wire && part.coefficients[0] === 1n;
    return (this.#uses.get(wire) ?? []).some((index) => this.#constraints[index].every(alone));
  }

  #holds(values: readonly bigint[], index: number): boolean {
    const [a, b, c] = this.#constraints[index].map((part) =>
      part.wires.reduce((sum, wire, i) => sum + part.coefficients[i] * values[wire], 0n),
    );
    return (a * b - c) % FIELD_MODULUS === 0n;
  }
}

/** The wire values of a .wtns file: section 2, 32 bytes each. */
export function wireValues(wtns: Uint8Array): bigint[] {
  const view = new DataView(wtns.buffer, wtns.byteOffset, wtns.byteLength);
  let position = 12;
  while (view.getUint32(position, true) !== 2) position += 12 + Number(view.getBigUint64(position + 4, true));
  const count = Number(view.getBigUint64(position + 4, true)) / 32;
  return Array.from({ length: count }, (_, i) => readInteger(wtns, position + 12 + 32 * i, 32));
}
