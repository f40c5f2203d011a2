/**
 * k-NN Shapley (Jia et al. 2019, theorem 1): the exact Shapley value of each training sample in the game whose worth is the
 * share of the K nearest neighbours, by the last hidden layer, that have the output's class; one sort an output.
 * Scores of an output add up to that worth over all samples. Neighbours equally far stand in the order of their labels, so
 * copies are worth the same. The trap: a value belongs to one set of players, so only rows of the training set have
 * one.
 */
import type { Engine } from '../../engine/index.js';
import { MeedError, sha256 } from '../../foundation/index.js';
import type { Model, Samples } from '../../models/index.js';
import { ensembleScorer, type OpenScorer } from '../ensemble.js';
import { lastHidden } from '../representation/lastHidden.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard } from './method.js';
import { refuseTarget } from './noTarget.js';
import { LAST, stateAt } from './runStates.js';
import { countOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'knn-shapley',
  source: 'Jia et al. 2019, "Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms", theorem 1',
  claim:
    "this sample's Shapley value when the output's class is guessed by its nearest neighbours in the model's last hidden layer",
  scale: "share of the K neighbours' votes",
  cost: 'one pass over n + m samples, m·n distances in float64, m sorts of n',
  needs: ['classes'],
  form: 'direct',
  additivity: 'relative',
};

export interface KnnSettings {
  readonly [name: string]: number | string;
  /** Neighbours that vote, K. */
  readonly neighbours: number;
  readonly epoch: number | string;
}

export const kNnShapley: Method<KnnSettings> = {
  ...card,
  defaults: { neighbours: 5, epoch: LAST },
  grid: [1, 5, 10, 50].map((neighbours) => ({ neighbours })),
  async open(attribution, { neighbours, epoch }, options = {}) {
    refuseTarget(card.name, options);
    const { model, runs, samples } = attribution;
    if (model.objective !== 'class') {
      throw new MeedError(
        `k-NN Shapley values classes, the model's objective is ${model.objective}`,
        'Choose embedding-similarity, which needs none',
      );
    }
    const k = countOf('neighbours', neighbours, 1);
    const states = runs.map((run) => stateAt(run, epoch, samples.rows).parameters);
    const open = (state: Float32Array, watch: WorkWatch): OpenScorer => neighbourhood(attribution, state, k, watch);
    return ensembleScorer(aboutScores(card), states, open, watchOf(options));
  },
};

function neighbourhood(
  { engine, model, samples: players }: Attribution,
  parameters: Float32Array,
  k: number,
  watch: WorkWatch,
): OpenScorer {
  return {
    async score(outputs, samples) {
      const places = placesOf(players, samples);
      const own = await embedded(engine, model, parameters, players);
      const asked = await embedded(engine, model, parameters, outputs);
      const scores = new Float32Array(outputs.rows * samples.rows);
      for (let q = 0; q < outputs.rows; q++) {
        watch.throwIfCancelled();
        const far = distances(asked.subarray(q), own);
        const lost = far.findIndex((distance) => !Number.isFinite(distance));
        if (lost >= 0) {
          throw new MeedError(
            `Sample ${lost} is at the distance ${far[lost]} of output ${q} in the last hidden layer`,
            'Check the training for divergence (lower the learning rate)',
          );
        }
        const values = knnValues(far, players.targets, outputs.targets[q], k);
        for (let i = 0; i < samples.rows; i++) scores[q * samples.rows + i] = values[places[i]];
        watch.progress(q + 1, outputs.rows, 'outputs');
      }
      return { shape: [outputs.rows, samples.rows], data: scores };
    },
    async dispose() {},
  };
}

interface Embedded {
  readonly rows: number;
  readonly width: number;
  readonly features: Float32Array;
  subarray(row: number): Float32Array;
}

async function embedded(engine: Engine, model: Model, parameters: Float32Array, samples: Samples): Promise<Embedded> {
  const { features, width } = await lastHidden(engine, model, parameters, samples);
  return {
    rows: samples.rows,
    width,
    features,
    subarray: (row) => features.subarray(row * width, (row + 1) * width),
  };
}

/** Squared, in float64: copies are exactly as far as each other. */
function distances(from: Float32Array, { rows, width, features }: Embedded): Float64Array {
  const far = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += (from[j] - features[i * width + j]) ** 2;
    far[i] = sum;
  }
  return far;
}

/**
 * The Shapley value of each player.
 * @param far     distance of each player, any monotone measure
 * @param labels  class of each player
 * @param label   class that is voted for
 * @param k       neighbours that vote
 */
export function knnValues(far: ArrayLike<number>, labels: ArrayLike<number>, label: number, k: number): Float64Array {
  const n = far.length;
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => far[a] - far[b] || labels[a] - labels[b] || a - b,
  );
  const right = (rank: number): number => (labels[order[rank]] === label ? 1 : 0);
  const values = new Float64Array(n);
  let value = (right(n - 1) * Math.min(k, n)) / (n * k);
  values[order[n - 1]] = value;
  for (let rank = n - 2; rank >= 0; rank--) {
    const before = rank + 1;
    value += ((right(rank) - right(rank + 1)) * Math.min(k, before)) / (k * before);
    values[order[rank]] = value;
  }
  return values;
}

/** For each row asked for, the training row that it is. @throws MeedError for one that is none */
function placesOf(players: Samples, asked: Samples): Uint32Array {
  const known = new Map<string, number>();
  for (let i = 0; i < players.rows; i++) known.set(nameOf(players, i), i);
  return Uint32Array.from({ length: asked.rows }, (_, i) => {
    const place = known.get(nameOf(asked, i));
    if (place !== undefined) return place;
    throw new MeedError(
      `Row ${i} of the samples to score is not one of the ${players.rows} training samples`,
      'Give k-NN Shapley rows of the training set: a value belongs to the set of players',
    );
  });
}

function nameOf({ features, width, targets }: Samples, row: number): string {
  const bytes = new Uint8Array(features.buffer, features.byteOffset + 4 * row * width, 4 * width);
  return `${targets[row]} ${sha256(bytes)}`;
}
