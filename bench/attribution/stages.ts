/**
 * Which methods are given how many models, setting by setting. One model: the run that is explained, with its own
 * checkpoints where a method takes them. Ten: the ensemble of the literature's tables. Fifty: what ensembles gain further,
 * with the settings that ten chose, since choosing would cost fifty models for every setting.
 */
import { findMethod, type Method, type Settings, trakDual } from '../../src/influence/index.js';
import type { MnistSetting } from '../settings/mnist.js';

export interface Stage {
  readonly runs: number;
  readonly methods: readonly Method[];
  readonly choose: 'held-out' | 'defaults';
}

/** The method with other choices, told apart by its name. */
function variant(
  method: Method,
  name: string,
  given: { readonly defaults: Settings; readonly grid?: Method['grid'] },
): Method {
  const { defaults, grid = [] } = given;
  return { ...method, name: `${method.name}${name}`, defaults: { ...method.defaults, ...defaults }, grid };
}

/** Of the trained weights alone, where trying every epoch would take hours. */
function atTheEnd(name: string, grid: Method['grid']): Method {
  const method = findMethod(name);
  const { epoch: _, ...defaults } = method.defaults;
  const whole = (settings: Settings): Settings => ({ ...method.defaults, ...settings });
  const { sweep } = method;
  return {
    ...method,
    defaults,
    grid,
    open: (attribution, settings, options) => method.open(attribution, whole(settings), options),
    ...(sweep && {
      sweep: (attribution, settings, outputs, options) => sweep(attribution, settings.map(whole), outputs, options),
    }),
  };
}

const named = (...names: readonly string[]): Method[] => names.map((name) => findMethod(name));
const dampings = (...of: readonly number[]): Settings[] => of.map((damping) => ({ damping }));

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
const fixed = (method: Method, name: string, settings: Settings): Method =>
  variant(method, name, { defaults: settings });
const trak = (columns: number): Method =>
  variant(findMethod('trak'), ` (k = ${columns})`, { defaults: { columns }, grid: dampings(1e-4, 1e-3, 0.1, 1) });
const sketches = (epochs: string): Method[] =>
  [64, 128, 224, 512].flatMap((columns) =>
    ['float32', 'int8'].map((numbers) =>
      variant(findMethod('spectral-sketch'), ` (d = ${columns}, ${numbers})`, {
        defaults: { columns, numbers, epochs },
      }),
    ),
  );

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
        atTheEnd('explicit', dampings(0.1, 0.03, 0.005)),
        atTheEnd('cg', dampings(0.1, 0.03)),
        checkpoints('5,10,20', '20', '10'),
        trak(2048),
      ],
    },
    { runs: 10, choose: 'held-out', methods: [trak(2048), finalWeights, ...named('ekfac')] },
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
        trak(2048),
        finalWeights,
        checkpoints('1,2,3,5,10,20,50', '5,10,50', '3,5,10,20'),
      ],
    },
    {
      runs: 10,
      choose: 'held-out',
      methods: [
        trak(2048),
        ...named('ekfac'),
        finalWeights,
        checkpoints('5,10,50', '10', '5,10', '3,5,10,50', '5,10,20,50'),
      ],
    },
    { runs: 10, choose: 'defaults', methods: sketches('5,10,50') },
    {
      runs: 50,
      choose: 'defaults',
      methods: [
        fixed(trakDual, ' (final weights)', { epochs: 'last' }),
        fixed(trakDual, ' (checkpoints)', { epochs: '5,10,50' }),
      ],
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

/** The figure is that of the first. */
export const mislabelMethods: readonly Method[] = [
  fixed(trakDual, '', { epochs: 'last' }),
  ...named('grad-dot', 'ekfac'),
];
