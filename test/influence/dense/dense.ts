/**
 * The slow and obvious way, in float64: per-sample gradients of any model by the interpreter on graphs of one row, Hessians
 * by central differences of those gradients, systems by elimination with pivots. Shared by the tests of every method.
 */
import { differentiate, type Graph, GraphBuilder, interpret, reduceSum, reshape } from '../../../src/graph/index.js';
import { type Losses, type Model, type Samples, unpackParameters } from '../../../src/models/index.js';

const graphs = new WeakMap<Model, Map<Losses, Graph>>();

/** One sample's loss and gradient, [P]. */
export function exactGradient(
  model: Model,
  flat: ArrayLike<number>,
  samples: Samples,
  row: number,
  target: Losses = model.losses,
): { readonly loss: number; readonly gradient: Float64Array } {
  const known = graphs.get(model) ?? new Map<Losses, Graph>();
  graphs.set(model, known);
  const graph = known.get(target) ?? gradientGraph(model, target);
  known.set(target, graph);
  const depth = samples.targets.length / samples.rows;
  const { loss, gradient } = interpret(graph, {
    w: flat,
    x: samples.features.subarray(row * samples.width, (row + 1) * samples.width),
    targets: samples.targets.subarray(row * depth, (row + 1) * depth),
  });
  return { loss: loss.data[0], gradient: gradient.data };
}

function gradientGraph(model: Model, target: Losses): Graph {
  const g = new GraphBuilder();
  const vector = g.input('w', [model.parameterCount]);
  const x = g.input('x', [1, ...model.inputShape]);
  const targets = g.input('targets', [1, ...model.targetShape]);
  const losses = target(g, model.forward(g, unpackParameters(g, model, vector), x), targets);
  const loss = reshape(
    g,
    reduceSum(
      g,
      losses,
      losses.shape.map((_, axis) => axis),
    ),
    [1],
  );
  const [gradient] = differentiate(g, loss, [vector]);
  return g.build({ loss, gradient });
}

export function exactGradients(
  model: Model,
  flat: ArrayLike<number>,
  samples: Samples,
  target?: Losses,
): Float64Array[] {
  return Array.from({ length: samples.rows }, (_, row) => exactGradient(model, flat, samples, row, target).gradient);
}

/** Mean gradient over all samples. */
export function meanExactGradient(model: Model, flat: ArrayLike<number>, samples: Samples): Float64Array {
  const mean = new Float64Array(model.parameterCount);
  for (const gradient of exactGradients(model, flat, samples)) {
    for (let p = 0; p < mean.length; p++) mean[p] += gradient[p] / samples.rows;
  }
  return mean;
}

/** Rows of the Hessian of the mean loss, by central differences of mean gradients. */
export function exactHessian(model: Model, flat: ArrayLike<number>, samples: Samples): Float64Array[] {
  const step = 1e-5;
  const moved = (p: number, by: number): Float64Array =>
    meanExactGradient(
      model,
      Float64Array.from(flat, (w, i) => (i === p ? w + by : w)),
      samples,
    );
  const rows = Array.from({ length: model.parameterCount }, (_, p) => {
    const [up, down] = [moved(p, step), moved(p, -step)];
    return up.map((value, i) => (value - down[i]) / (2 * step));
  });
  return rows.map((row, i) => row.map((value, j) => (value + rows[j][i]) / 2));
}

/** H·v of the mean loss, by the central difference of mean gradients along v. */
export function exactHessianProduct(
  model: Model,
  flat: ArrayLike<number>,
  samples: Samples,
  vector: ArrayLike<number>,
): Float64Array {
  const step = 1e-5;
  const moved = (by: number): Float64Array =>
    meanExactGradient(
      model,
      Float64Array.from(flat, (w, p) => w + by * vector[p]),
      samples,
    );
  const [up, down] = [moved(step), moved(-step)];
  return up.map((value, p) => (value - down[p]) / (2 * step));
}

/**
 * Σ_i Σ_c p_c (∇ with label c)(∇ with label c)ᵀ / n of a classifier: the Fisher matrix, and so the generalised
 * Gauss–Newton matrix of the cross-entropy, by another road than Jᵀ H J.
 */
export function exactFisher(model: Model, flat: ArrayLike<number>, samples: Samples): Float64Array[] {
  const size = model.parameterCount;
  const rows = Array.from({ length: size }, () => new Float64Array(size));
  for (let c = 0; c < model.classes; c++) {
    const labelled = { ...samples, targets: new Int32Array(samples.rows).fill(c) };
    for (let i = 0; i < samples.rows; i++) {
      const { loss, gradient } = exactGradient(model, flat, labelled, i);
      const weight = Math.exp(-loss) / samples.rows;
      for (let a = 0; a < size; a++) for (let b = 0; b < size; b++) rows[a][b] += weight * gradient[a] * gradient[b];
    }
  }
  return rows;
}

/** x of (A + damping · I)·x = b, by elimination with row pivots. */
export function solveDense(a: readonly Float64Array[], damping: number, b: ArrayLike<number>): Float64Array {
  const n = a.length;
  const m = a.map((row, i) => Float64Array.from([...row.map((x, j) => x + (i === j ? damping : 0)), b[i]]));
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(m[i][k]) > Math.abs(m[best][k])) best = i;
    [m[k], m[best]] = [m[best], m[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = m[i][k] / m[k][k];
      if (factor !== 0) for (let j = k; j <= n; j++) m[i][j] -= factor * m[k][j];
    }
  }
  const x = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    let rest = m[i][n];
    for (let j = i + 1; j < n; j++) rest -= m[i][j] * x[j];
    x[i] = rest / m[i][i];
  }
  return x;
}

export function times(a: readonly Float64Array[], x: ArrayLike<number>): Float64Array {
  return Float64Array.from(a, (row) => dot(row, x));
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Largest |difference| ÷ largest |exact|; NaN where one is, or the lengths differ. */
export function relativeError(found: ArrayLike<number>, exact: ArrayLike<number>): number {
  if (found.length !== exact.length) return Number.NaN;
  let [difference, scale] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    const own = Math.abs(found[i] - exact[i]);
    if (!(own <= difference)) difference = own;
    scale = Math.max(scale, Math.abs(exact[i]));
  }
  return difference / scale;
}
