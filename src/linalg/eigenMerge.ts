/**
 * The step of divide and conquer: the eigenpairs of diag(T₁, T₂) + ρ·v·vᵀ from those of T₁ and T₂ (Cuppen 1981; Gu and
 * Eisenstat 1995). Directions that the update hardly touches, and one of each two with the same eigenvalue, are kept as
 * they are ("deflation", LAPACK's dlaed2); the others are rotated by the eigenvectors of a diagonal plus rank one, on the
 * engine. The trap: those eigenvectors are orthogonal only for the z that has the computed roots exactly (Löwner's
 * formula), not for the z one started with.
 * Eigenvectors are rows here, which makes every rotation and copy contiguous.
 */
import type { Products } from './product.js';
import { type SecularRoot, secularRoot } from './secular.js';

/** Eigenpairs, values ascending. */
export interface RowEigen {
  readonly values: Float64Array;
  /** [n, n], row k belongs to value k. */
  readonly rows: Float64Array;
}

/** One direction of diag(T₁, T₂): a vector whose half in T₁ or T₂ is absent where it is zero. */
interface Direction {
  value: number;
  z: number;
  top?: Float64Array;
  bottom?: Float64Array;
}

const EPSILON = 2 ** -53;
/** Rows of a product done by one run. */
const ROWS = 512;
/** Products with fewer multiplications than this cost more to hand to the engine than to do. */
const SMALL = 1 << 17;

/**
 * @param coupling the entry that joins T₁'s last row to T₂'s first; |coupling| has been subtracted from both diagonals
 */
export async function mergeEigen(
  products: Products<'float64'>,
  first: RowEigen,
  second: RowEigen,
  coupling: number,
): Promise<RowEigen> {
  const n1 = first.values.length;
  const n = n1 + second.values.length;
  // v has norm √2: half of each z², twice ρ
  const rho = 2 * Math.abs(coupling);
  const directions = [
    ...Array.from(first.values, (value, i): Direction => {
      const top = first.rows.subarray(i * n1, (i + 1) * n1);
      return { value, z: top[n1 - 1] * Math.SQRT1_2, top };
    }),
    ...Array.from(second.values, (value, i): Direction => {
      const bottom = second.rows.subarray(i * (n - n1), (i + 1) * (n - n1));
      return { value, z: bottom[0] * Math.SQRT1_2 * (coupling < 0 ? -1 : 1), bottom };
    }),
  ].sort((a, b) => a.value - b.value);
  const { kept, active } = deflate(directions, rho, n1, n);
  const rotated = active.length > 0 ? rankOneUpdate(active, rho) : undefined;
  const order = [
    ...kept.map(({ value }, i) => ({ value, kept: i, rotated: -1 })),
    ...Array.from(rotated?.values ?? [], (value, j) => ({ value, kept: -1, rotated: j })),
  ].sort((a, b) => a.value - b.value);
  const rows = new Float64Array(n * n);
  const placeOf = new Int32Array(active.length);
  for (const [place, entry] of order.entries()) {
    if (entry.rotated >= 0) placeOf[entry.rotated] = place;
    else {
      const { top, bottom } = kept[entry.kept];
      if (top) rows.set(top, place * n);
      if (bottom) rows.set(bottom, place * n + n1);
    }
  }
  if (rotated) {
    await rotateHalf(products, rotated.vectors, active, 'top', (j) =>
      rows.subarray(placeOf[j] * n, placeOf[j] * n + n1),
    );
    await rotateHalf(products, rotated.vectors, active, 'bottom', (j) =>
      rows.subarray(placeOf[j] * n + n1, (placeOf[j] + 1) * n),
    );
  }
  return { values: Float64Array.from(order, ({ value }) => value), rows };
}

/** Splits the directions into those that stay and those of the rank-one update, with strictly ascending values. */
function deflate(directions: readonly Direction[], rho: number, n1: number, n: number) {
  const largest = directions.reduce((max, { value, z }) => Math.max(max, Math.abs(value), Math.abs(z)), 0);
  const tolerance = 8 * EPSILON * largest;
  const kept: Direction[] = [];
  const active: Direction[] = [];
  for (const direction of directions) {
    if (rho * Math.abs(direction.z) <= tolerance) {
      kept.push(direction);
      continue;
    }
    const previous = active[active.length - 1];
    if (previous) {
      const z = Math.hypot(previous.z, direction.z);
      const c = direction.z / z;
      const s = -previous.z / z;
      const gap = direction.value - previous.value;
      if (Math.abs(gap * c * s) <= tolerance) {
        rotate(previous, direction, c, s, n1, n);
        previous.z = 0;
        direction.z = z;
        [previous.value, direction.value] = [
          previous.value * c * c + direction.value * s * s,
          previous.value * s * s + direction.value * c * c,
        ];
        kept.push(previous);
        active.pop();
      }
    }
    active.push(direction);
  }
  return { kept, active };
}

