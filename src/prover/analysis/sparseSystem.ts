/**
 * An R1CS in typed arrays: wires and coefficient numbers one after another, each distinct coefficient a bigint once. A
 * circuit of 170,000 constraints has millions of terms and a few thousand distinct coefficients, so this is what makes
 * the analysis of whole circuits possible.
 * Wires: 0 is the constant, then outputs, public inputs, private inputs, and what the circuit computes.
 * The trap: the header counts private inputs that were declared, but circom gives no wire to one that no constraint
 * mentions; taken at its word, the count would pass computed wires off as inputs. So inputs are told by their labels.
 */
import { readInteger, readR1csHeader } from '../r1cs.js';
import { modulo } from './field.js';

export const CONSTANT = 0;
const FIELD_BYTES = 32;
const HEADER_SECTION = 1;
const LABELS_SECTION = 3;

/** A·B = C. */
export type Part = 0 | 1 | 2;
export const A: Part = 0;
export const B: Part = 1;
export const C: Part = 2;

export class SparseSystem {
  readonly wires: number;
  readonly constraints: number;
  readonly outputs: number;
  readonly publicInputs: number;
  /** Private inputs that have a wire. */
  readonly privateInputs: number;
  /** Private inputs that no constraint mentions. */
  readonly droppedInputs: number;
  /** Terms of part p of constraint c are those from starts[3 c + p] to starts[3 c + p + 1]. */
  readonly #starts: Int32Array;
  readonly #termWires: Int32Array;
  readonly #termCoefficients: Int32Array;
  readonly #coefficients: readonly bigint[];
  /** Constraints that mention wire w: from useStarts[w] to useStarts[w + 1]. */
  readonly #useStarts: Int32Array;
  readonly #uses: Int32Array;

