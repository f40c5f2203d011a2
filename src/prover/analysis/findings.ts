/**
 * What the structure of an R1CS says against it, each finding with its wires.
 * - unused: wires in no constraint, and inputs that have no wire for that reason. Nothing is said about them.
 * - void: constraints that can always be met, whatever all other wires are, because a private wire stands in no other
 *   constraint and enters here with a constant coefficient. Void constraints are taken away until none is left, so that
 *   a chain of them is seen. A constraint that checks something and is void checks nothing.
 * - free, choices, conditional: what the inputs do not determine (determination.ts).
 * - ranges: what the bits prove about each input, from low to high, both included.
 */
import { type Determination, determine } from './determination.js';
import { modulo } from './field.js';
import { holdOn } from './forms.js';
import { CONSTANT, range, type SparseSystem } from './sparseSystem.js';

export interface Range {
  readonly low: bigint;
  readonly high: bigint;
}

export interface Findings {
  readonly unused: readonly number[];
  readonly droppedInputs: number;
  readonly voids: readonly { readonly constraint: number; readonly wire: number }[];
  readonly free: readonly number[];
  readonly choices: readonly { readonly wire: number; readonly isBoolean: boolean }[];
  readonly conditional: readonly { readonly constraint: number; readonly wire: number }[];
  readonly ranges: ReadonlyMap<number, Range>;
  readonly determination: Determination;
}

/** With all inputs given, public and private. */
export function findingsOf(system: SparseSystem): Findings {
  const determination = determine(system, system.inputs);
  const { steps } = determination;
  return {
    unused: range(1, system.wires).filter((wire) => system.usesOf(wire).length === 0),
    droppedInputs: system.droppedInputs,
    voids: voidConstraints(system),
    free: steps.flatMap((step) => (step.kind === 'free' ? [step.wire] : [])),
    choices: steps.flatMap((step) => {
      if (step.kind === 'choice') return [{ wire: step.wire, isBoolean: step.root === 1n }];
      return step.kind === 'wrapped' ? [{ wire: step.sum.bits[0].wire, isBoolean: false }] : [];
    }),
    conditional: steps.flatMap((step) =>
      step.kind === 'conditional' ? [{ constraint: step.constraint, wire: step.wire }] : [],
    ),
    ranges: provenRanges(system, determination),
    determination,
  };
}

function voidConstraints(system: SparseSystem): { constraint: number; wire: number }[] {
  const firstPrivate = 1 + system.outputs + system.publicInputs;
  const uses = range(0, system.wires).map((wire) => system.usesOf(wire).length);
  const gone = new Uint8Array(system.constraints);
  const voids: { constraint: number; wire: number }[] = [];
  const candidates = range(firstPrivate, system.wires).filter((wire) => uses[wire] === 1);
  for (let wire = candidates.pop(); wire !== undefined; wire = candidates.pop()) {
    const constraint = system.usesOf(wire).find((use) => gone[use] === 0);
    if (constraint === undefined || holdOn(system, constraint, wire) !== 'constant') continue;
    gone[constraint] = 1;
    voids.push({ constraint, wire });
    for (const other of system.wiresOf(constraint)) {
      uses[other]--;
      if (other >= firstPrivate && uses[other] === 1) candidates.push(other);
    }
  }
  return voids;
}

/** Inputs that a sum of bits with every exponent from 0 up equals, up to a constant, and inputs that are bits themselves. */
function provenRanges(system: SparseSystem, { steps, roots }: Determination): Map<number, Range> {
  const ranges = new Map<number, Range>();
  for (const wire of system.inputs) if (roots.get(wire) === 1n) ranges.set(wire, { low: 0n, high: 1n });
  for (const step of steps) {
    if (step.kind !== 'bits') continue;
    const { bits, expressed, value } = step.sum;
    const terms = expressed === undefined ? bits : [...bits, expressed];
    const wires = [...value.keys()].filter((wire) => wire !== CONSTANT);
    const exponents = new Set(terms.map(({ exponent }) => exponent));
    if (wires.length !== 1 || !range(0, terms.length).every((exponent) => exponents.has(exponent))) continue;
    // slope·wire + start is every integer from −(sum of the negative powers) to the sum of the positive ones
    const slope = signed(value.get(wires[0]) as bigint);
    const start = signed(value.get(CONSTANT) ?? 0n);
    const power = (sign: bigint): bigint =>
      terms.reduce((sum, term) => (term.sign === sign ? sum + (1n << BigInt(term.exponent)) : sum), 0n);
    const [low, high] = [-power(-1n) - start, power(1n) - start];
    if (slope === 1n) narrow(ranges, wires[0], { low, high });
    else if (slope === -1n) narrow(ranges, wires[0], { low: -high, high: -low });
  }
  return ranges;
}

function narrow(ranges: Map<number, Range>, wire: number, { low, high }: Range): void {
  const known = ranges.get(wire) ?? { low, high };
  ranges.set(wire, { low: known.low > low ? known.low : low, high: known.high < high ? known.high : high });
}

/** The representative of least magnitude. */
function signed(x: bigint): bigint {
  const negative = modulo(-x);
  return negative < x ? -negative : x;
}