/** (x, y) ← (c·x + s·y, c·y − s·x), in place where both halves exist. */
function rotate(x: Direction, y: Direction, c: number, s: number, n1: number, n: number): void {
  if (x.top || y.top) {
    x.top ??= new Float64Array(n1);
    y.top ??= new Float64Array(n1);
    rotateVectors(x.top, y.top, c, s);
  }
  if (x.bottom || y.bottom) {
    x.bottom ??= new Float64Array(n - n1);
    y.bottom ??= new Float64Array(n - n1);
    rotateVectors(x.bottom, y.bottom, c, s);
  }
}

function rotateVectors(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let i = 0; i < x.length; i++) {
    const t = c * x[i] + s * y[i];
    y[i] = c * y[i] - s * x[i];
    x[i] = t;
  }
}

/** Eigenvalues and (in rows) eigenvectors of diag(value) + ρ·z·zᵀ. */
function rankOneUpdate(active: readonly Direction[], rho: number): { values: Float64Array; vectors: Float64Array } {
  const k = active.length;
  const d = Float64Array.from(active, ({ value }) => value);
  const z = Float64Array.from(active, (direction) => direction.z);
  const vectors = new Float64Array(k * k);
  const values = new Float64Array(k);
  // Löwner: z_i² = (λ_i − d_i)/ρ · Π_{j≠i} (λ_j − d_i) / (d_j − d_i); ρ is the same for all and falls out of the norm
  const squares = new Float64Array(k).fill(1);
  for (let j = 0; j < k; j++) {
    const differences = vectors.subarray(j * k, (j + 1) * k);
    const root: SecularRoot = secularRoot(d, z, rho, j, differences);
    values[j] = d[root.pole] + root.distance;
    const own = d[j];
    for (let i = 0; i < j; i++) squares[i] *= differences[i] / (d[i] - own);
    squares[j] *= -differences[j];
    for (let i = j + 1; i < k; i++) squares[i] *= differences[i] / (d[i] - own);
  }
  const exact = squares.map((square, i) => Math.sign(z[i]) * Math.sqrt(Math.abs(square)));
  for (let j = 0; j < k; j++) {
    const row = vectors.subarray(j * k, (j + 1) * k);
    let norm = 0;
    for (let i = 0; i < k; i++) {
      row[i] = exact[i] / row[i];
      norm += row[i] * row[i];
    }
    const scale = 1 / Math.sqrt(norm);
    for (let i = 0; i < k; i++) row[i] *= scale;
  }
  return { values, vectors };
}

/** One half of all rotated directions: vectors × (the directions that have this half). */
async function rotateHalf(
  products: Products<'float64'>,
  vectors: Float64Array,
  active: readonly Direction[],
  half: 'top' | 'bottom',
  target: (j: number) => Float64Array,
): Promise<void> {
  const k = active.length;
  const present = Int32Array.from(active.keys()).filter((i) => active[i][half] !== undefined);
  if (present.length === 0) return;
  const width = target(0).length;
  const count = present.length;
  const halves = new Float64Array(count * width);
  for (const [l, i] of present.entries()) halves.set(active[i][half] ?? [], l * width);
  for (let start = 0; start < k; start += ROWS) {
    const rows = Math.min(ROWS, k - start);
    const weights = new Float64Array(rows * count);
    for (let j = 0; j < rows; j++) {
      const from = (start + j) * k;
      for (let l = 0; l < count; l++) weights[j * count + l] = vectors[from + present[l]];
    }
    const product =
      rows * count * width < SMALL
        ? multiplyDirectly(weights, halves, rows, count, width)
        : (
            await products.multiply(
              'ab',
              { shape: [rows, count], data: weights },
              { shape: [count, width], data: halves },
            )
          ).data;
    for (let j = 0; j < rows; j++) target(start + j).set(product.subarray(j * width, (j + 1) * width));
  }
}

function multiplyDirectly(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const c = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let l = 0; l < inner; l++) {
      const x = a[i * inner + l];
      for (let j = 0; j < columns; j++) c[i * columns + j] += x * b[l * columns + j];
    }
  }
  return c;
}
