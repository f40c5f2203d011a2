/**
 * The scores of one block of samples, as a task for any worker. The model comes as the encoded graphs of its factors, so
 * that every model can come, an imported one too. Blocks of equal size are dealt to workers whatever their number;
 * states and outputs are the same arrays in every block, which a queue carries once.
 */
import { type EncodedGraph, openEncoded } from '../engine/index.js';
import type { Samples } from '../models/index.js';
import { defineTask } from '../work/index.js';
import { type FactorLayout, factorSource } from './factors.js';
import { openKernel } from './gradientKernel.js';
import { type PathSession, pathScores, type WeightedState } from './pathScores.js';
import { workerEngine } from './workerEngine.js';

/** One side's factors: the program, and how to read its outputs. */
export interface EncodedFactors {
  readonly program: EncodedGraph;
  readonly layout: FactorLayout;
}

export interface ScoreBlockInput {
  /** Name of the engine whose bits are asked for. */
  readonly engine: string;
  /** Names everything but the samples: workers keep what they opened for it. */
  readonly key: string;
  /** Of the outputs' target, and of the samples' loss. */
  readonly outputFactors: EncodedFactors;
  readonly sampleFactors: EncodedFactors;
  readonly states: readonly WeightedState[];
  readonly outputs: Samples;
  readonly samples: Samples;
}

export interface ScoreBlock {
  /** [outputs, samples], row-major. */
  readonly scores: Float32Array;
}

export default defineTask<ScoreBlockInput, ScoreBlock>({
  name: 'influence.score-block',
  version: 1,
  module: import.meta.url,
  async run(input, context) {
    const engine = workerEngine(input.engine, 'scores');
    const session = await context.open(input.key, async () => {
      const [outputs, samples] = await Promise.all(
        [input.outputFactors, input.sampleFactors].map(async ({ program, layout }) =>
          factorSource(await openEncoded(program), layout),
        ),
      );
      const kernel = openKernel(engine);
      const opened: PathSession & { dispose(): Promise<void> } = {
        outputs,
        samples,
        kernel,
        kept: new Map(),
        async dispose() {
          await Promise.all([outputs.dispose(), samples.dispose(), kernel.dispose()]);
        },
      };
      return opened;
    });
    return { scores: (await pathScores(session, input, context)).data };
  },
});
