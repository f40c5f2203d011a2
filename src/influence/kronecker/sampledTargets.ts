/**
 * Samples with targets drawn from the model itself: the Fisher information is the second moment of gradients under the
 * model's own distribution, and equals the Gauss–Newton matrix; with the true labels it is neither (Kunstner et al. 2019).
 * A class has the softmax of its logits, a number the normal distribution of variance 1/2 whose negative log-likelihood is
 * the squared error up to a constant.
 * The trap: a sequence's loss is a mean over T tokens. Their independent draws give E[gᵀg] = (1/T²) Σ F_t where the curvature
 * of the mean is (1/T) Σ F_t; `curvatureLosses` makes it so.
 */
import type { Engine } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import {
  type GraphBuilder,
  greaterOrEqual,
  maximum,
  multiply,
  reduceSum,
  scalar,
  sqrt,
  type Value,
} from '../../graph/index.js';
import {
  batchTensors,
  checkSamples,
  type Losses,
  logitsGraph,
  type Model,
  PREDICTION_CHUNK,
  type Samples,
  selectSamples,
} from '../../models/index.js';

/** Targets of the curvature's gradients: drawn from the model, or the samples' own (the empirical Fisher information). */
export type FisherTargets = 'sampled' | 'empirical';

export interface TargetSampler {
  /**
   * @param rows  numbers of the samples that are wanted, by which their draws go
   * @param draw  another number, other draws
   * @returns those samples; where no target is asked for (−1) none is drawn
   */
  sample(parameters: Float32Array, samples: Samples, rows: ArrayLike<number>, draw: number): Promise<Samples>;
  dispose(): Promise<void>;
}

/** @throws MeedError when targets are to be drawn and the model's output is no distribution */
export async function openTargetSampler(
  engine: Engine,
  model: Model,
  fisher: FisherTargets,
  seed: number,
): Promise<TargetSampler> {
  if (fisher === 'empirical') {
    return {
      async sample(_parameters, samples, rows) {
        checkSamples(model, samples);
        return selectSamples(samples, rows);
      },
      async dispose() {},
    };
  }
  if (model.objective === 'scalar') {
    throw new MeedError(
      'Targets cannot be drawn from a model whose output is its loss',
      'Set fisher to "empirical": curvature of the gradients as they are',
    );
  }
  const program = await engine.compile(logitsGraph(model, PREDICTION_CHUNK));
  return {
    async sample(parameters, samples, rows, draw) {
      checkSamples(model, samples);
      const chosen = selectSamples(samples, rows);
      const targets = chosen.targets.slice();
      const depth = targets.length / Math.max(1, chosen.rows);
      const flat = { shape: [model.parameterCount], data: parameters };
      for (let start = 0; start < chosen.rows; start += PREDICTION_CHUNK) {
        const { x } = batchTensors(chosen, start, PREDICTION_CHUNK, model);
        const { logits } = await program.run({ parameters: flat, x });
        refuseNotFinite(logits.data);
        const width = logits.data.length / PREDICTION_CHUNK;
        for (let i = 0; i < Math.min(PREDICTION_CHUNK, chosen.rows - start); i++) {
          const random = Random.named(seed, `targets ${draw} ${rows[start + i]}`);
          const given = logits.data.subarray(i * width, (i + 1) * width);
          drawTargets(random, given, targets.subarray((start + i) * depth, (start + i + 1) * depth));
        }
      }
      return { ...chosen, targets };
    },
    dispose: () => program.dispose(),
  };
}

function refuseNotFinite(outputs: Float32Array): void {
  const bad = outputs.findIndex((output) => !Number.isFinite(output));
  if (bad < 0) return;
  throw new MeedError(
    `The model gives ${outputs[bad]}, from which no target can be drawn`,
    'Use the weights of a training that did not diverge',
  );
}

/** Overwrites every target that is asked for. */
function drawTargets(random: Random, outputs: Float32Array, targets: Int32Array | Float32Array): void {
  if (targets instanceof Float32Array) {
    for (const t of targets.keys()) targets[t] = outputs[t] + Math.SQRT1_2 * random.normal();
    return;
  }
  const classes = outputs.length / targets.length;
  for (const t of targets.keys()) {
    // drawn in any case, so that a token's draw does not depend on which others are asked for
    const uniform = random.uniform();
    if (targets[t] >= 0) targets[t] = drawClass(uniform, outputs.subarray(t * classes, (t + 1) * classes));
  }
}

/** The class at which the cumulated softmax passes `uniform`. */
function drawClass(uniform: number, logits: Float32Array): number {
  const largest = logits.reduce((most, z) => Math.max(most, z), Number.NEGATIVE_INFINITY);
  const total = logits.reduce((sum, z) => sum + Math.exp(z - largest), 0);
  let [left, last] = [uniform * total, 0];
  for (const [c, z] of logits.entries()) {
    const mass = Math.exp(z - largest);
    if (mass > 0) last = c;
    left -= mass;
    if (left < 0) return c;
  }
  return last;
}

/** The scalar whose gradients' second moment is the curvature of the model's loss. */
export function curvatureLosses({ losses, objective }: Model, fisher: FisherTargets): Losses {
  if (objective !== 'next-token' || fisher === 'empirical') return losses;
  return (g: GraphBuilder, output: Value, targets: Value): Value => {
    const asked = reduceSum(g, greaterOrEqual(g, targets, scalar(g, 0)), [1]);
    return multiply(g, losses(g, output, targets), sqrt(g, maximum(g, asked, scalar(g, 1))));
  };
}
