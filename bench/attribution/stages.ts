/**
 * Which methods are given how many models, setting by setting. One model: the run that is explained, with its own
 * checkpoints where a method takes them. Ten: the ensemble of the literature's tables. Fifty (ladder.ts): what ensembles gain
 * further, with the epochs that ten are first tried with, since choosing would cost fifty models for every setting.
 */
import { findMethod, type Method, overStates, trakDual } from '../../src/influence/index.js';
import type { MnistSetting } from '../settings/mnist.js';
import { atTheEnd, dampings, named, trak, variant } from './variants.js';

export interface Stage {
  readonly runs: number;
  readonly methods: readonly Method[];
  readonly choose: 'held-out' | 'defaults';
}

const finalWeights = variant(trakDual, ' (final weights)', {
  defaults: { epochs: 'last' },
  grid: dampings(0.1, 0.3, 3),
});
const checkpoints = (...epochs: readonly string[]): Method =>
  variant(trakDual, ' (checkpoints)', {
    defaults: { epochs: epochs[0] },
    grid: [
      ...epochs.slice(1).map((one) => ({ epochs: one })),
      { epochs: epochs[0], damping: 0.3 },
      { epochs: epochs[0], damping: 3 },
    ],
  });
const STAGES: Readonly<Record<MnistSetting, readonly Stage[]>> = {
  'mnist-lr': [
    {
      runs: 1,
      choose: 'held-out',
      methods: [
        ...named(
          'grad-dot',
          'grad-cosine',
          'tracin',
          'in-run',
          'kfac',
          'ekfac',
          'datainf',
          'logra',
          'factgrass',
          'source',
          'embedding-similarity',
          'representer-points',
          'knn-shapley',
        ),
        atTheEnd('explicit', dampings(0.1, 0.05, 0.03, 0.005)),
        {
          ...overStates(findMethod('explicit'), '3,5,10,20'),
          grid: [{ damping: 0.1 }, { damping: 0.05 }, { damping: 0.03 }],
        },
        checkpoints('5,10,20', '20', '10'),
        trak(2048),
      ],
    },
    { runs: 10, choose: 'held-out', methods: [trak(2048), finalWeights] },
  ],
  'mnist-mlp': [
    {
      runs: 1,
      choose: 'held-out',
      methods: [
        ...named(
          'grad-dot',
          'grad-cosine',
          'tracin',
          'in-run',
          'embedding-similarity',
          'representer-points',
          'knn-shapley',
          'logra',
          'factgrass',
        ),
        atTheEnd('kfac', dampings(1)),
        atTheEnd('ekfac', dampings(1)),
        overStates(findMethod('ekfac'), '5,10,50'),
        trak(2048),
        finalWeights,
        checkpoints('1,2,3,5,10,20,50', '5,10,50', '3,5,10,20'),
      ],
    },
    {
      runs: 10,
      choose: 'held-out',
      methods: [checkpoints('5,10,50', '10', '5,10', '5,10,20,50'), finalWeights, trak(512)],
    },
  ],
};

const QUICK: readonly Stage[] = [
  {
    runs: 1,
    choose: 'held-out',
    methods: [...named('grad-dot', 'ekfac'), variant(trakDual, ' (checkpoints)', { defaults: { epochs: '1,2,5' } })],
  },
  {
    runs: 2,
    choose: 'defaults',
    methods: [variant(findMethod('trak'), ' (k = 256)', { defaults: { columns: 256 } }), ...named('spectral-sketch')],
  },
];

export function stagesOf(setting: MnistSetting, extent: 'full' | 'quick'): readonly Stage[] {
  return extent === 'quick' ? QUICK : STAGES[setting];
}

/** What ranks the samples in the one figure of mislabels. */
export const MISLABEL_AT = 'self-influence';

/** The figure is that of the first: with the epochs that ten models are first tried with for LDS, none chosen here. */
export const mislabelMethods: readonly Method[] = [checkpoints('5,10,50'), trakDual, ...named('grad-dot', 'ekfac')];
