/**
 * A small twin of nanoGPT on Tiny Shakespeare: what a decoder's attribution is measured on where the large one would take
 * days. Of nanoGPT's six layers, six heads, width 384 and context 256 it has two, four, 48 and 64; 1,000 blocks of
 * 64 characters instead of 3,921 of 256; AdamW, cosine, warm-up, decay, clipping and dropout are nanoGPT's, the batch is
 * halved. Half subsets, two trainings of each. The last blocks of the text are the queries: 200 evaluated, 200 held out to
 * choose settings on.
 */
import { shakespeareBlocks } from '../../datasets/tinyshakespeare.js';
import { cpuEngine } from '../../src/engine/index.js';
import { silent } from '../../src/foundation/index.js';
import type { Setting } from '../../src/influence/index.js';
import { decoder, type Recipe, selectSamples } from '../../src/models/index.js';

const CONTEXT = 64;
const SEED = 1;

const RECIPE: Recipe = {
  epochs: 10,
  batch: 16,
  optimiser: { name: 'adamw', beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 },
  schedule: { name: 'cosine', peak: 3e-3, floor: 3e-4, warmup: 30 },
  dropout: 0.2,
  clip: 1,
};

export interface ShakespeareSizes {
  readonly trained: number;
  readonly queries: number;
  readonly subsets: number;
  readonly epochs: number;
}

export const SHAKESPEARE: ShakespeareSizes = { trained: 1000, queries: 200, subsets: 50, epochs: RECIPE.epochs };

/** @param runs models that a method is given: the first on all samples, the others on halves of them */
export async function shakespeareSetting(runs: number, sizes: ShakespeareSizes = SHAKESPEARE): Promise<Setting> {
  const { trained, queries, subsets, epochs } = sizes;
  const blocks = { train: trained, test: 2 * queries, context: CONTEXT };
  const { train, test, characters } = await shakespeareBlocks(blocks, { progress: silent });
  const part = (start: number) =>
    selectSamples(
      test,
      Array.from({ length: queries }, (_, q) => start + q),
    );
  return {
    name: 'shakespeare-decoder',
    engine: cpuEngine({ threads: 2 }),
    model: decoder({
      vocabulary: characters.length,
      context: CONTEXT,
      width: 48,
      layers: 2,
      heads: 4,
      keyValueHeads: 4,
      hidden: 192,
      norm: 'layer',
      epsilon: 1e-5,
      positions: 'learned',
      feedForward: 'gelu',
      head: 'tied',
      biased: [],
    }),
    recipe: { ...RECIPE, epochs },
    samples: train,
    evaluation: part(0),
    heldOut: part(queries),
    subsets: { count: subsets, fraction: 0.5, seed: SEED, sets: 2 },
    runs: {
      count: runs,
      fraction: 0.5,
      seed: SEED,
      epochs: [0, 1, 2, 3, 5, 7, 10].filter((epoch) => epoch <= epochs),
    },
    sizes: {
      leftOut: 20,
      planted: 200,
      flipped: 0.1,
      removalQueries: 5,
      counts: [20],
      shares: [0.1],
      repeats: 2,
      copies: 20,
    },
    seed: SEED,
  };
}
