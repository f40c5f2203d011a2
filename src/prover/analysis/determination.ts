/**
 * Which wires the inputs determine, and in what order: uniqueness of witnesses by propagation (the idea of Ecne, Wang
 * 2022, and Picus, Pailoor et al. 2023). A wire is known when a constraint has no other unknown wire and fixes it, or
 * when it is one of several bits whose weighted sum is known (binaryWeights). What is left is chosen one wire at a time,
 * and named: conditions, two-valued choices, and free wires. If nothing had to be chosen, equal inputs have equal
 * witnesses, for every input and not only near one.
 * The trap: derivatives alone do not see that bits are tied to nothing, since b·b = b fixes b locally; the rule for bits
 * asks for the sum.
 */

import { binaryWeights } from './binaryWeights.js';
import { inverse, modulo } from './field.js';
import { type Form, holdOn, twoValuedForm } from './forms.js';
import { CONSTANT, range, type SparseSystem } from './sparseSystem.js';

export type Step =
  /** The constraint fixes the wire; `conditional` only where its coefficient does not vanish. */
  | { readonly kind: 'solved' | 'conditional'; readonly constraint: number; readonly wire: number }
  | { readonly kind: 'bits'; readonly constraint: number; readonly sum: BitSum }
  /** Bits of the sum or of the sum plus r. */
  | { readonly kind: 'wrapped'; readonly constraint: number; readonly sum: BitSum }
  /** Left with two values by the constraint: 0 and `root`, or such as depend on known wires. */
  | { readonly kind: 'choice'; readonly constraint: number; readonly wire: number; readonly root: bigint | undefined }
  | { readonly kind: 'free'; readonly wire: number };

/** Σ sign · 2^exponent · bit = value, where a form of known wires is the value and every bit is wire / root. */
export interface BitSum {
  readonly bits: readonly {
    readonly wire: number;
    readonly root: bigint;
    readonly exponent: number;
    readonly sign: bigint;
  }[];
  /** The bit that the compiler expressed by the others, if it did: its weight. */
  readonly expressed: { readonly exponent: number; readonly sign: bigint } | undefined;
  /** Known wires and constant. */
  readonly value: Form;
  readonly wraps: boolean;
}

export interface Determination {
  readonly steps: readonly Step[];
  /** [0, root] of the wires that a constraint of their own keeps to two values. */
  readonly roots: ReadonlyMap<number, bigint>;
}

/** @param known wires that are given; wire 0 always is */
export function determine(system: SparseSystem, known: Iterable<number>): Determination {
  const unknown = new Uint8Array(system.wires).fill(1);
  unknown[CONSTANT] = 0;
  for (const wire of known) unknown[wire] = 0;
  const { roots, own } = twoValuedWires(system);
  const steps: Step[] = [];

  const wiresOf = range(0, system.constraints).map((constraint) => system.wiresOf(constraint));
  const unknowns = Int32Array.from(wiresOf, (wires) => wires.reduce((sum, wire) => sum + unknown[wire], 0));
  const queued = new Uint8Array(system.constraints).fill(1);
  const queue: number[] = range(0, system.constraints).reverse();
  const conditional = new Map<number, number>();

  const learn = (wire: number): void => {
    unknown[wire] = 0;
    conditional.delete(wire);
    for (const constraint of system.usesOf(wire)) {
      unknowns[constraint]--;
      if (queued[constraint] === 0 && unknowns[constraint] > 0) {
        queued[constraint] = 1;
        queue.push(constraint);
      }
    }
  };

  const examine = (constraint: number): void => {
    if (unknowns[constraint] === 0) return;
    const open = wiresOf[constraint].filter((wire) => unknown[wire] === 1);
    if (open.every((wire) => roots.has(wire))) {
      const sum = bitSum(system, constraint, open, roots);
      if (sum?.wraps === true) wrapped.add(constraint);
      else if (sum !== undefined) {
        steps.push({ kind: 'bits', constraint, sum });
        open.forEach(learn);
        return;
      }
    }
    if (open.length > 1) return;
    const hold = holdOn(system, constraint, open[0]);
    if (hold === 'constant' || hold === 'forced') {
      steps.push({ kind: 'solved', constraint, wire: open[0] });
      learn(open[0]);
    } else if (hold === 'conditional' && !roots.has(open[0])) conditional.set(open[0], constraint);
    else if (hold === 'roots' && !roots.has(open[0])) rooted.set(open[0], constraint);
  };

  const wrapped = new Set<number>();
  const rooted = new Map<number, number>();
  let lowest = 1;
  for (;;) {
    for (let constraint = queue.pop(); constraint !== undefined; constraint = queue.pop()) {
      queued[constraint] = 0;
      examine(constraint);
    }
    const first = conditional.entries().next();
    if (!first.done) {
      const [wire, constraint] = first.value;
      steps.push({ kind: 'conditional', constraint, wire });
      learn(wire);
      continue;
    }
    const [twofold] = wrapped;
    if (twofold !== undefined) {
      wrapped.delete(twofold);
      const open = wiresOf[twofold].filter((wire) => unknown[wire] === 1);
      const sum = open.length === 0 ? undefined : bitSum(system, twofold, open, roots);
      if (sum === undefined) continue;
      steps.push({ kind: 'wrapped', constraint: twofold, sum });
      open.forEach(learn);
      continue;
    }
    const choice = firstUnknown(own, unknown) ?? firstUnknown(rooted, unknown);
    if (choice !== undefined) {
      const [wire, constraint] = choice;
      steps.push({ kind: 'choice', constraint, wire, root: roots.get(wire) });
      learn(wire);
      continue;
    }
    while (lowest < system.wires && unknown[lowest] === 0) lowest++;
    if (lowest === system.wires) return { steps, roots };
    steps.push({ kind: 'free', wire: lowest });
    learn(lowest);
  }
}

