/** What is kept of a sample between two outputs: projections and sketches where there are some, factors otherwise. */
import { type Method, openFactors, type Setting, type Settings } from '../../src/influence/index.js';

const FLOAT = 4;

type Bytes = (settings: Settings, runs: number, factors: number) => number | undefined;

const stateCount = ({ epochs, epoch }: Settings): number => String(epochs ?? epoch ?? 'last').split(',').length;

const KEPT: readonly (readonly [prefix: string, bytes: Bytes])[] = [
  ['spectral-sketch', ({ columns, numbers }) => Number(columns) * (numbers === 'int8' ? 1 : FLOAT)],
  ['trak-dual', (settings, runs, factors) => stateCount(settings) * runs * factors],
  ['trak', (settings, runs) => stateCount(settings) * runs * Number(settings.columns) * FLOAT],
  ['grad-dot', (_, __, factors) => factors],
  ['grad-cosine', (_, __, factors) => factors],
  ['kfac', (_, runs, factors) => runs * factors],
  ['ekfac', (_, runs, factors) => runs * factors],
];

export async function bytesPerSample({ engine, model }: Setting) {
  const source = await openFactors(engine, model);
  const factors = source.bytesPerRow;
  await source.dispose();
  return ({ name }: Method, settings: Settings, { runs }: Setting): number | undefined =>
    KEPT.find(([prefix]) => name.startsWith(prefix))?.[1](settings, runs.count, factors);
}
