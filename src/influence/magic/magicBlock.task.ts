/**
 * MAGIC for some outputs, as a task for any worker: a training is replayed once and gone through backwards with one
 * adjoint for each scalar that is explained. The stored states of the first replay are kept for the worker's next block.
 * The adjoints take each step one after the other: neither several in one graph, which share its forward pass, nor a leading
 * axis of them is quicker (bench/magicAdjoints.ts prints the times), since weights and adjoints then leave the cache.
 */
import { type EncodedGraph, openEncoded } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { type FastState, type Samples, selectSamples } from '../../models/index.js';
import { defineTask } from '../../work/index.js';
import { workerEngine } from '../workerEngine.js';
import { outputGradient } from './outputAdjoints.js';
import { type Adjoint, checkReplayed, openReplay, type ReplayedRun } from './replayedRun.js';
import { fewestStates, record, rewind } from './rewind.js';

export interface MagicBlockInput {
  /** Name of the engine whose bits are asked for. */
  readonly engine: string;
  /** Names everything but the outputs: workers keep what they opened for it. */
  readonly key: string;
  readonly run: ReplayedRun;
  readonly outputProgram: EncodedGraph;
  readonly outputs: Samples;
  /** The scalar that each output is part of, from 0 on, ascending; and its weight in that sum. */
  readonly scalars: Uint32Array;
  readonly weights: Float32Array;
}

export interface MagicBlock {
  /** [scalars, rows of the data set]: ∂scalar/∂weight of the row; 0 for rows that were not trained on. */
  readonly gradients: Float32Array;
}

/** Scalars of one job: they share its replay. Fixed, so that stored results are found again. */
export const SCALARS = 8;
/** Of a worker's memory, for one run's states: it may keep more than one run open. */
const SHARE = 1 / 2;
/** More is not worth it: where not every state fits, a block of adjoints pays for some more steps forward. */
const MOST_BYTES = 2 ** 30;
/** States that are held beside the stored ones: one being computed, one before it, the last; and the adjoints. */
const IN_FLIGHT = 3 + SCALARS + 1;

export default defineTask<MagicBlockInput, MagicBlock>({
  name: 'influence.magic-block',
  version: 1,
  module: import.meta.url,
  async run(input, context) {
    workerEngine(input.engine, 'gradients');
    const { run, outputs, scalars, weights } = input;
    const count = scalars.length === 0 ? 0 : scalars[scalars.length - 1] + 1;
    const stages = count + 1;
    const tell = (done: number): void => context.progress(done, run.steps * stages, 'steps of the replay and back');
    const session = await context.open(input.key, async () => {
      const replay = await openReplay(run);
      try {
        const states = statesWithin(run, replay.initial, context.memoryBytes);
        const tape = await record({ from: 0, until: run.steps }, replay.initial, states, {
          async advance(before, step) {
            context.throwIfCancelled();
            tell(step);
            return replay.advance(before, step);
          },
        });
        checkReplayed(run, tape.last.parameters);
        return { replay, tape, dispose: () => replay.dispose() };
      } catch (error) {
        await replay.dispose();
        throw error;
      }
    });
    const { replay, tape } = session;
    const program = await openEncoded(input.outputProgram);
    const adjoints: Adjoint[] = [];
    try {
      for (let scalar = 0; scalar < count; scalar++) {
        const members = Array.from(scalars.keys()).filter((q) => scalars[q] === scalar);
        const own = weights.filter((_, q) => scalars[q] === scalar);
        const chosen = selectSamples(outputs, members);
        const parameters = await outputGradient(program, input.outputProgram, tape.last.parameters, chosen, own);
        adjoints.push({ parameters, state: new Float32Array(replay.initial.state.length) });
      }
    } finally {
      await program.dispose();
    }
    const rows = run.samples.rows;
    // a row's gradient is a sum over epochs
    const sums = new Float64Array(count * rows);
    await rewind(tape, {
      async advance(before, step) {
        context.throwIfCancelled();
        return replay.advance(before, step);
      },
      async visit(before: FastState, step: number) {
        context.throwIfCancelled();
        for (let scalar = 0; scalar < count; scalar++) {
          adjoints[scalar] = await replay.adjoin(before, step, adjoints[scalar], (row, gradient) => {
            sums[scalar * rows + row] += gradient;
          });
        }
        tell(run.steps + (run.steps - step) * count);
      },
    });
    const gradients = Float32Array.from(sums);
    if (gradients.every(Number.isFinite)) return { gradients };
    throw new MeedError(
      `The gradient through the run's ${run.steps} steps is not finite`,
      'Explain a run that depends smoothly on its samples: a lower learning rate, GELU instead of ReLU, fewer steps',
    );
  },
});

function statesWithin({ steps, samples }: ReplayedRun, { parameters, state }: FastState, memoryBytes: number): number {
  const bytes = 4 * (parameters.length + state.length);
  const least = fewestStates(steps);
  const budget = memoryBytes * SHARE;
  const fitting = Math.floor(budget / bytes) - IN_FLIGHT;
  if (fitting >= least) return Math.min(fitting, steps, Math.max(least, Math.floor(MOST_BYTES / bytes)));
  throw new MeedError(
    `A run of ${steps} steps on ${samples.rows} rows needs ${least + IN_FLIGHT} states of ${bytes} bytes, ${Math.floor(budget)} bytes are available to them`,
    'Give more with --memory, or use fewer --workers, which share it',
  );
}
