/**
 * Wires that remain free near a witness: the kernel of the constraints' derivative with respect to the wires that are
 * not inputs. An empty kernel says that no other witness of the same inputs lies on a curve through this one.
 * A constraint whose derivative touches one open wire settles that wire; the rest, few as they are, is eliminated with
 * rows as maps. Independent of determination.ts: it reads no constraint symbolically, only its derivative at the values.
 * The trap: finitely many other witnesses (a bit that could be 1 as well) have no derivative, so this alone is not enough.
 */
import { inverse, modulo } from './field.js';
import { A, B, C, CONSTANT, type Part, range, type SparseSystem } from './sparseSystem.js';

/** Largest number of wires that may be left for the general elimination. */
const REST_MAX = 4000;

/**
 * Wires that are neither given nor settled by the derivative at `values`: as many as the kernel has dimensions.
 * @throws RangeError when too many wires are left for the general elimination
 */
export function freeWiresAt(system: SparseSystem, values: readonly bigint[], known: Iterable<number>): number[] {
  const open = new Uint8Array(system.wires).fill(1);
  open[CONSTANT] = 0;
  for (const wire of known) open[wire] = 0;
  const rowOf = (constraint: number): Map<number, bigint> => derivative(system, constraint, values, open);

  const queue = range(0, system.constraints).reverse();
  const queued = new Uint8Array(system.constraints).fill(1);
  const used = new Uint8Array(system.constraints);
  for (let constraint = queue.pop(); constraint !== undefined; constraint = queue.pop()) {
    queued[constraint] = 0;
    if (used[constraint] === 1 || system.wiresOf(constraint).filter((wire) => open[wire] === 1).length > 8) continue;
    const row = rowOf(constraint);
    if (row.size !== 1) continue;
    used[constraint] = 1;
    const [wire] = row.keys();
    open[wire] = 0;
    for (const use of system.usesOf(wire)) {
      if (queued[use] === 1) continue;
      queued[use] = 1;
      queue.push(use);
    }
  }

  const rest = range(1, system.wires).filter((wire) => open[wire] === 1);
  if (rest.length > REST_MAX)
    throw new RangeError(`${rest.length} wires are left to eliminate, at most ${REST_MAX} can be`);
  const constraints = new Set(rest.flatMap((wire) => [...system.usesOf(wire)]));
  const pivots = pivotWires([...constraints].map(rowOf));
  return rest.filter((wire) => !pivots.has(wire));
}

/** ∂(A·B − C)/∂wire for the open wires, without zeros. */
function derivative(
  system: SparseSystem,
  constraint: number,
  values: readonly bigint[],
  open: Uint8Array,
): Map<number, bigint> {
  const sum = (part: Part): bigint => {
    let total = 0n;
    system.forEach(constraint, part, (wire, coefficient) => {
      total += coefficient * values[wire];
    });
    return modulo(total);
  };
  const row = new Map<number, bigint>();
  const add = (part: Part, factor: bigint): void => {
    system.forEach(constraint, part, (wire, coefficient) => {
      if (open[wire] === 1) row.set(wire, modulo((row.get(wire) ?? 0n) + coefficient * factor));
    });
  };
  add(A, sum(B));
  add(B, sum(A));
  add(C, -1n);
  for (const [wire, slope] of row) if (slope === 0n) row.delete(wire);
  return row;
}

/** Columns that elimination finds a pivot for. */
function pivotWires(rows: readonly Map<number, bigint>[]): Set<number> {
  const pivots = new Map<number, Map<number, bigint>>();
  for (const row of [...rows].sort((a, b) => a.size - b.size)) {
    // Every pivot row is kept free of the pivots before it, so one pass over a growing row is enough.
    for (let wire = firstPivot(row, pivots); wire !== undefined; wire = firstPivot(row, pivots)) {
      const pivot = pivots.get(wire) as Map<number, bigint>;
      const factor = row.get(wire) as bigint;
      for (const [column, entry] of pivot) {
        const value = modulo((row.get(column) ?? 0n) - factor * entry);
        if (value === 0n) row.delete(column);
        else row.set(column, value);
      }
    }
    const [wire] = row.keys();
    if (wire === undefined) continue;
    const scale = inverse(row.get(wire) as bigint);
    for (const [column, entry] of row) row.set(column, modulo(entry * scale));
    pivots.set(wire, row);
  }
  return new Set(pivots.keys());
}

function firstPivot(row: ReadonlyMap<number, bigint>, pivots: ReadonlyMap<number, unknown>): number | undefined {
  for (const wire of row.keys()) if (pivots.has(wire)) return wire;
  return undefined;
}
