/**
 * What one constraint says about the wires that are not known yet, read symbolically: known wires may have any value, so
 * only constants are ever divided by.
 * The trap: a coefficient that depends on known wires may be 0 for some of them. Such a constraint fixes its wire only
 * under a condition, and is told apart from one that always does.
 */
import { inverse, modulo } from './field.js';
import { A, B, C, CONSTANT, type SparseSystem } from './sparseSystem.js';

export type Form = ReadonlyMap<number, bigint>;

/**
 * How a constraint with a single unknown wire fixes it.
 * - `constant`: its coefficient is a constant other than 0, so always;
 * - `forced`: wire · factor = constant other than 0, so the factor cannot vanish where the constraint holds;
 * - `conditional`: its coefficient depends on known wires, and where that is 0 the wire is free;
 * - `roots`: it stands in both factors, so up to two values are left;
 * - `nothing`: it cancels.
 */
export type Hold = 'constant' | 'forced' | 'conditional' | 'roots' | 'nothing';

export function holdOn(system: SparseSystem, constraint: number, wire: number): Hold {
  const [a, b, c] = [A, B, C].map((part) => system.form(constraint, part));
  const [inA, inB, inC] = [a, b, c].map((form) => form.get(wire) ?? 0n);
  if (inA !== 0n && inB !== 0n) return 'roots';
  if (inA === 0n && inB === 0n) return inC === 0n ? 'nothing' : 'constant';
  const [own, factor, coefficient] = inA !== 0n ? [a, b, inA] : [b, a, inB];
  if (isConstant(factor)) {
    const total = modulo(coefficient * (factor.get(CONSTANT) ?? 0n) - inC);
    return total === 0n ? 'nothing' : 'constant';
  }
  const alone = own.size === 1 && inC === 0n;
  return alone && isConstant(c) && c.size === 1 ? 'forced' : 'conditional';
}

/** The linear form takes the values 0 and `root` only; a root of 0 says that it is 0. */
export interface TwoValuedForm {
  readonly form: Form;
  readonly root: bigint;
}

/** The constraint as "a linear form is 0", or as "a linear form is 0 or root"; undefined when it is neither. */
export function twoValuedForm(system: SparseSystem, constraint: number): TwoValuedForm | undefined {
  const [a, b, c] = [A, B, C].map((part) => system.form(constraint, part));
  if (isConstant(a) || isConstant(b)) {
    const [factor, other] = isConstant(a) ? [a, b] : [b, a];
    return { form: combine(other, factor.get(CONSTANT) ?? 0n, c, -1n), root: 0n };
  }
  // With X = A: B = βX + γ and C = δX + ε, so βX² + (γ − δ)X − ε = 0.
  const slopeB = slope(b, a);
  const slopeC = slope(c, a);
  if (slopeB === undefined || slopeC === undefined || slopeB === 0n) return undefined;
  const start = a.get(CONSTANT) ?? 0n;
  const gamma = (b.get(CONSTANT) ?? 0n) - slopeB * start;
  const epsilon = (c.get(CONSTANT) ?? 0n) - slopeC * start;
  if (modulo(epsilon) !== 0n) return undefined;
  return { form: a, root: modulo((slopeC - gamma) * inverse(slopeB)) };
}

export function isConstant(form: Form): boolean {
  return form.size === 0 || (form.size === 1 && form.has(CONSTANT));
}

/** f·x + g·y */
function combine(f: Form, x: bigint, g: Form, y: bigint): Form {
  const sum = new Map<number, bigint>();
  for (const [wire, coefficient] of f) sum.set(wire, modulo(coefficient * x));
  for (const [wire, coefficient] of g) sum.set(wire, modulo((sum.get(wire) ?? 0n) + coefficient * y));
  for (const [wire, coefficient] of sum) if (coefficient === 0n) sum.delete(wire);
  return sum;
}

/** s such that form − s·base is a constant, if there is one. */
function slope(form: Form, base: Form): bigint | undefined {
  const wires = [...form.keys()].filter((wire) => wire !== CONSTANT);
  if (wires.length === 0) return 0n;
  if (wires.length !== [...base.keys()].filter((wire) => wire !== CONSTANT).length) return undefined;
  let common: bigint | undefined;
  for (const wire of wires) {
    const divisor = base.get(wire);
    if (divisor === undefined) return undefined;
    common ??= modulo((form.get(wire) as bigint) * inverse(divisor));
    if (modulo(common * divisor) !== form.get(wire)) return undefined;
  }
  return common;
}
