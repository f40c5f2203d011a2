/**
 * Scores of encoded gradients with the inverse of their own second moments, layer by layer:
 * score(q, i) = g̃_qᵀ (G̃ᵀG̃/n + λI)⁻¹ g̃_i / n (Choe et al. 2024, section 3), λ a share of the mean diagonal. The
 * matrices are small enough to be factored in float64, which is what makes small dampings safe.
 * The trap: a layer of which every gradient is zero has no inverse and is left out; where that is every layer it is said.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { type CholeskyFactor, cholesky, choleskySolve, openProducts, type Products } from '../../linalg/index.js';
import type { Samples } from '../../models/index.js';
import { dampingsOf } from '../kronecker/index.js';
import type { WorkWatch } from '../watch.js';
import type { Encoder } from './encoder.js';

/** A state of the model with what its projection is fed. */
export interface EncodedState {
  readonly parameters: Float32Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** G̃ᵀG̃/n of each layer, [k, k]. */
  readonly moments: readonly Tensor<'float64'>[];
}

/** Outputs of one product with a chunk of samples, unless a chunk of outputs is smaller. */
const OUTPUT_ROWS = 64;

export async function momentsOf(
  engine: Engine,
  encoder: Encoder,
  parameters: Float32Array,
  feeds: Readonly<Record<string, Tensor>>,
  samples: Samples,
  watch: WorkWatch,
): Promise<Tensor<'float64'>[]> {
  const products = openProducts(engine);
  try {
    const sums = encoder.widths.map((k) => ({ shape: [k, k], data: new Float64Array(k * k) }));
    for await (const { start, encoded } of encoder.chunks('samples', parameters, samples, feeds, watch)) {
      const rows = Math.min(encoder.rows('samples'), samples.rows - start);
      for (const [l, part] of layerParts(encoded, encoder.widths, rows).entries()) {
        const { data } = await products.multiply('aTb', part, part);
        const sum = sums[l].data;
        for (let i = 0; i < sum.length; i++) sum[i] += data[i] / samples.rows;
      }
    }
    return sums;
  } finally {
    await products.dispose();
  }
}

/** Mean over the states of the scores, [outputs, samples]. */
export async function fisherScores(
  engine: Engine,
  encoder: Encoder,
  states: readonly EncodedState[],
  request: { readonly outputs: Samples; readonly samples: Samples; readonly rows: number; readonly damping: number },
  watch: WorkWatch,
): Promise<Tensor> {
  const { outputs, samples, rows, damping } = request;
  const most = Math.min(OUTPUT_ROWS, encoder.rows('outputs'));
  const products = openProducts(engine);
  const exact = openProducts(engine, 'float64');
  const total = { shape: [outputs.rows, samples.rows], data: new Float32Array(outputs.rows * samples.rows) };
  try {
    for (const [s, state] of states.entries()) {
      const factors = await factorsOf(exact, encoder, state.moments, damping);
      const blocks: Tensor[] = [];
      for await (const { encoded } of encoder.chunks('outputs', state.parameters, outputs, state.feeds, watch)) {
        blocks.push(...cut(await solved(exact, factors, encoder.widths, encoded), most));
      }
      const weight = 1 / (rows * states.length);
      for await (const { start, encoded } of encoder.chunks('samples', state.parameters, samples, state.feeds, watch)) {
        for (const [b, block] of blocks.entries()) {
          const { shape, data } = await products.multiply('abT', block, encoded);
          const width = Math.min(shape[1], samples.rows - start);
          for (let q = 0; q < Math.min(most, outputs.rows - b * most); q++) {
            const to = (b * most + q) * samples.rows + start;
            for (let i = 0; i < width; i++) total.data[to + i] += data[q * shape[1] + i] * weight;
          }
        }
      }
      watch.progress(s + 1, states.length, 'states');
    }
    return total;
  } finally {
    await products.dispose();
    await exact.dispose();
  }
}

/** One factor for each layer, none for a layer without curvature. */
async function factorsOf(
  products: Products<'float64'>,
  { layers, widths }: Encoder,
  moments: readonly Tensor<'float64'>[],
  damping: number,
): Promise<(CholeskyFactor<'float64'> | undefined)[]> {
  const means = moments.map(({ data }, l) => {
    let trace = 0;
    for (let i = 0; i < widths[l]; i++) trace += data[i * (widths[l] + 1)];
    return trace / widths[l];
  });
  const dampings = dampingsOf(layers, means, damping);
  const factors: (CholeskyFactor<'float64'> | undefined)[] = [];
  for (const [l, { shape, data }] of moments.entries()) {
    if (dampings[l] === 0) {
      factors.push(undefined);
      continue;
    }
    const damped = data.slice();
    for (let i = 0; i < widths[l]; i++) damped[i * (widths[l] + 1)] += dampings[l];
    factors.push(await cholesky(products, { shape, data: damped }));
  }
  return factors;
}

/** (F̃ + λ)⁻¹ of every row, layer by layer. */
async function solved(
  products: Products<'float64'>,
  factors: readonly (CholeskyFactor<'float64'> | undefined)[],
  widths: readonly number[],
  encoded: Tensor,
): Promise<Tensor> {
  const [rows, whole] = encoded.shape;
  const result = new Float32Array(encoded.data.length);
  let offset = 0;
  for (const [l, k] of widths.entries()) {
    const factor = factors[l];
    if (factor) {
      const right = new Float64Array(k * rows);
      for (let r = 0; r < rows; r++)
        for (let i = 0; i < k; i++) right[i * rows + r] = encoded.data[r * whole + offset + i];
      const { data } = await choleskySolve(products, factor, { shape: [k, rows], data: right });
      for (let r = 0; r < rows; r++) for (let i = 0; i < k; i++) result[r * whole + offset + i] = data[i * rows + r];
    }
    offset += k;
  }
  return { shape: encoded.shape, data: result };
}

/** The layers' columns of the first rows. */
function layerParts({ shape: [padded, whole], data }: Tensor, widths: readonly number[], rows: number): Tensor[] {
  let offset = 0;
  return widths.map((k) => {
    const part = new Float32Array(padded * k);
    for (let r = 0; r < rows; r++) part.set(data.subarray(r * whole + offset, r * whole + offset + k), r * k);
    offset += k;
    return { shape: [padded, k], data: part };
  });
}

/** Blocks of `most` rows, which divides a chunk's. */
function cut({ shape: [rows, width], data }: Tensor, most: number): Tensor[] {
  return Array.from({ length: rows / most }, (_, b) => ({
    shape: [most, width],
    data: data.slice(b * most * width, (b + 1) * most * width),
  }));
}
