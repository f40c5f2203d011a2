/**
 * In-run data Shapley to second order (Wang et al. 2024, theorem 4), over the steps that the run really took: it is trained
 * again from its first state, with its order and masks, and of every step each sample of the batch is owed
 * mass/b · [∇_q − ½·H_q·d]·∇_i with d the step's displacement. For plain SGD mass is the learning rate and this is the paper's; with
 * momentum a gradient goes on moving the weights in later steps, and mass is all that it will have moved them.
 * Gradients are those of the loss that is measured, without the masks of a step with dropout.
 * The trap: scores belong to places of this run, not to what a row holds, and the run must be the one that was trained: the
 * states that are known of it are compared with those of the repetition.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import {
  batchTensors,
  epochOrder,
  type FastState,
  type Losses,
  openFastStep,
  openOptimiser,
  ratesOf,
  type Samples,
  selectSamples,
} from '../../models/index.js';
import { ensembleScorer, type OpenScorer } from '../ensemble.js';
import { openTogether } from '../openTogether.js';
import type { ScoringOptions } from '../pathScorer.js';
import { stepInfluenceGraph } from '../replay/stepInfluence.js';
import { samplePlaces } from '../samplePlaces.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { sgdMomentum } from './inRun.js';
import {
  type Attribution,
  aboutScores,
  type Method,
  type MethodCard,
  type RunState,
  type TrainedRun,
} from './method.js';
import { countOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'in-run-second-order',
  source: 'Wang et al. 2024, "Data Shapley in One Training Run", theorem 4',
  claim:
    'how much of what this one training changed in the loss of the output is owed to this sample, the steps it took part in',
  scale: "nats of the output's loss, over the whole training",
  cost: 'the training once more, and at each step a few passes over m outputs and m·batch products of factors',
  needs: ['checkpoints', 'replay'],
  form: 'direct',
  additivity: 'complete',
};

export interface SecondOrderSettings {
  readonly [name: string]: number | string;
  /** One of how many steps is looked at, and counts for all of them; 1 looks at every one. */
  readonly every: number;
}

export const inRunSecondOrder: Method<SecondOrderSettings> = {
  ...card,
  defaults: { every: 1 },
  grid: [],
  async open(attribution, { every }, options = {}) {
    const stride = countOf('every', every, 1);
    for (const run of attribution.runs) checkRun(run);
    const open = (run: TrainedRun, watch: WorkWatch): OpenScorer => replayed(attribution, run, stride, options, watch);
    return ensembleScorer(aboutScores(card), attribution.runs, open, watchOf(options));
  },
};

function checkRun({ states, recipe, seed }: TrainedRun): void {
  sgdMomentum(recipe, card.name);
  if (seed === undefined) {
    throw new MeedError('The run has no seed, so its steps cannot be repeated', 'Give its seed, or choose in-run');
  }
  if (states[0]?.step !== 0) {
    throw new MeedError(
      `The first state known of the run is of step ${states[0]?.step ?? 'none'}`,
      'Keep the initial weights, or choose in-run',
    );
  }
}

/** Outputs of one program run. */
const OUTPUTS = 64;

function replayed(
  attribution: Attribution,
  run: TrainedRun,
  stride: number,
  { target }: ScoringOptions,
  watch: WorkWatch,
): OpenScorer {
  return {
    async score(outputs, samples) {
      const places = samplePlaces(samples, attribution.samples);
      const owed = await owedOverRun(attribution, run, outputs, target, stride, watch);
      const scores = new Float32Array(outputs.rows * samples.rows);
      for (let q = 0; q < outputs.rows; q++) {
        const row = owed.subarray(q * attribution.samples.rows, (q + 1) * attribution.samples.rows);
        for (const [i, place] of places.entries()) scores[q * samples.rows + i] = row[place];
      }
      return { shape: [outputs.rows, samples.rows], data: scores };
    },
    async dispose() {},
  };
}

