/**
 * Which methods are given how many models on the decoder. The baseline is TRAK on the trained weights of ten models, its
 * damping chosen like all others; what stands beside it looks at the same ten trainings, at as many states or a few more.
 */
import { trakDual } from '../../src/influence/index.js';
import type { Stage } from './stages.js';
import { dampings, named, trak, variant } from './variants.js';

export const baseline = trak(2048);

/** Loss gradients: those of each token's margin with that token's own 1 − p in front. */
const lossDual = (suffix: string, ...epochs: readonly string[]) =>
  variant(trakDual, ` (${suffix})`, {
    defaults: { features: 'loss', epochs: epochs[0] },
    grid: [...epochs.slice(1).map((one) => ({ epochs: one })), ...dampings(0.3, 3)],
  });

const STAGES: readonly Stage[] = [
  {
    runs: 1,
    choose: 'held-out',
    methods: [
      ...named('grad-dot', 'tracin', 'in-run', 'ekfac', 'logra', 'factgrass'),
      baseline,
      lossDual('final weights', 'last'),
      lossDual('checkpoints', '5,10', '3,10', '3,5,10'),
    ],
  },
  {
    runs: 10,
    choose: 'held-out',
    methods: [
      baseline,
      ...named('ekfac'),
      variant(trakDual, ' (final weights, margin)', { defaults: { epochs: 'last' }, grid: dampings(0.3, 3) }),
      lossDual('final weights', 'last'),
      lossDual('checkpoints', '5,10', '3,10'),
    ],
  },
];

const QUICK: readonly Stage[] = [
  { runs: 1, choose: 'held-out', methods: named('grad-dot', 'ekfac') },
  {
    runs: 2,
    choose: 'held-out',
    methods: [baseline, lossDual('checkpoints', '3,5', '2,5')],
  },
];

export function decoderStages(extent: 'full' | 'quick'): readonly Stage[] {
  return extent === 'quick' ? QUICK : STAGES;
}
