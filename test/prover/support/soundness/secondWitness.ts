/**
 * Whether the inputs have a second witness: all ways to make the choices that `determine` was left with, everything else
 * computed, each branch left at the first constraint that cannot be mended any more. Flags and paths, whose choices no
 * single constraint decides, are thus shown to be unique at the given inputs, whatever rules a symbolic analysis knows.
 * The trap: a wire that a constraint fixes only where a factor does not vanish is free where it does, so it is branched
 * on there.
 */
import {
  A,
  B,
  C,
  type Determination,
  inverse,
  modulo,
  type SparseSystem,
  type Step,
} from '../../../../src/prover/analysis/index.js';
import { FIELD_MODULUS } from '../../../../src/prover/reference/index.js';
import { bitsOf, split } from './forge.js';

/** Steps computed before the search is given up. */
const STEPS_MAX = 3_000_000;

/**
 * Another assignment with the same inputs that meets every constraint.
 * @param values of all wires, meeting every constraint
 * @throws RangeError when a wire is free, a choice has no root to be found, or there are too many branches
 */
export function secondWitness(
  system: SparseSystem,
  { steps }: Determination,
  values: readonly bigint[],
): bigint[] | undefined {
  const current = [...values];
  const completed = completedAt(system, steps);
  let computed = 0;

  const holds = (step: number): boolean =>
    completed[step].every((constraint) => system.residue(constraint, current) === 0n);

  const search = (from: number): bigint[] | undefined => {
    for (let at = from; at < steps.length; at++) {
      if (++computed > STEPS_MAX) throw new RangeError(`no end after ${STEPS_MAX} steps`);
      const step = steps[at];
      if (step.kind === 'free') throw new RangeError(`wire ${step.wire} is free`);
      if (step.kind === 'wrapped') {
        for (const wrap of [0n, FIELD_MODULUS]) {
          for (const [wire, value] of bitsOf(step.sum, current, wrap)) current[wire] = value;
          const found = holds(at) ? search(at + 1) : undefined;
          if (found !== undefined) return found;
        }
        return undefined;
      }
      if (step.kind === 'bits') {
        for (const [wire, value] of bitsOf(step.sum, current)) current[wire] = value;
      } else {
        const candidates =
          step.kind === 'choice' ? choices(system, step, current, values) : solutions(system, step, current);
        if (candidates.length > 1) {
          for (const value of candidates) {
            current[step.wire] = value;
            const found = holds(at) ? search(at + 1) : undefined;
            if (found !== undefined) return found;
          }
          return undefined;
        }
        current[step.wire] = candidates[0];
      }
      if (!holds(at)) return undefined;
    }
    return current.every((value, wire) => value === values[wire]) ? undefined : [...current];
  };
  return search(0);
}

/** Of each step the constraints whose last wire it computes. */
function completedAt(system: SparseSystem, steps: readonly Step[]): number[][] {
  const position = new Int32Array(system.wires).fill(-1);
  steps.forEach((step, at) => {
    const wires = step.kind === 'bits' || step.kind === 'wrapped' ? step.sum.bits.map(({ wire }) => wire) : [step.wire];
    for (const wire of wires) position[wire] = at;
  });
  const completed: number[][] = steps.map(() => []);
  for (let constraint = 0; constraint < system.constraints; constraint++) {
    const last = system.wiresOf(constraint).reduce((latest, wire) => Math.max(latest, position[wire]), -1);
    if (last >= 0) completed[last].push(constraint);
  }
  return completed;
}

/** The one value that the constraint leaves, or two of all where it says nothing. */
function solutions(
  system: SparseSystem,
  { constraint, wire }: { readonly constraint: number; readonly wire: number },
  values: readonly bigint[],
): bigint[] {
  const [[a, inA], [b, inB], [c, inC]] = [A, B, C].map((part) => split(system, constraint, part, wire, values));
  const slope = modulo(inA * b + inB * a - inC);
  return slope === 0n ? [0n, 1n] : [modulo((c - a * b) * inverse(slope))];
}

/** The two values that the choice's constraint leaves. */
function choices(
  system: SparseSystem,
  { constraint, wire, root }: { readonly constraint: number; readonly wire: number; readonly root: bigint | undefined },
  values: readonly bigint[],
  honest: readonly bigint[],
): bigint[] {
  if (root !== undefined) return [0n, root];
  const [[a, inA], [b, inB], [c, inC]] = [A, B, C].map((part) => split(system, constraint, part, wire, values));
  // square·x² + slope·x + rest = 0
  const [square, slope, rest] = [modulo(inA * inB), modulo(inA * b + inB * a - inC), modulo(a * b - c)];
  const sum = modulo(-slope * inverse(square));
  const roots = rest === 0n ? [0n, sum] : [honest[wire], modulo(sum - honest[wire])];
  if (modulo(roots[0] * roots[1] * square) !== rest) throw new RangeError(`no roots of wire ${wire} were found`);
  return [...new Set(roots)];
}
