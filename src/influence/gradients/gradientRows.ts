/**
 * Gradients of single samples as rows [rows, P] of materialised chunks, and products with vectors of P numbers that hold
 * no more than one chunk of them. What has factors on both sides is cheaper by ../gradientKernel.ts.
 */
import type { Engine, Program, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { type Graph, sizeOf } from '../../graph/index.js';
import { batchTensors, checkSamples, type Losses, type Model, type Samples } from '../../models/index.js';
import { unwatched, type WorkWatch } from '../watch.js';
import { gradientExtents, gradientGraph, gradientProductGraph, vectorInput } from './gradientGraphs.js';

export interface GradientChunk {
  /** First sample of the chunk. */
  readonly start: number;
  /** [rows, P] in the model's flat layout; rows are at most `chunk`. */
  readonly gradients: Tensor;
  /** [rows] */
  readonly losses: Float32Array;
}

export interface GradientRows {
  /** Samples of one run, from the model alone. */
  readonly chunk: number;
  /** One chunk after the other; only the one in hand is held. */
  chunks(parameters: Float32Array, samples: Samples): AsyncGenerator<GradientChunk, void, void>;
  /** All of few samples: [rows, P]. */
  all(parameters: Float32Array, samples: Samples): Promise<Tensor>;
  /**
   * ⟨v_k, ∇_i⟩ of each vector with each sample's gradient.
   * @param vectors [vectors, P]
   * @returns [vectors, samples]; no entry depends on what else is asked for
   * @throws MeedError when the vectors are not as long as the model's parameters
   */
  products(parameters: Float32Array, samples: Samples, vectors: Tensor, watch?: WorkWatch): Promise<Tensor>;
  dispose(): Promise<void>;
}

/** @param target the scalar of a sample that is differentiated; the model's loss unless told */
export function openGradientRows(engine: Engine, model: Model, target: Losses = model.losses): GradientRows {
  const extents = gradientExtents(model);
  const { chunk } = extents;
  const opened = new Map<string, Promise<Program>>();
  const programOf = (name: string, graph: () => Graph): Promise<Program> => {
    const known = opened.get(name);
    if (known) return known;
    const made = engine.compile(graph());
    opened.set(name, made);
    // what did not compile is not there to be disposed of
    made.catch(() => opened.delete(name));
    return made;
  };

  async function* chunks(parameters: Float32Array, samples: Samples): AsyncGenerator<GradientChunk, void, void> {
    checkSamples(model, samples);
    const program = await programOf('rows', () => gradientGraph(model, chunk, target));
    for (let start = 0; start < samples.rows; start += chunk) {
      const rows = Math.min(chunk, samples.rows - start);
      const { gradients, losses } = await program.run(feeds(model, parameters, samples, start, chunk));
      const length = model.parameterCount;
      yield {
        start,
        gradients: { shape: [rows, length], data: gradients.data.subarray(0, rows * length) },
        losses: losses.data.slice(0, rows),
      };
    }
  }

  return {
    chunk,
    chunks,
    async all(parameters, samples) {
      const shape = [samples.rows, model.parameterCount];
      const data = new Float32Array(sizeOf(shape));
      for await (const { start, gradients } of chunks(parameters, samples)) data.set(gradients.data, start * shape[1]);
      return { shape, data };
    },
    async products(parameters, samples, vectors, watch = unwatched) {
      checkSamples(model, samples);
      const [count, length] = vectors.shape;
      if (vectors.shape.length !== 2 || length !== model.parameterCount) {
        throw new MeedError(
          `Vectors of the shape [${vectors.shape}] were to be multiplied with gradients of ${model.parameterCount} entries`,
          'Give one row of as many numbers as the model has parameters for each vector',
        );
      }
      const total: Tensor = { shape: [count, samples.rows], data: new Float32Array(count * samples.rows) };
      if (total.data.length === 0) return total;
      const program = await programOf('products', () => gradientProductGraph(model, extents, target));
      const steps = Math.ceil(count / extents.vectors) * Math.ceil(samples.rows / chunk);
      let done = 0;
      for (let first = 0; first < count; first += extents.vectors) {
        const operands = vectorFeeds(model, vectors, first, extents.vectors);
        const height = Math.min(extents.vectors, count - first);
        for (let start = 0; start < samples.rows; start += chunk) {
          watch.throwIfCancelled();
          const { products } = await program.run({ ...feeds(model, parameters, samples, start, chunk), ...operands });
          const width = Math.min(chunk, samples.rows - start);
          for (let k = 0; k < height; k++) {
            const row = products.data.subarray(k * chunk, k * chunk + width);
            total.data.set(row, (first + k) * samples.rows + start);
          }
          done++;
          watch.progress(done, steps, 'blocks of samples');
        }
      }
      return total;
    },
    async dispose() {
      for (const program of opened.values()) await (await program).dispose();
      opened.clear();
    },
  };
}

function feeds(model: Model, parameters: Float32Array, samples: Samples, start: number, chunk: number) {
  const flat: Tensor = { shape: [model.parameterCount], data: parameters };
  return { parameters: flat, ...batchTensors(samples, start, chunk, model) };
}

/** Columns of each parameter, padded with vectors of zeros to a full product. */
function vectorFeeds(model: Model, vectors: Tensor, first: number, extent: number): Record<string, Tensor> {
  const [count, length] = vectors.shape;
  const rows = Math.min(extent, count - first);
  return Object.fromEntries(
    model.parameters.map(({ offset, shape }, p) => {
      const size = sizeOf(shape);
      const data = new Float32Array(extent * size);
      for (let k = 0; k < rows; k++) {
        const from = (first + k) * length + offset;
        data.set(vectors.data.subarray(from, from + size), k * size);
      }
      return [vectorInput(p), { shape: [extent, size], data }];
    }),
  );
}