  constructor(bytes: Buffer) {
    const header = readR1csHeader(bytes);
    const counts = countsOf(bytes);
    this.wires = header.wires;
    this.constraints = header.constraints;
    this.outputs = counts.outputs;
    this.publicInputs = counts.publicInputs;
    this.privateInputs = counts.privateInputs;
    this.droppedInputs = counts.droppedInputs;

    const terms = (header.constraintsBytes - 12 * header.constraints) / (4 + FIELD_BYTES);
    this.#starts = new Int32Array(3 * header.constraints + 1);
    this.#termWires = new Int32Array(terms);
    this.#termCoefficients = new Int32Array(terms);
    const numbers = new Map<string, number>();
    const coefficients: bigint[] = [];
    let position = header.constraintsAt;
    let term = 0;
    for (let part = 0; part < 3 * header.constraints; part++) {
      const end = term + bytes.readUInt32LE(position);
      position += 4;
      for (; term < end; term++) {
        this.#termWires[term] = bytes.readUInt32LE(position);
        const key = bytes.toString('latin1', position + 4, position + 4 + FIELD_BYTES);
        let number = numbers.get(key);
        if (number === undefined) {
          number = coefficients.push(readInteger(bytes, position + 4, FIELD_BYTES)) - 1;
          numbers.set(key, number);
        }
        this.#termCoefficients[term] = number;
        position += 4 + FIELD_BYTES;
      }
      this.#starts[part + 1] = term;
    }
    this.#coefficients = coefficients;
    [this.#useStarts, this.#uses] = this.#index();
  }

  /** Wires that are given to the circuit, private ones included, without the constant. */
  get inputs(): number[] {
    return range(1 + this.outputs, 1 + this.outputs + this.publicInputs + this.privateInputs);
  }

  get publicInputWires(): number[] {
    return range(1 + this.outputs, 1 + this.outputs + this.publicInputs);
  }

  get privateInputWires(): number[] {
    const start = 1 + this.outputs + this.publicInputs;
    return range(start, start + this.privateInputs);
  }

  /** Calls back for each term of A, B or C of a constraint. */
  forEach(constraint: number, part: Part, visit: (wire: number, coefficient: bigint) => void): void {
    const at = 3 * constraint + part;
    for (let term = this.#starts[at]; term < this.#starts[at + 1]; term++)
      visit(this.#termWires[term], this.#coefficients[this.#termCoefficients[term]]);
  }

  /** Coefficients by wire, those of 0 left out. */
  form(constraint: number, part: Part): Map<number, bigint> {
    const form = new Map<number, bigint>();
    this.forEach(constraint, part, (wire, coefficient) => {
      form.set(wire, modulo((form.get(wire) ?? 0n) + coefficient));
    });
    for (const [wire, coefficient] of form) if (coefficient === 0n) form.delete(wire);
    return form;
  }

  /** Constraints that mention the wire, each once, in order. */
  usesOf(wire: number): Int32Array {
    return this.#uses.subarray(this.#useStarts[wire], this.#useStarts[wire + 1]);
  }

  /** Wires of the constraint, each once, the constant left out. */
  wiresOf(constraint: number): number[] {
    const wires = new Set<number>();
    for (let term = this.#starts[3 * constraint]; term < this.#starts[3 * constraint + 3]; term++)
      wires.add(this.#termWires[term]);
    wires.delete(CONSTANT);
    return [...wires];
  }

  /** A·B − C at the values, 0 where the constraint holds. */
  residue(constraint: number, values: readonly bigint[]): bigint {
    const sum = (part: Part): bigint => {
      let total = 0n;
      this.forEach(constraint, part, (wire, coefficient) => {
        total += coefficient * values[wire];
      });
      return total;
    };
    return modulo(sum(A) * sum(B) - sum(C));
  }

  /** Constraints that do not hold, of those given or of all. */
  broken(values: readonly bigint[], among?: Iterable<number>): number[] {
    const broken: number[] = [];
    for (const constraint of among ?? range(0, this.constraints))
      if (this.residue(constraint, values) !== 0n) broken.push(constraint);
    return broken;
  }

  #index(): [Int32Array, Int32Array] {
    const starts = new Int32Array(this.wires + 1);
    const each = (visit: (constraint: number, wire: number) => void): void => {
      const seen = new Int32Array(this.wires).fill(-1);
      for (let constraint = 0; constraint < this.constraints; constraint++) {
        for (let term = this.#starts[3 * constraint]; term < this.#starts[3 * constraint + 3]; term++) {
          const wire = this.#termWires[term];
          if (seen[wire] === constraint) continue;
          seen[wire] = constraint;
          visit(constraint, wire);
        }
      }
    };
    each((_, wire) => {
      starts[wire + 1]++;
    });
    for (let wire = 0; wire < this.wires; wire++) starts[wire + 1] += starts[wire];
    const uses = new Int32Array(starts[this.wires]);
    const next = starts.slice();
    each((constraint, wire) => {
      uses[next[wire]++] = constraint;
    });
    return [starts, uses];
  }
}

/** low, low + 1, … high − 1 */
export function range(low: number, high: number): number[] {
  return Array.from({ length: Math.max(0, high - low) }, (_, i) => low + i);
}

interface Counts {
  readonly outputs: number;
  readonly publicInputs: number;
  readonly privateInputs: number;
  readonly droppedInputs: number;
}

/**
 * From the header (field size, modulus, wires, outputs, public inputs, private inputs, labels, constraints) and the
 * labels of the wires: signals are labelled outputs first, then public inputs, then private inputs.
 */
function countsOf(bytes: Buffer): Counts {
  const header = sectionAt(bytes, HEADER_SECTION) + 4 + FIELD_BYTES;
  const [wires, outputs, publicInputs, declared] = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(header + at));
  const labels = sectionAt(bytes, LABELS_SECTION);
  let wire = 1 + outputs + publicInputs;
  const last = outputs + publicInputs + declared;
  while (wire < wires && bytes.readBigUInt64LE(labels + 8 * wire) <= BigInt(last)) wire++;
  const privateInputs = wire - 1 - outputs - publicInputs;
  return { outputs, publicInputs, privateInputs, droppedInputs: declared - privateInputs };
}

function sectionAt(bytes: Buffer, type: number): number {
  let position = 12;
  while (bytes.readUInt32LE(position) !== type) position += 12 + Number(bytes.readBigUInt64LE(position + 4));
  return position + 12;
}
