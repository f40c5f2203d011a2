/**
 * Spectral sketches of any method's scores, an ensemble's included (design.md section 4): d numbers a sample instead of
 * one score for each output that may ever come. Two bases. 'calibration': the top right singular vectors of the scores of
 * calibration outputs, the directions in which scores really vary. 'kernel': the top eigenvectors of the gradient kernel
 * summed over the states, each divided by its mean eigenvalue, for which no output needs to be known.
 * φ_i is the sample's row of the basis, ψ_q is the output's scores times the basis. In int8 each column has one scale, by the
 * rule that proofs use (foundation/quantise.ts), and ψ stays a float.
 * The trap: a basis of calibration outputs is blind to what they do not show, so they must be like those that will come;
 * and eigenvectors are unique only up to rotation, so scores are compared, never sketches.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { columnScales, MeedError, quantiseRow } from '../../foundation/index.js';
import { openProducts, topEigen } from '../../linalg/index.js';
import { marginLosses, type Samples } from '../../models/index.js';
import { ensembleKernel } from '../kernel/ensembleKernel.js';
import { openTogether } from '../openTogether.js';
import type { ScoringOptions } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { fitBasis, sketchOutputs, sketchSamples } from '../spectralSketch.js';
import { watchOf } from '../watch.js';
import { gradDotMethod } from './gradDot.js';
import { inRunMethod } from './inRun.js';
import { type Attribution, aboutScores, type Method, type MethodCard } from './method.js';
import { LAST, statesAtEpochs } from './runStates.js';
import { trakDual } from './trakDual.js';
import { countOf, wordOf } from './vectorMethod.js';

export interface SpectralSketchSettings extends Readonly<Record<string, number | string>> {
  /** Numbers of one sketch, d. */
  readonly columns: number;
  readonly basis: string;
  /** What φ is stored in. */
  readonly numbers: string;
  /** The method whose scores are sketched. */
  readonly of: string;
  /** Of trak-dual. */
  readonly damping: number;
  readonly epochs: number | string;
}

const BASES = ['calibration', 'kernel'] as const;
const NUMBERS = ['float32', 'int8'] as const;

const card: MethodCard = {
  name: 'spectral-sketch',
  source:
    'Eckart and Young 1936 (the best projection to d directions); Halko, Martinsson, Tropp 2011 (how it is found)',
  claim: 'what the method that is sketched says, as far as the d directions in which scores vary most can tell',
  scale: "the sketched method's",
  cost: 'once the scores of the calibration outputs and d singular vectors; d numbers a sample, d multiplications a score',
  needs: ['calibration', 'ensemble'],
  form: 'bilinear',
  additivity: 'relative',
};

const opened: Readonly<
  Record<string, (attribution: Attribution, s: SpectralSketchSettings, o?: ScoringOptions) => Promise<Scorer>>
> = {
  'trak-dual': (attribution, { damping, epochs }, options) =>
    trakDual.open(attribution, { ...trakDual.defaults, damping, epochs }, options),
  'in-run': (attribution, _, options) => inRunMethod.open(attribution, inRunMethod.defaults, options),
  'grad-dot': (attribution, _, options) => gradDotMethod.open(attribution, gradDotMethod.defaults, options),
};

export const spectralSketch: Method<SpectralSketchSettings> = {
  ...card,
  defaults: { columns: 224, basis: 'calibration', numbers: 'int8', of: 'trak-dual', damping: 1, epochs: LAST },
  grid: [],
  async open(attribution, settings, options): Promise<Scorer> {
    return sketchOf(attribution, settings, await openSketched(attribution, settings, options), options);
  },
  async *sweep(attribution, settings, outputs, options) {
    const sketched = new Map<string, Scorer>();
    try {
      for (const one of settings) {
        const key = `${one.of} ${one.damping} ${one.epochs}`;
        const scorer = sketched.get(key) ?? remembering(await openSketched(attribution, one, options));
        sketched.set(key, scorer);
        const sketch = await sketchOf(attribution, one, { ...scorer, async dispose() {} }, options);
        yield await sketch.score(outputs, attribution.samples);
      }
    } finally {
      for (const scorer of sketched.values()) await scorer.dispose();
    }
  },
};

function openSketched(
  attribution: Attribution,
  settings: SpectralSketchSettings,
  options?: ScoringOptions,
): Promise<Scorer> {
  return opened[wordOf('of', settings.of, Object.keys(opened))](attribution, settings, options);
}

