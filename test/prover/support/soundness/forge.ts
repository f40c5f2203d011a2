/**
 * A forger's witness generator. It takes any values of the given wires, also such as an honest generator would stop at,
 * and computes the others by the constraints in the order that `determine` found, so that everything agrees that can.
 * What is still broken afterwards is exactly what stops the forger.
 * The traps: bits of a value that does not fit are its low bits, and where the compiler expressed the last bit by the
 * others, that expression takes what is left over and is no bit; a forger may also say the bits himself (`advice`).
 */
import {
  A,
  B,
  type BitSum,
  C,
  type Determination,
  inverse,
  modulo,
  type Part,
  type SparseSystem,
} from '../../../../src/prover/analysis/index.js';

export interface Forgery {
  readonly values: readonly bigint[];
  /** Constraints that do not hold. */
  readonly broken: readonly number[];
}

/**
 * @param values of the given wires; those of chosen and free wires are taken as they are, all others are computed
 * @param advice values that replace what would be computed for a wire
 */
export function forge(
  system: SparseSystem,
  { steps }: Determination,
  values: readonly bigint[],
  advice: ReadonlyMap<number, bigint> = new Map(),
): Forgery {
  const forged = values.map(modulo);
  const set = (wire: number, value: bigint): void => {
    forged[wire] = modulo(advice.get(wire) ?? value);
  };
  for (const step of steps) {
    if (step.kind === 'choice' || step.kind === 'free') set(step.wire, forged[step.wire]);
    else if (step.kind === 'bits' || step.kind === 'wrapped') {
      for (const [wire, value] of bitsOf(step.sum, forged)) set(wire, value);
    } else set(step.wire, solve(system, step.constraint, step.wire, forged));
  }
  return { values: forged, broken: system.broken(forged) };
}

/**
 * The bits of the sum: its low ones where it has more, and where it is negative those of the residue.
 * @param wrap 0, or r for the second solution of a sum that wraps
 */
export function bitsOf({ bits, expressed, value }: BitSum, values: readonly bigint[], wrap = 0n): [number, bigint][] {
  let total = 0n;
  for (const [wire, coefficient] of value) total += coefficient * values[wire];
  // A term of sign −1 is 2^k · (1 − bit) − 2^k, so a negative bit is read inverted from a larger sum.
  const negative = [...bits, ...(expressed === undefined ? [] : [expressed])].filter(({ sign }) => sign < 0n);
  for (const { exponent } of negative) total += 1n << BigInt(exponent);
  const sum = modulo(total) + wrap;
  return bits.map(({ wire, root, exponent, sign }) => {
    const bit = (sum >> BigInt(exponent)) & 1n;
    return [wire, (sign < 0n ? 1n - bit : bit) * root];
  });
}

/** The value of the wire with which the constraint holds, 0 where no value changes anything. */
function solve(system: SparseSystem, constraint: number, wire: number, values: readonly bigint[]): bigint {
  const [[a, inA], [b, inB], [c, inC]] = [A, B, C].map((part) => split(system, constraint, part, wire, values));
  const slope = modulo(inA * b + inB * a - inC);
  return slope === 0n ? 0n : modulo((c - a * b) * inverse(slope));
}

/**
 * All other values of one wire with which every constraint still holds while nothing else changes. At most one constraint
 * is quadratic in it or it is free, so the whole field is covered by solving, not by trying.
 * @returns none, one other root, or 'any'
 */
export function alternatives(system: SparseSystem, values: readonly bigint[], wire: number): bigint[] | 'any' {
  let candidate: bigint | 'any' = 'any';
  for (const constraint of system.usesOf(wire)) {
    const root = otherRoot(system, constraint, wire, values);
    if (root === 'any') continue;
    if (root === undefined) return [];
    if (candidate !== 'any' && candidate !== root) return [];
    candidate = root;
  }
  return candidate === 'any' ? 'any' : [candidate];
}

/** The second root of the constraint in the wire: the first is its value. */
function otherRoot(
  system: SparseSystem,
  constraint: number,
  wire: number,
  values: readonly bigint[],
): bigint | 'any' | undefined {
  const [[a, inA], [b, inB], [, inC]] = [A, B, C].map((part) => split(system, constraint, part, wire, values));
  const square = modulo(inA * inB);
  const slope = modulo(inA * b + inB * a - inC);
  if (square === 0n) return slope === 0n ? 'any' : undefined;
  // Vieta: the roots of square·x² + slope·x + … add up to −slope/square.
  const other = modulo(-slope * inverse(square) - values[wire]);
  return other === values[wire] ? undefined : other;
}

/** A part as rest + slope · wire. */
export function split(
  system: SparseSystem,
  constraint: number,
  part: Part,
  wire: number,
  values: readonly bigint[],
): [bigint, bigint] {
  let [rest, slope] = [0n, 0n];
  system.forEach(constraint, part, (other, coefficient) => {
    if (other === wire) slope += coefficient;
    else rest += coefficient * values[other];
  });
  return [modulo(rest), slope];
}
