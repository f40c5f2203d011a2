/** A logistic regression on a noisy cloud that trains in milliseconds: enough for every measure, and slow enough for none. */
import { cpuEngine } from '../../../src/engine/index.js';
import { Random } from '../../../src/foundation/index.js';
import type { Setting } from '../../../src/influence/index.js';
import { linear, type Samples, selectSamples } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';

export const WIDTH = 5;
export const CLASSES = 3;

/** Rows [from, until) of one cloud. */
function part(all: Samples<Int32Array>, from: number, until: number): Samples<Int32Array> {
  return selectSamples(
    all,
    Array.from({ length: until - from }, (_, i) => from + i),
  );
}

export function tinySetting(changes: Partial<Setting> = {}): Setting {
  const all = cloud(80, WIDTH, CLASSES, 3);
  return {
    name: 'tiny',
    engine: cpuEngine(),
    model: linear(WIDTH, CLASSES),
    samples: part(all, 0, 48),
    evaluation: part(all, 48, 68),
    heldOut: part(all, 68, 80),
    recipe: {
      epochs: 6,
      batch: 8,
      optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
      schedule: { name: 'constant', rate: 0.05 },
      dropout: 0,
    },
    subsets: { count: 12, fraction: 0.5, seed: 5, sets: 2 },
    runs: { count: 1, fraction: 0.5, seed: 5, epochs: [0, 1] },
    sizes: {
      leftOut: 10,
      planted: 40,
      flipped: 0.2,
      removalQueries: 3,
      counts: [4, 12],
      shares: [0.25],
      repeats: 2,
      copies: 6,
    },
    seed: 5,
    ...changes,
  };
}

/** Numbers of a seed. */
export function normals(count: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}
