/**
 * Gradient products summed over chosen training states: score(q, i) = Σ_c w_c ⟨∇target_q(θ_c), ∇loss_i(θ_c)⟩.
 * Grad-dot is one state; TracIn (Pruthi et al. 2020) and first-order in-run data Shapley (Wang et al. 2024) are many.
 * Without a pool the given engine computes here; with one, blocks of samples go to its workers, which give the CPU
 * engine's bits.
 */
import { cpuEngine, type Engine, encodeGraph } from '../engine/index.js';
import { MeedError, sha256, silent } from '../foundation/index.js';
import { type Losses, type Model, type Samples, selectSamples } from '../models/index.js';
import { CancelledError, defaultMemory, type MapOptions, type Pool, runMap } from '../work/index.js';
import { describeFactors, factorSource } from './factors.js';
import { finiteScores } from './finiteScores.js';
import { MOST_ROWS, openKernel } from './gradientKernel.js';
import { openTogether } from './openTogether.js';
import { type PathSession, pathScores, type WeightedState } from './pathScores.js';
import scoreBlock, { type EncodedFactors, type ScoreBlockInput } from './scoreBlock.task.js';
import type { Scorer } from './scorer.js';

export type { WeightedState } from './pathScores.js';

/** Samples of one job. Fixed, so that a job's name, and so its stored result, does not depend on who works. */
const SCORE_BLOCK = MOST_ROWS.samples;

/** Where blocks of samples run, and how it is told; without `where`, the given engine in this thread, which stores nothing. */
export interface ScoringOptions extends Omit<MapOptions, 'unit'> {
  /** The scalar of an output that is explained; the model's loss unless told. Of a sample it is always the loss. */
  readonly target?: Losses;
}

/** @throws MeedError when workers are asked for and the engine is not the one that they have */
export async function pathScorer(
  engine: Engine,
  model: Model,
  states: readonly WeightedState[],
  about: Pick<Scorer, 'name' | 'scale' | 'additivity'>,
  options: ScoringOptions = {},
): Promise<Scorer> {
  const used = states.filter(({ weight }) => weight !== 0);
  const scoring =
    options.where === undefined
      ? await scoreHere(engine, model, used, options)
      : scoreThere(engine, model, used, options, options.where);
  return {
    ...about,
    score: async (outputs, samples) => finiteScores(about.name, await scoring.score(outputs, samples)),
    dispose: () => scoring.dispose(),
  };
}

type Scoring = Pick<Scorer, 'score' | 'dispose'>;

async function scoreHere(
  engine: Engine,
  model: Model,
  states: readonly WeightedState[],
  { target, progress = silent, signal }: ScoringOptions,
): Promise<Scoring> {
  const open = async (of?: Losses) => {
    const { graph, layout } = describeFactors(model, of);
    return factorSource(await engine.compile(graph), layout);
  };
  return openTogether(async (keep) => {
    const samples = await keep(open());
    const outputs = target === undefined ? samples : await keep(open(target));
    const kernel = openKernel(engine);
    return {
      async score(asked, against) {
        const session: PathSession = { outputs, samples, kernel, kept: new Map() };
        const watch = {
          memoryBytes: defaultMemory(),
          throwIfCancelled() {
            if (signal?.aborted) throw new CancelledError('The scoring');
          },
          progress,
        };
        return pathScores(session, { states, outputs: asked, samples: against }, watch);
      },
      async dispose() {
        await samples.dispose();
        if (outputs !== samples) await outputs.dispose();
        await kernel.dispose();
      },
    };
  });
}

function scoreThere(
  engine: Engine,
  model: Model,
  states: readonly WeightedState[],
  { target, progress, signal, store, notice }: ScoringOptions,
  where: Pool,
): Scoring {
  const own = cpuEngine().name;
  if (engine.name !== own) {
    throw new MeedError(
      `Workers compute with ${own}, the engine ${engine.name} was asked for`,
      'Choose --engine onnxruntime and --device cpu, or leave --workers and --queue out',
      { exitCode: 2 },
    );
  }
  const encoded = (of?: Losses): EncodedFactors => {
    const { graph, layout } = describeFactors(model, of);
    return { program: encodeGraph(graph), layout };
  };
  const sampleFactors = encoded();
  const outputFactors = target === undefined ? sampleFactors : encoded(target);
  return {
    async score(outputs, samples) {
      const common = { engine: own, outputFactors, sampleFactors, states, outputs };
      const key = nameOf(common);
      const blocks = cut(samples);
      const inputs = blocks.map((block): ScoreBlockInput => ({ ...common, key, samples: block }));
      const options = { where, progress, signal, store, notice, unit: `blocks of ${SCORE_BLOCK} samples` };
      const results: readonly unknown[] = await runMap(scoreBlock, inputs, options);
      const scores = results.map((given, b) => scoresOf(given, outputs.rows * blocks[b].rows, where, store));
      return { shape: [outputs.rows, samples.rows], data: sideBySide(scores, outputs.rows, samples.rows) };
    },
    async dispose() {},
  };
}

/** What a worker gave: a block of another size would shift every score after it. */
function scoresOf(given: unknown, size: number, where: Pool, store: string | undefined): Float32Array {
  const scores = typeof given === 'object' && given !== null && 'scores' in given ? given.scores : undefined;
  if (scores instanceof Float32Array && scores.length === size) return scores;
  const got = scores instanceof Float32Array ? `${scores.length} scores` : 'no scores';
  throw new MeedError(
    `A block of ${size} scores was asked of ${where.name}, which gave ${got}`,
    `Use workers that you trust${store === undefined ? '' : `, and delete ${store}, which keeps what they gave`}`,
  );
}

/** SHA-256 of everything that all blocks share. */
function nameOf({ engine, outputFactors, sampleFactors, states, outputs }: Omit<ScoreBlockInput, 'key' | 'samples'>) {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array | Float64Array): Uint8Array =>
    new Uint8Array(buffer, byteOffset, byteLength);
  return sha256(
    engine,
    sha256(outputFactors.program.onnx),
    sha256(sampleFactors.program.onnx),
    bytes(Float64Array.from(states, ({ weight }) => weight)),
    ...states.map(({ parameters }) => sha256(bytes(parameters))),
    `${outputs.rows} ${outputs.width} ${sha256(bytes(outputs.features))} ${sha256(bytes(outputs.targets))}`,
  );
}

function cut(samples: Samples): Samples[] {
  return Array.from({ length: Math.ceil(samples.rows / SCORE_BLOCK) }, (_, b) => {
    const start = b * SCORE_BLOCK;
    const rows = Math.min(SCORE_BLOCK, samples.rows - start);
    return selectSamples(
      samples,
      Array.from({ length: rows }, (_, i) => start + i),
    );
  });
}

/** Matrices of `rows` rows beside each other, as one of `columns` columns. */
function sideBySide(blocks: readonly Float32Array[], rows: number, columns: number): Float32Array {
  const whole = new Float32Array(rows * columns);
  let left = 0;
  for (const block of blocks) {
    const width = block.length / rows;
    for (let r = 0; r < rows; r++) whole.set(block.subarray(r * width, (r + 1) * width), r * columns + left);
    left += width;
  }
  return whole;
}
