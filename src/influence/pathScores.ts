/**
 * Σ_c w_c ⟨∇target_q(θ_c), ∇loss_i(θ_c)⟩ for some outputs and some samples, wherever it is computed: the engine of this
 * process and the worker of another machine run these lines. States are added in their order, and no entry depends on
 * which others are computed with it, so neither does it on how samples are dealt to workers.
 * The trap: factors of sequences are megabytes a sample; how many are held at once follows from the memory budget,
 * which changes no bit.
 */
import type { Tensor } from '../engine/index.js';
import type { Samples } from '../models/index.js';
import { selectSamples } from '../models/index.js';
import { type RowLimits, rowsWithin } from '../work/index.js';
import type { FactorSource, Factors } from './factors.js';
import type { GradientKernel } from './gradientKernel.js';

export interface WeightedState {
  readonly parameters: Float32Array;
  readonly weight: number;
}

/** What is open between two blocks of samples. */
export interface PathSession {
  /** Of the outputs' target, and of the samples' loss. */
  readonly outputs: FactorSource;
  readonly samples: FactorSource;
  readonly kernel: GradientKernel;
  /** The outputs' factors at each state, kept when they fit. */
  readonly kept: Map<number, Factors>;
}

export interface PathRequest {
  readonly states: readonly WeightedState[];
  readonly outputs: Samples;
  readonly samples: Samples;
}

export interface Watch {
  readonly memoryBytes: number;
  throwIfCancelled(): void;
  progress(done: number, total: number, unit: string): void;
}

/** Part of the memory for outputs' factors that are kept from one block of samples to the next. */
const KEPT_SHARE = 1 / 4;
/** Part of the memory for the factors of each side that are held at once. */
const SIDE_SHARE = 1 / 4;

/**
 * @returns [outputs, samples]
 * @throws MeedError when the memory holds not even one run's factors
 */
export async function pathScores(session: PathSession, request: PathRequest, watch: Watch): Promise<Tensor> {
  const { states, outputs, samples } = request;
  const total: Tensor = {
    shape: [outputs.rows, samples.rows],
    data: new Float32Array(outputs.rows * samples.rows),
  };
  const outputRows = rowsAtOnce(session.outputs, outputs, watch.memoryBytes, 'factors of outputs');
  const sampleRows = rowsAtOnce(session.samples, samples, watch.memoryBytes, 'factors of samples');
  const keeps = states.length * outputs.rows * session.outputs.bytesPerRow <= watch.memoryBytes * KEPT_SHARE;
  for (const [c, { parameters, weight }] of states.entries()) {
    for (let column = 0; column < samples.rows; column += sampleRows) {
      const right = await session.samples.factors(parameters, rowsFrom(samples, column, sampleRows));
      for (let row = 0; row < outputs.rows; row += outputRows) {
        watch.throwIfCancelled();
        const left =
          session.kept.get(c) ?? (await session.outputs.factors(parameters, rowsFrom(outputs, row, outputRows)));
        if (left.rows === outputs.rows && keeps) session.kept.set(c, left);
        await session.kernel.addTo(total, { row, column }, weight, left, right);
      }
    }
    watch.progress(c + 1, states.length, 'states');
  }
  return total;
}

function rowsAtOnce(source: FactorSource, { rows }: Samples, memoryBytes: number, what: RowLimits['what']): number {
  // whole chunks, the last of which may be filled up: what fits is not cut for its remainder
  const atMost = rows < source.chunk ? Math.max(1, rows) : source.chunk * Math.ceil(rows / source.chunk);
  const limits = { what, multipleOf: source.chunk, atMost };
  return rowsWithin(memoryBytes * SIDE_SHARE, source.bytesPerRow, 0, limits);
}

function rowsFrom(samples: Samples, start: number, most: number): Samples {
  const rows = Math.min(most, samples.rows - start);
  if (rows === samples.rows) return samples;
  return selectSamples(
    samples,
    Array.from({ length: rows }, (_, i) => start + i),
  );
}