function firstUnknown(
  wires: Iterable<readonly [number, number]>,
  unknown: Uint8Array,
): readonly [number, number] | undefined {
  for (const entry of wires) if (unknown[entry[0]] === 1) return entry;
  return undefined;
}

/** Wires with a constraint of their own that leaves 0 and one other value: that value, and the constraint. */
function twoValuedWires(system: SparseSystem): { roots: Map<number, bigint>; own: Map<number, number> } {
  const roots = new Map<number, bigint>();
  const own = new Map<number, number>();
  for (let constraint = 0; constraint < system.constraints; constraint++) {
    const wires = system.wiresOf(constraint);
    if (wires.length !== 1) continue;
    const two = twoValuedForm(system, constraint);
    if (two === undefined || two.root === 0n) continue;
    const slope = two.form.get(wires[0]);
    if (slope === undefined) continue;
    const start = two.form.get(CONSTANT) ?? 0n;
    // slope·w + start is 0 or root
    const values = [modulo(-start * inverse(slope)), modulo((two.root - start) * inverse(slope))];
    if (!values.includes(0n)) continue;
    roots.set(wires[0], values[0] === 0n ? values[1] : values[0]);
    own.set(wires[0], constraint);
  }
  return { roots, own };
}

/** The constraint as a weighted sum of the open two-valued wires that has one solution, if it is one. */
function bitSum(
  system: SparseSystem,
  constraint: number,
  open: readonly number[],
  roots: ReadonlyMap<number, bigint>,
): BitSum | undefined {
  const two = twoValuedForm(system, constraint);
  if (two === undefined) return undefined;
  const present = open.filter((wire) => two.form.has(wire));
  if (present.length !== open.length) return undefined;
  const rootOf = (wire: number): bigint => roots.get(wire) as bigint;
  // value + Σ c·root·bit − root·expressed = 0, to be read as Σ weight·bit = value with the weights negated
  const weights = open.map((wire) => modulo(-(two.form.get(wire) as bigint) * rootOf(wire)));
  if (two.root !== 0n) weights.push(two.root);
  const binary = binaryWeights(weights);
  if (binary === undefined) return undefined;
  const value = new Map<number, bigint>();
  for (const [wire, coefficient] of two.form) {
    if (!open.includes(wire)) value.set(wire, modulo(coefficient * binary.scale));
  }
  const { exponents, signs } = binary;
  const bits = open.map((wire, i) => ({ wire, root: rootOf(wire), exponent: exponents[i], sign: signs[i] }));
  const expressed = two.root === 0n ? undefined : { exponent: exponents[open.length], sign: signs[open.length] };
  return { bits, expressed, value, wraps: binary.wraps };
}
