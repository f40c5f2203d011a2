/**
 * Factors of one parameter that is used in several places. Uses of disjoint parts stay apart, since their gradients are
 * orthogonal. Uses of the same entries are brought to the same coordinates and joined along their positions; a transposed
 * use (the head tied to an embedding) changes sides. Whatever overlaps otherwise is written out in full, which is
 * always right and costs the parameter's size a sample.
 */
import { MeedError } from '../foundation/index.js';
import type { OuterTerm } from './factorBack.js';
import type { FactorTerm } from './factorTerm.js';
import { type Float64Tensor, type GraphBuilder, type Node, type Shape, sizeOf, type Value } from './graph.js';
import { add } from './ops/elementwise.js';
import { gather, oneHot, scatterAdd } from './ops/gather.js';
import { matmul } from './ops/matmul.js';
import { concat, reshape, transpose } from './ops/shape.js';

export interface PlacedTerm {
  readonly term: FactorTerm;
  /** The views from the parameter to what the term is the gradient of. */
  readonly path: readonly Node[];
}

interface Placed {
  readonly term: FactorTerm;
  /** For each entry of the term's own coordinates, row-major, the position in the parameter. */
  readonly entries: Float64Array;
}

/** @returns terms whose gradients are orthogonal to each other */
export function mergeTerms(builder: GraphBuilder, shape: Shape, uses: readonly PlacedTerm[]): FactorTerm[] {
  if (uses.length < 2 && !uses.some(repeats)) return uses.map(({ term }) => term);
  const groups = overlapping(placeTerms(builder, shape, uses), sizeOf(shape));
  return groups.map((group) => mergeGroup(builder, sizeOf(shape), group));
}

function placeTerms(builder: GraphBuilder, shape: Shape, uses: readonly PlacedTerm[]): Placed[] {
  return uses.map((use) => {
    const placed = { term: use.term, entries: viewIndices(shape, use.path) };
    return repeats(use) ? addUp(builder, sizeOf(shape), placed) : placed;
  });
}

/** The sum of all uses' gradients written out, row-major in the parameter's own coordinates: [n, size of the parameter]. */
export function sumTerms(builder: GraphBuilder, shape: Shape, uses: readonly PlacedTerm[]): Value {
  const [first] = uses;
  if (uses.length === 1 && first.path.length === 0) return materialise(builder, first.term);
  return writeOut(builder, sizeOf(shape), placeTerms(builder, shape, uses));
}

/**
 * The same sum as factors of the whole matrix, in its own coordinates.
 * @returns `undefined` when the uses have no such form: some show other than the matrix or its transpose, or have no factors
 */
export function joinTerms(builder: GraphBuilder, shape: Shape, uses: readonly PlacedTerm[]): OuterTerm | undefined {
  const factors: OuterTerm[] = [];
  for (const { term, path } of uses) {
    if (shape.length !== 2 || term.kind !== 'outer' || term.left.shape[1] !== 1) return undefined;
    if (path.length === 0) factors.push(term);
    else if (path.length === 1 && turns(path[0])) factors.push({ kind: 'outer', left: term.right, right: term.left });
    else return undefined;
  }
  return alongPositions(builder, factors);
}

/** Whether it takes a matrix to its transpose. */
function turns({ operator, attributes: { perm } }: Node): boolean {
  return operator.name === 'Transpose' && typeof perm !== 'number' && perm[0] === 1;
}

function alongPositions(builder: GraphBuilder, terms: readonly OuterTerm[]): OuterTerm {
  const joined = (side: 'left' | 'right'): Value =>
    concat(
      builder,
      terms.map((term) => term[side]),
      2,
    );
  return { kind: 'outer', left: joined('left'), right: joined('right') };
}

/** Whether some entries of the parameter are shown several times. */
function repeats({ path }: PlacedTerm): boolean {
  return path.some(({ output, inputs }) => sizeOf(output.shape) > sizeOf(inputs[0].shape));
}

/** The gradient of a view that repeats entries, as the parameter's: what its repetitions received adds up. */
function addUp(builder: GraphBuilder, size: number, { term, entries }: Placed): Placed {
  refuseInexact(size);
  const columns = transpose(builder, materialise(builder, term));
  const places = builder.constant(entries, [entries.length]);
  const gradient = transpose(builder, scatterAdd(builder, places, columns, size));
  return { term: { kind: 'direct', gradient }, entries: Float64Array.from({ length: size }, (_, i) => i) };
}

/** Groups of terms that share an entry, directly or through others. */
function overlapping(placed: readonly Placed[], size: number): Placed[][] {
  const owner = new Int32Array(size).fill(-1);
  const group = placed.map((_, i) => i);
  const find = (i: number): number => (group[i] === i ? i : find(group[i]));
  for (const [i, { entries }] of placed.entries()) {
    for (const entry of entries) {
      if (owner[entry] === -1) owner[entry] = i;
      else group[find(i)] = find(owner[entry]);
    }
  }
  const groups = new Map<number, Placed[]>();
  for (const [i, one] of placed.entries()) {
    const root = find(i);
    groups.set(root, [...(groups.get(root) ?? []), one]);
  }
  return [...groups.values()];
}

