/**
 * The whole curvature [P, P] of the mean loss, for models of few parameters. Of a classifier that is linear in its parameters
 * the exact Hessian, which is the Gauss–Newton matrix, is made of one product Xᵀ·diag(w)·X for each pair of classes with
 * w = p_c(δ_cc' − p_c')/n; of any other model its columns are products with unit vectors.
 * The trap: the softmax does not notice a constant added to all logits, so this matrix is singular whatever the data.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { type Graph, GraphBuilder, matmul, multiply, transpose } from '../../graph/index.js';
import { openProducts } from '../../linalg/index.js';
import { classLosses, type Model, type Samples } from '../../models/index.js';
import type { WorkWatch } from '../watch.js';
import type { CurvatureKind } from './curvatureGraph.js';
import { openCurvature } from './curvatureProducts.js';
import { type LinearDesign, linearDesign } from './linearDesign.js';

/** Unit vectors of one run. */
const WIDTH = 16;
/** Samples of one product of the linear case. */
const ROWS = 1280;

/** @returns H [P, P], symmetric but for rounding, in float64 */
export async function denseCurvature(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
  kind: CurvatureKind,
  watch: WorkWatch,
): Promise<Tensor<'float64'>> {
  const linear = model.losses === classLosses ? await linearDesign(engine, model, parameters, samples) : undefined;
  if (linear) return softmaxHessian(engine, linear, model, samples, watch);
  const size = model.parameterCount;
  const whole = new Float64Array(size * size);
  const products = await openCurvature(engine, model, { kind, width: WIDTH });
  try {
    for (let first = 0; first < size; first += WIDTH) {
      const count = Math.min(WIDTH, size - first);
      const units = new Float32Array(count * size);
      for (let k = 0; k < count; k++) units[k * size + first + k] = 1;
      const rows = await products.apply(parameters, samples, { shape: [count, size], data: units }, watch);
      whole.set(rows.data, first * size);
      watch.progress(first + count, size, 'columns of the curvature');
    }
  } finally {
    await products.dispose();
  }
  symmetrise(whole, size);
  return { shape: [size, size], data: whole };
}

async function softmaxHessian(
  engine: Engine,
  { design, columns, places, logits }: LinearDesign,
  { classes, parameterCount: size }: Model,
  { rows, targets }: Samples,
  watch: WorkWatch,
): Promise<Tensor<'float64'>> {
  const whole = new Float64Array(size * size);
  const shares = softmax(logits, classes);
  const products = openProducts(engine);
  try {
    const program = await products.program(`weighted gram ${columns}`, () => weightedGram(columns));
    const pairs = (classes * (classes + 1)) / 2;
    let done = 0;
    for (let start = 0; start < rows; start += ROWS) {
      const count = Math.min(ROWS, rows - start);
      const padded = new Float32Array(ROWS * columns);
      padded.set(design.subarray(start * columns, (start + count) * columns));
      const x: Tensor = { shape: [ROWS, columns], data: padded };
      for (let c = 0; c < classes; c++) {
        for (let d = 0; d <= c; d++) {
          watch.throwIfCancelled();
          const weights = new Float32Array(ROWS);
          for (let i = 0; i < count; i++) {
            const [p, q] = [shares[(start + i) * classes + c], shares[(start + i) * classes + d]];
            // a target of −1 stands for none, whose loss is 0
            weights[i] = targets[start + i] < 0 ? 0 : p * ((c === d ? 1 : 0) - q);
          }
          const { gram } = await program.run({ x, weights: { shape: [ROWS, 1], data: weights } });
          for (let j = 0; j < columns; j++) {
            const row = places[j * classes + c] * size;
            for (let k = 0; k < columns; k++) whole[row + places[k * classes + d]] += gram.data[j * columns + k] / rows;
          }
          done++;
          watch.progress(done, pairs * Math.ceil(rows / ROWS), 'pairs of classes');
        }
      }
    }
  } finally {
    await products.dispose();
  }
  // pairs of classes were made once: the rest is their mirror
  for (let j = 0; j < columns; j++) {
    for (let k = 0; k < columns; k++) {
      for (let c = 0; c < classes; c++) {
        for (let d = 0; d < c; d++) {
          const [row, column] = [places[j * classes + c], places[k * classes + d]];
          whole[column * size + row] = whole[row * size + column];
        }
      }
    }
  }
  symmetrise(whole, size);
  return { shape: [size, size], data: whole };
}

function weightedGram(columns: number): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', [ROWS, columns]);
  const weights = g.input('weights', [ROWS, 1]);
  return g.build({ gram: matmul(g, transpose(g, multiply(g, x, weights)), x) });
}

function softmax(logits: Float32Array, classes: number): Float64Array {
  const shares = Float64Array.from(logits);
  for (let start = 0; start < shares.length; start += classes) {
    const row = shares.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (let c = 0; c < classes; c++) {
      row[c] = Math.exp(row[c] - largest);
      total += row[c];
    }
    for (let c = 0; c < classes; c++) row[c] /= total;
  }
  return shares;
}

function symmetrise(a: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const mean = (a[i * size + j] + a[j * size + i]) / 2;
      a[i * size + j] = mean;
      a[j * size + i] = mean;
    }
  }
}