/** [outputs, n]: of samples that the run was not trained on, 0. */
async function owedOverRun(
  { engine, model, samples }: Attribution,
  { recipe, states, rows: trained, seed = 0 }: TrainedRun,
  outputs: Samples,
  target: Losses | undefined,
  stride: number,
  watch: WorkWatch,
): Promise<Float64Array> {
  const rows = trained ?? Uint32Array.from({ length: samples.rows }, (_, i) => i);
  const { batch, dropout, clip, epochs } = recipe;
  const perEpoch = Math.ceil(rows.length / batch);
  const rates = ratesOf(recipe, rows.length);
  const masses = massesOf(rates, sgdMomentum(recipe, card.name));
  const optimiser = openOptimiser(recipe.optimiser);
  const extents = { outputs: OUTPUTS, batch: Math.max(2, batch) };
  const blocks = blocksOf(outputs);
  const owed = new Float64Array(outputs.rows * samples.rows);
  const { step, program } = await openTogether(async (keep) => ({
    step: await keep(openFastStep(engine, model, { batch, optimiser, dropout, seed, clip })),
    program: await keep(engine.compile(stepInfluenceGraph(model, extents, target ?? model.losses))),
  }));
  const known = new Map(states.map((state) => [state.step, state]));
  try {
    const order = Random.named(seed, 'order');
    let now: FastState = {
      parameters: states[0].parameters,
      state: new Float32Array(optimiser.stateSize(model.parameterCount)),
    };
    for (let epoch = 0; epoch < epochs; epoch++) {
      const shuffled = epochOrder(order, rows);
      for (let k = 0; k < perEpoch; k++) {
        watch.throwIfCancelled();
        const at = epoch * perEpoch + k;
        const positions = shuffled.subarray(k * batch, (k + 1) * batch);
        const next = await step.run(now, samples, positions, { step: at, rate: rates[at] });
        checkRepeated(known.get(at + 1), states[0].parameters, next.parameters);
        if (at % stride === 0) {
          const share = (masses[at] * Math.min(stride, rates.length - at)) / positions.length;
          const shared = {
            parameters: vector(now.parameters),
            displacement: vector(now.parameters.map((w, p) => w - next.parameters[p])),
            ...batchTensors(selectSamples(samples, positions), 0, extents.batch, model),
          };
          for (const [b, block] of blocks.entries()) {
            const { x, targets } = batchTensors(block, 0, OUTPUTS, model);
            const found = await program.run({ ...shared, outputs: x, outputTargets: targets });
            for (let q = 0; q < block.rows; q++) {
              for (const [i, place] of positions.entries()) {
                owed[(b * OUTPUTS + q) * samples.rows + place] += share * found.products.data[q * extents.batch + i];
              }
            }
          }
        }
        now = next;
        watch.progress(at + 1, rates.length, 'steps');
      }
    }
    return owed;
  } finally {
    await step.dispose();
    await program.dispose();
  }
}

/** How far a gradient of each step will have moved the weights at the end: mass_s = η_s + μ·mass_{s+1}. */
function massesOf(rates: readonly number[], momentum: number): number[] {
  const masses = rates.slice();
  for (let s = rates.length - 2; s >= 0; s--) masses[s] += momentum * masses[s + 1];
  return masses;
}

function vector(data: Float32Array): Tensor {
  return { shape: [data.length], data };
}

function blocksOf(outputs: Samples): Samples[] {
  return Array.from({ length: Math.ceil(outputs.rows / OUTPUTS) }, (_, b) => {
    const first = b * OUTPUTS;
    const count = Math.min(OUTPUTS, outputs.rows - first);
    return selectSamples(
      outputs,
      Array.from({ length: count }, (_, i) => first + i),
    );
  });
}

/** Of the way from the first state that a repetition may miss a known one by: floats drift between machines, orders do not. */
const DRIFT = 0.1;

/** @throws MeedError when the repetition does not come where the run was */
function checkRepeated(known: RunState | undefined, initial: Float32Array, repeated: Float32Array): void {
  if (!known) return;
  let [missed, way] = [0, 0];
  for (const [p, w] of known.parameters.entries()) {
    missed += (w - repeated[p]) ** 2;
    way += (w - initial[p]) ** 2;
  }
  const drift = Math.sqrt(missed / way);
  if (missed === 0 || drift <= DRIFT) return;
  throw new MeedError(
    `Repeated from its first state, the run misses its state of step ${known.step} by ${(100 * drift).toFixed(0)}% of the way there`,
    'Give the seed, rows and recipe that it was trained with, or choose in-run, which repeats nothing',
  );
}