/** Scores of the same outputs against the same samples are computed once. */
function remembering(scorer: Scorer): Scorer {
  const known = new Map<Samples, Map<Samples, Promise<Tensor>>>();
  return {
    ...scorer,
    score(outputs, samples) {
      const against = known.get(outputs) ?? new Map<Samples, Promise<Tensor>>();
      known.set(outputs, against);
      const scores = against.get(samples) ?? scorer.score(outputs, samples);
      against.set(samples, scores);
      return scores;
    },
  };
}

/** @param sketched disposed of with the sketch, and where there is none */
async function sketchOf(
  attribution: Attribution,
  settings: SpectralSketchSettings,
  sketched: Scorer,
  options?: ScoringOptions,
): Promise<Scorer> {
  const { engine, samples: trained } = attribution;
  const { encode, basis, columns, numbers } = await openTogether(async (keep) => {
    await keep(sketched);
    const columns = countOf('columns', settings.columns, 1);
    const numbers = wordOf('numbers', settings.numbers, NUMBERS);
    const encode =
      wordOf('basis', settings.basis, BASES) === 'calibration'
        ? await calibrationEncoder(attribution, sketched, columns)
        : await kernelEncoder(attribution, settings, columns, options);
    return { encode, basis: await encode(trained), columns, numbers };
  });
  const scales = columnScales(basis.data, columns);
  const stored = (sketches: Tensor): Tensor => (numbers === 'int8' ? inBytes(sketches, scales) : sketches);
  return {
    ...aboutScores(card),
    scale: sketched.scale,
    async score(outputs, samples) {
      const psi = await sketchOutputs(engine, await sketched.score(outputs, trained), basis);
      const phi = stored(samples === trained ? basis : await encode(samples));
      return product(engine, 'abT', psi, phi);
    },
    dispose: () => sketched.dispose(),
  };
}

/** φ of any rows, [rows, d]. */
type Encode = (rows: Samples) => Promise<Tensor>;

async function calibrationEncoder(attribution: Attribution, sketched: Scorer, columns: number): Promise<Encode> {
  const { engine, calibration, samples, seed } = attribution;
  if (calibration === undefined || calibration.rows === 0) {
    throw new MeedError(
      'A basis of calibration outputs was asked for, and there are none',
      'Give outputs that are not evaluated as calibration, or choose basis = kernel',
    );
  }
  const scores = await sketched.score(calibration, samples);
  const basis = await fitBasis(engine, scores, columns, seed);
  return async (rows) =>
    sketchSamples(engine, basis, rows === samples ? scores : await sketched.score(calibration, rows));
}

/** The top eigenvectors of the states' common kernel; φ of a row is its kernel row with all trained samples, times U Λ⁻¹. */
async function kernelEncoder(
  attribution: Attribution,
  { epochs }: SpectralSketchSettings,
  columns: number,
  options?: ScoringOptions,
): Promise<Encode> {
  const { engine, model, samples, seed } = attribution;
  const target = model.objective === 'class' || model.objective === 'next-token' ? marginLosses : model.losses;
  const of = { states: statesAtEpochs(attribution, epochs), trained: samples, target };
  const kernel = await ensembleKernel(engine, model, of, watchOf(options));
  const products = openProducts(engine);
  try {
    const count = Math.min(columns, samples.rows);
    const apply = (block: Tensor): Promise<Tensor> => products.multiply('ab', kernel.gram, block);
    const { values, vectors } = await topEigen(engine, apply, { size: samples.rows, count, seed });
    const encoder: Tensor = { shape: [samples.rows, columns], data: new Float32Array(samples.rows * columns) };
    for (let i = 0; i < samples.rows; i++) {
      for (let k = 0; k < count; k++) {
        encoder.data[i * columns + k] = values[k] > 0 ? vectors.data[i * count + k] / values[k] : 0;
      }
    }
    return async (rows) => product(engine, 'ab', rows === samples ? kernel.gram : await kernel.rows(rows), encoder);
  } finally {
    await products.dispose();
  }
}

async function product(engine: Engine, form: 'ab' | 'abT', a: Tensor, b: Tensor): Promise<Tensor> {
  const products = openProducts(engine);
  try {
    return await products.multiply(form, a, b);
  } finally {
    await products.dispose();
  }
}

/** What int8 keeps: entries rounded to whole multiples of their column's scale. */
function inBytes({ shape, data }: Tensor, scales: Float64Array): Tensor {
  const [rows, columns] = shape;
  const kept = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    const entries = quantiseRow(data.subarray(i * columns, (i + 1) * columns), scales);
    for (let k = 0; k < columns; k++) kept[i * columns + k] = entries[k] * scales[k];
  }
  return { shape, data: kept };
}