function mergeGroup(builder: GraphBuilder, size: number, group: readonly Placed[]): FactorTerm {
  if (group.length === 1) return group[0].term;
  if (group.every(({ term }) => term.kind === 'rows')) {
    const rows = group.flatMap(({ term }) => (term.kind === 'rows' ? [term] : []));
    if (group.every(({ entries }) => equalEntries(entries, group[0].entries))) {
      return {
        kind: 'rows',
        indices: concat(
          builder,
          rows.map(({ indices }) => indices),
          1,
        ),
        right: concat(
          builder,
          rows.map(({ right }) => right),
          1,
        ),
        rows: rows[0].rows,
      };
    }
  }
  return joinOuter(builder, group) ?? { kind: 'direct', gradient: writeOut(builder, size, group) };
}

function joinOuter(builder: GraphBuilder, group: readonly Placed[]): OuterTerm | undefined {
  const outer = group.flatMap(({ term, entries }) => {
    const { left, right } = asOuter(builder, term) ?? {};
    return left && right ? [{ left, right, entries }] : [];
  });
  if (outer.length < group.length) return undefined;
  const [first] = outer;
  const terms: OuterTerm[] = [];
  for (const { left, right, entries } of outer) {
    if (equalEntries(entries, first.entries) && sameWidths(left, right, first.left, first.right)) {
      terms.push({ kind: 'outer', left, right });
    } else if (left.shape[1] === 1 && transposedEntries(entries, first.entries, left.shape[3], right.shape[3])) {
      terms.push({ kind: 'outer', left: right, right: left });
    } else return undefined;
  }
  return alongPositions(builder, terms);
}

function asOuter(builder: GraphBuilder, term: FactorTerm): { left: Value; right: Value } | undefined {
  if (term.kind === 'outer') return term;
  if (term.kind === 'direct') return undefined;
  const [n, positions, width] = term.right.shape;
  return {
    left: reshape(builder, oneHot(builder, term.indices, term.rows), [n, 1, positions, term.rows]),
    right: reshape(builder, term.right, [n, 1, positions, width]),
  };
}

/** Σ of the terms as [n, size of the parameter]. */
function writeOut(builder: GraphBuilder, size: number, group: readonly Placed[]): Value {
  const parts = group.map(({ term, entries }) => {
    const whole = materialise(builder, term);
    if (entries.length === size && entries.every((entry, i) => entry === i)) return whole;
    refuseInexact(size);
    const [n, width] = whole.shape;
    const places = new Float32Array(size).fill(width);
    for (const [i, entry] of entries.entries()) places[entry] = i;
    const padded = concat(builder, [whole, builder.constant(new Float32Array(n), [n, 1])], 1);
    return gather(builder, padded, builder.constant(places, [size]), 1);
  });
  return parts.reduce((sum, part) => add(builder, sum, part));
}

/** Whole numbers that a float32 tells apart. */
const MOST_PLACES = 2 ** 24;

function refuseInexact(size: number): void {
  if (size < MOST_PLACES) return;
  throw new MeedError(
    `A parameter of ${size} entries is used in parts that overlap or repeat, which needs each sample's gradient in full`,
    `Leave it out of the attributed ones; below ${MOST_PLACES} entries it can be written out`,
  );
}

/** G_i row-major in the term's own coordinates: [n, size]. */
export function materialise(builder: GraphBuilder, term: FactorTerm): Value {
  const outer = asOuter(builder, term);
  if (!outer) return (term as Extract<FactorTerm, { kind: 'direct' }>).gradient;
  const whole = matmul(builder, transpose(builder, outer.left), outer.right);
  return reshape(builder, whole, [whole.shape[0], sizeOf(whole.shape) / whole.shape[0]]);
}

function sameWidths(left: Value, right: Value, otherLeft: Value, otherRight: Value): boolean {
  return (
    left.shape[1] === otherLeft.shape[1] &&
    left.shape[3] === otherLeft.shape[3] &&
    right.shape[3] === otherRight.shape[3]
  );
}

function equalEntries(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((entry, i) => entry === b[i]);
}

/** Whether `a`, [rows, columns], shows the entries of `b`, [columns, rows], transposed. */
function transposedEntries(a: Float64Array, b: Float64Array, rows: number, columns: number): boolean {
  return a.length === b.length && a.every((entry, i) => entry === b[(i % columns) * rows + Math.floor(i / columns)]);
}

/** For each entry of a view, the position in the parameter that it shows. */
function viewIndices(shape: Shape, path: readonly Node[]): Float64Array {
  let tensor: Float64Tensor = { shape, data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => i) };
  for (const node of path) {
    const inputs = node.inputs.map(() => tensor);
    tensor = { shape: node.output.shape, data: node.operator.interpret(inputs, node) };
  }
  return tensor.data;
}
