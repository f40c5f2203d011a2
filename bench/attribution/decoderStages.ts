/**
 * Which methods are given how many models on the decoder. The baselines are TRAK on the trained weights of ten models, their
 * damping chosen like all others'. Beside them stand the same ten trainings seen by others: at their ends, or earlier, where
 * less has been learned by heart; one row for each number of states, since that is what the cost goes by. TRAK at the same
 * earlier states tells what of a gain the states have brought.
 */
import { type Method, trakDual } from '../../src/influence/index.js';
import type { Stage } from './stages.js';
import { atTheEnd, dampings, named, trak, variant } from './variants.js';

/** Two directions a sample, which loses next to nothing; and one for two, which costs what the dual of one epoch does. */
const COLUMNS = [2048, 512] as const;
const DAMPINGS = [0.03, 0.1, 0.3, 1];

export const baselines = COLUMNS.map(trak);
const [baseline] = baselines;

/** With gradients of the loss: those of each token's margin with that token's own 1 − p in front. */
function lossDual(suffix: string, ...epochs: readonly string[]): Method {
  return variant(trakDual, ` (${suffix})`, {
    defaults: { features: 'loss', epochs: epochs[0], damping: DAMPINGS[0] },
    grid: epochs.flatMap((one) => DAMPINGS.map((damping) => ({ epochs: one, damping }))),
  });
}

const earlyTrak = variant(baseline, ', early', {
  defaults: { epochs: '3' },
  grid: dampings(0.1, 1),
});

const STAGES: readonly Stage[] = [
  {
    runs: 1,
    choose: 'held-out',
    methods: [
      ...named('grad-dot', 'tracin', 'in-run'),
      atTheEnd('ekfac', dampings(1)),
      atTheEnd('logra', []),
      atTheEnd('factgrass', []),
      baseline,
      lossDual('final weights', 'last'),
      lossDual('one early epoch', '2', '3', '5'),
      lossDual('three epochs', '2,3,5', '3,5,10'),
    ],
  },
  {
    runs: 10,
    choose: 'held-out',
    methods: [
      ...baselines,
      earlyTrak,
      lossDual('final weights', 'last'),
      lossDual('one early epoch', '2', '3', '5'),
      lossDual('two epochs', '2,3', '3,5', '5,10'),
      lossDual('three epochs', '2,3,5', '3,5,10'),
    ],
  },
];

const QUICK: readonly Stage[] = [
  { runs: 1, choose: 'held-out', methods: [trak(64)] },
  { runs: 2, choose: 'held-out', methods: [...baselines, lossDual('one early epoch', '3', '5')] },
];

export function decoderStages(extent: 'full' | 'quick'): readonly Stage[] {
  return extent === 'quick' ? QUICK : STAGES;
}
