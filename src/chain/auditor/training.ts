/**
 * The training: random segments are replayed from the published states and the weights compared. Floats drift on another
 * machine, and the drift grows with the segment, so segments are at most one epoch and the tolerance is stated.
 */
import { Random } from '../../foundation/index.js';
import { replay, stepsPerEpoch } from '../../models/index.js';
import { trainingSamples } from '../../prover/index.js';
import { type Check, differs, requireEqual, requireEqualLists } from './check.js';

/** Largest ‖replayed − published‖ / ‖published − before‖ accepted for a segment. */
export const REPLAY_TOLERANCE = 0.02;

export const trainingCheck: Check = {
  name: 'training replayed',
  async run(evidence) {
    const stored = await evidence.dataset();
    const trained = await evidence.model();
    const { model, options, states } = trained;
    const samples = trainingSamples(stored.dataset, trained);
    const perEpoch = stepsPerEpoch(samples.rows, options.batch);
    const initial = model.initialise(Random.named(options.seed, 'weights'));
    requireEqualLists('initial weight', Array.from(states[0].parameters), Array.from(initial));
    requireEqual('the last step', states[states.length - 1].step, options.epochs * perEpoch);
    const segments = drawSegments(states.length - 1, evidence.segments, evidence.random);
    let worst = 0;
    for (const [done, c] of segments.entries()) {
      const [from, to] = [states[c], states[c + 1]];
      if (to.step - from.step > perEpoch || to.step <= from.step)
        throw differs(`state ${c + 1}'s step`, to.step, 'at most one epoch more');
      const again = await replay(evidence.engine, model, samples, options, from, to.step);
      worst = Math.max(
        worst,
        requireClose(`the weights of state ${c + 1}`, again.parameters, to.parameters, from.parameters),
        requireClose(`the velocity of state ${c + 1}`, again.velocity, to.velocity, from.velocity),
      );
      requireEqualLists(`the generator's word of state ${c + 1},`, [...to.random], [...again.random]);
      evidence.progress(done + 1, segments.length, 'segments');
    }
    return `${segments.length} of ${states.length - 1} segments replayed, drift at most ${worst.toExponential(1)} of the segment's movement (tolerance ${REPLAY_TOLERANCE})`;
  },
};

function drawSegments(count: number, wanted: number, random: Random): number[] {
  return Array.from(random.permutation(count).subarray(0, Math.min(wanted, count))).sort((a, b) => a - b);
}

function requireClose(what: string, found: Float32Array, published: Float32Array, before: Float32Array): number {
  let error = 0;
  let movement = 0;
  for (let i = 0; i < published.length; i++) {
    error += (found[i] - published[i]) ** 2;
    movement += (published[i] - before[i]) ** 2;
  }
  const drift = error === 0 ? 0 : Math.sqrt(error / movement);
  if (!(drift <= REPLAY_TOLERANCE))
    throw differs(`the replayed drift of ${what}`, drift, `at most ${REPLAY_TOLERANCE}`);
  return drift;
}
