/**
 * (H + damping · I)·v for many vectors, with H the curvature of the mean loss over given samples: what CG, LiSSA, Arnoldi
 * and the explicit inverse are made of. Chunks of samples run on the engine in float32 and are added here in float64.
 * Several vectors share one run's forward and backward pass, which makes each cheaper than alone.
 * The trap: a product's last bits depend on its extents, so these follow from
 * the model and the stated width alone.
 */
import type { Engine, Program, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { type Graph, sizeOf } from '../../graph/index.js';
import { batchTensors, checkSamples, type Model, type Samples } from '../../models/index.js';
import { unwatched, type WorkWatch } from '../watch.js';
import { type CurvatureKind, curvatureGraph } from './curvatureGraph.js';

export interface CurvatureOptions {
  readonly kind: CurvatureKind;
  /** Added to the diagonal; 0 unless told. */
  readonly damping?: number;
  /** Vectors of one run; 1 unless told. */
  readonly width?: number;
}

export interface CurvatureProducts {
  readonly kind: CurvatureKind;
  /**
   * @param vectors [vectors, P]
   * @returns (H + damping · I)·v for each, [vectors, P]; none depends on the others
   * @throws MeedError when there is no sample, or a product is not finite
   */
  apply(parameters: Float32Array, samples: Samples, vectors: Tensor, watch?: WorkWatch): Promise<Tensor>;
  dispose(): Promise<void>;
}

const MOST_ROWS = 256;
const LEAST_ROWS = 2;
/** Numbers that all values of one run may hold: 512 MB, were none freed before the end. */
const MOST_NUMBERS = 2 ** 27;

export async function openCurvature(
  engine: Engine,
  model: Model,
  { kind, damping = 0, width = 1 }: CurvatureOptions,
): Promise<CurvatureProducts> {
  if (!(Number.isFinite(damping) && damping >= 0))
    throw new MeedError(`The damping is ${damping}`, 'Give a finite number of at least 0');
  const { graph, chunk } = fittingGraph(model, kind, width);
  const program = await engine.compile(graph);
  return {
    kind,
    async apply(parameters, samples, vectors, watch = unwatched) {
      checkSamples(model, samples);
      if (samples.rows === 0) throw new MeedError('The curvature of no samples was asked for', 'Give at least one');
      const [count, length] = vectors.shape;
      if (vectors.shape.length !== 2 || length !== model.parameterCount) {
        throw new MeedError(
          `The curvature of ${model.parameterCount} parameters was to be multiplied with vectors of the shape [${vectors.shape}]`,
          'Give one row of as many numbers as the model has parameters for each vector',
        );
      }
      const result = new Float32Array(count * length);
      for (let first = 0; first < count; first += width) {
        const rows = Math.min(width, count - first);
        const block = vectors.data.subarray(first * length, (first + rows) * length);
        const curved = await meanProducts({ program, model, chunk, width }, parameters, samples, block, watch);
        for (let e = 0; e < block.length; e++) result[first * length + e] = curved[e] + damping * block[e];
      }
      requireFinite(result);
      return { shape: [count, length], data: result };
    },
    dispose: () => program.dispose(),
  };
}

interface Opened {
  readonly program: Program;
  readonly model: Model;
  readonly chunk: number;
  readonly width: number;
}

/** @returns mean over the samples of the products, for `width` vectors */
async function meanProducts(
  { program, model, chunk, width }: Opened,
  parameters: Float32Array,
  samples: Samples,
  block: Float32Array,
  watch: WorkWatch,
): Promise<Float64Array> {
  const length = model.parameterCount;
  const padded = block.length === width * length ? block : new Float32Array(width * length);
  if (padded !== block) padded.set(block);
  const shared = {
    parameters: { shape: [length], data: parameters },
    vectors: { shape: [width, length], data: padded },
  };
  const sum = new Float64Array(block.length);
  for (let start = 0; start < samples.rows; start += chunk) {
    watch.throwIfCancelled();
    const weights = new Float32Array(chunk).fill(1, 0, Math.min(chunk, samples.rows - start));
    const { products } = await program.run({
      ...shared,
      ...batchTensors(samples, start, chunk, model),
      weights: { shape: [chunk, 1], data: weights },
    });
    for (let e = 0; e < sum.length; e++) sum[e] += products.data[e];
  }
  return sum.map((value) => value / samples.rows);
}

/** Rows of one run: a power of two, from the model's shapes alone. */
function fittingGraph(model: Model, kind: CurvatureKind, width: number): { graph: Graph; chunk: number } {
  for (let chunk = MOST_ROWS; ; chunk /= 2) {
    const graph = curvatureGraph(model, kind, { chunk, vectors: width });
    const numbers = graph.nodes.reduce((sum, { output }) => sum + sizeOf(output.shape), 0);
    if (numbers <= MOST_NUMBERS || chunk <= LEAST_ROWS) return { graph, chunk };
  }
}

function requireFinite(numbers: Float32Array): void {
  const bad = numbers.find((value) => !Number.isFinite(value));
  if (bad === undefined) return;
  throw new MeedError(
    `A product with the curvature holds ${bad}`,
    'Check the training for divergence (lower the learning rate), and the vectors that were given for overflow',
  );
}
